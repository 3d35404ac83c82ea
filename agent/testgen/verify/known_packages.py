"""Which packages outside of the standard library a draft may import: those of the project, and
those that its code or its tests import already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 5000
"""Files that are read to find out whether the project uses a package."""
_NOT_THE_PROJECTS = frozenset({".git", "node_modules", "__pycache__", "site-packages"})


def is_known_to(tree: Path, package: str) -> bool:
    """Whether a package is the project's own, or imported by a file of the project.

    Args:
        tree: The project.
        package: The first part of a module's name.
    """
    pattern = re.compile(rb"^[ \t]*(?:from|import)[ \t]+%b\b" % re.escape(package).encode(), re.M)
    for number, path in enumerate(_python_files(tree)):
        if path.stem == package or path.parent.name == package:
            return True
        if number < MOST_FILES and pattern.search(_contents(path)):
            return True
    return False


def _python_files(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(set(folders) - _NOT_THE_PROJECTS)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
