"""Which packages outside of the standard library a draft may import: those of the project, and
those that its code or its tests import already or that it declares as requirements.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 5000
"""Files that are read to find out whether the project uses a package."""
_DECLARATIONS = (
    *("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "*requirements*.txt"),
    *("requirements/*.txt", "requirements/*.in"),
)
_REQUIREMENT = re.compile(rb"""(?:^[ \t]*|["'])([A-Za-z][\w.-]*)[ \t]*(?=[<>=!~;\[\s"']|$)""", re.M)
"""A line or a quoted text that begins as a requirement does; more may match, which does no harm."""
_OTHER_NAMES = {
    "pyyaml": "yaml",
    "beautifulsoup4": "bs4",
    "pillow": "PIL",
    "scikit_learn": "sklearn",
    "pyjwt": "jwt",
    "attrs": "attr",
    "protobuf": "google",
    "pycryptodome": "Crypto",
    "pyserial": "serial",
    "opencv_python": "cv2",
    "msgpack_python": "msgpack",
}
_NOT_THE_PROJECTS = frozenset({".git", "node_modules", "__pycache__", "site-packages"})


def is_known_to(tree: Path, package: str) -> bool:
    """Whether a package is the project's own, imported by a file of it, or declared by it.

    Args:
        tree: The project.
        package: The first part of a module's name.
    """
    pattern = re.compile(rb"^[ \t]*(?:from|import)[ \t]+%b\b" % re.escape(package).encode(), re.M)
    if package in declared_packages(tree):
        return True
    for number, path in enumerate(_python_files(tree)):
        if path.stem == package or path.parent.name == package:
            return True
        if number < MOST_FILES and pattern.search(_contents(path)):
            return True
    return False


def declared_packages(tree: Path) -> set[str]:
    """The packages that a project declares as requirements, as they would be imported.

    Args:
        tree: The project: its pyproject.toml, setup.cfg, tox.ini and requirements files are read.
    """
    names: set[str] = set()
    for pattern in _DECLARATIONS:
        for path in sorted(tree.glob(pattern)):
            for name in _REQUIREMENT.findall(_contents(path)):
                words = name.decode().lower().replace("-", "_")
                names |= {words, words.removeprefix("python_"), _OTHER_NAMES.get(words, words)}
    return names


def _python_files(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(set(folders) - _NOT_THE_PROJECTS)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
