"""Which files pytest collects tests from, by their names."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch

DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
"""pytest's default `python_files`."""


def is_test_file(path: str, patterns: Iterable[str] = DEFAULT_PATTERNS) -> bool:
    """Whether pytest collects tests from a file.

    Args:
        path: In the repository, with slashes.
        patterns: The project's `python_files`: of a name, or of a path.
    """
    return any(_matches(path, pattern) for pattern in patterns)


def _matches(path: str, pattern: str) -> bool:
    """pytest's rule: a pattern without a slash is one of the name alone."""
    if "/" in pattern:
        return fnmatch(f"/{path}", f"*/{pattern}")
    return fnmatch(path.rpartition("/")[2], pattern)


def is_script(path: str) -> bool:
    """Whether a file, if it is source, is none by its name."""
    return not path.endswith(".py")
