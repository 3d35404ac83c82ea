"""Modules that tests import and the interpreter lacks, and the command that installs them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple

from copydesk.agent.git.repository import Repository, tree
from copydesk.agent.records import Sha

_MISSING = re.compile(
    r"(?:(?:ModuleNotFoundError|ImportError): |Error importing plugin \"[^\"]*\": )"
    r"No module named '?([A-Za-z_][\w.]*)"
)

DISTRIBUTIONS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "usb": "pyusb",
    "xdist": "pytest-xdist",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
"""Where a module is installed under another name; what is not here mostly has its own."""


def missing_modules(errors: Iterable[str]) -> list[str]:
    """The modules that error lines say are missing, by the name of their package, each once."""
    modules: dict[str, None] = {}
    for error in errors:
        match = _MISSING.search(error)
        if match:
            modules[match[1].partition(".")[0]] = None
    return list(modules)


def is_in_tree(module: str, paths: Iterable[str]) -> bool:
    """Whether some file of a tree is, or belongs to, a module of that name.

    Then installing a package of that name is no cure: it would be another one.
    """
    ends = f"/{module}.py"
    inside = f"/{module}/"
    return any(f"/{path}".endswith(ends) or inside in f"/{path}" for path in paths)


class Install(NamedTuple):
    """What an interpreter lacks, in words, and the command that installs it."""

    problem: str
    command: str

    @property
    def in_words(self) -> str:
        """Both in one line."""
        return f"{self.problem}; install what the tests need: `{self.command}`"


def missing_packages(
    repo: Repository, sha: Sha, python: str, errors: Iterable[str]
) -> Install | None:
    """What to install where tests of a commit fail for want of a module; None where none does.

    Args:
        repo: The repository.
        sha: The commit.
        python: The interpreter that ran its tests: its path.
        errors: The last error lines of the tests.
    """
    return install_of(python, errors, lambda: tree(repo, sha))


def install_of(
    python: str, errors: Iterable[str], paths: Callable[[], Iterable[str]]
) -> Install | None:
    """What to install where error lines say that a module is missing; None where none does.

    Args:
        python: The interpreter that lacks it: its path.
        errors: The error lines.
        paths: Lists the files of the tree, which is asked for only where a module is missing.
    """
    modules = missing_modules(errors)
    if not modules:
        return None
    files = list(paths())
    foreign = [module for module in modules if not is_in_tree(module, files)]
    if not foreign:
        return None
    names = " and ".join(foreign) if len(foreign) < 3 else ", ".join(foreign)
    packages = " ".join(DISTRIBUTIONS.get(module, module) for module in foreign)
    command = f"{shlex.quote(python)} -m pip install {packages}"
    return Install(f"{python} has no module {names}", command)
