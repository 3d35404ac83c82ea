"""Which files a project leaves out of its coverage on purpose, by its own configuration.

A coverage file holds what was measured and does not say what was not. A changed file that it does
not know is unknown, unless the project's coverage configuration leaves it out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from copydesk.hooks.gate import is_test

NO_CODE_OF_THE_PROJECT = ("setup.py", "noxfile.py", "docs/*", "doc/*")
"""What configures, builds or documents: left out where the configuration names nothing."""


def leaves_out(top: Path, configuration: Callable[[], str | bool]) -> Callable[[str], bool]:
    """A function that says whether the project leaves a file out of its coverage.

    Args:
        top: The folder that paths are relative to.
        configuration: Finds the file that configures coverage.py there; False where there is none.
    """

    @functools.cache
    def rules() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        # coverage.py takes a twentieth of a second to import, and most changes need none of it
        from coverage import Coverage
        from coverage.exceptions import CoverageException

        try:
            cov = Coverage(data_file=None, config_file=configuration(), messages=False)
        except CoverageException:
            return (), (), ()
        omit = _words(cov.get_option("run:omit")) + _words(cov.get_option("report:omit"))
        include = _words(cov.get_option("run:include")) + _words(cov.get_option("report:include"))
        sources = _words(cov.get_option("run:source")) + _words(cov.get_option("run:source_pkgs"))
        return omit, include, sources

    def is_left_out(path: str) -> bool:
        if is_test(path):
            return True
        omit, include, sources = rules()
        if _matches(path, top, omit) or (include and not _matches(path, top, include)):
            return True
        if sources:
            return not any(_is_inside(path, top, source) for source in sources)
        return _matches(path, top, NO_CODE_OF_THE_PROJECT)

    return is_left_out


def _words(option: object) -> tuple[str, ...]:
    return tuple(map(str, option)) if isinstance(option, list | tuple) else ()


def _matches(path: str, top: Path, patterns: Iterable[str]) -> bool:
    """Whether a pattern of coverage.py's means a file: relative to the top, or a full one."""
    full = f"{top.as_posix()}/{path}"
    for pattern in patterns:
        plain = pattern.replace("\\", "/").removeprefix("./").replace("**/", "*")
        if plain.endswith("/"):
            plain += "*"
        if fnmatchcase(path, plain) or fnmatchcase(full, plain):
            return True
    return False


def _is_inside(path: str, top: Path, source: str) -> bool:
    """Whether a file lies in a source: a folder, or a package by its name."""
    folder = source.replace("\\", "/").removeprefix(f"{top.as_posix()}/").removeprefix("./")
    folder = folder.rstrip("/")
    if folder in ("", "."):
        return True
    package = folder.replace(".", "/")
    return any(f"/{path}".find(f"/{name}{end}") >= 0 for name in (folder, package)
               for end in ("/", ".py"))  # fmt: skip
