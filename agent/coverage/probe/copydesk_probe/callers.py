"""Who calls: the code of the tree, the import system, pytest or coverage.py, seen in the stack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # children load this module, and have no use for tracers
    from .tracers import SourceScope

IMPORT_SYSTEM = ("<frozen importlib", "<frozen zipimport")
FORWARDING_MODULES = frozenset(
    {"os", "posixpath", "genericpath", "shutil"}
    # one module up to Python 3.12, in 3.13 and later a package whose modules differ
    | {"pathlib", "pathlib._abc", "pathlib._local", "pathlib._os", "pathlib.types"}
    | {"collections.abc", "_collections_abc"}
    # pytest shows the source of what failed
    | {"linecache", "tokenize", "inspect", "traceback"}
)
"""Modules that call on behalf of their own caller."""

PACKAGE = __name__.rpartition(".")[0] + "."
"""How the names of the probe's own modules begin."""

COMPILED_MODULES = PACKAGE + "compiled_modules"
PYTEST = (PACKAGE, "_pytest.", "pluggy.")

TREE, ENDS, FORWARDS = "code of the tree", "the search ends here", "calls for another"


def _callers() -> Iterator[Any]:
    """The frames around, the nearest first, without the probe's own."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not _module(frame).startswith(PACKAGE):
            yield frame
        frame = frame.f_back


def _module(frame: Any) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name


def is_tool_call() -> bool:
    """Whether the import system calls, pytest for itself, or coverage.py."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = _module(frame)
        if name.startswith((COMPILED_MODULES, "_pytest.", "coverage.")):
            return True
        if not name.startswith(PACKAGE) and name not in FORWARDING_MODULES:
            return bool(frame.f_code.co_filename.startswith(IMPORT_SYSTEM))
        frame = frame.f_back
    return False


def is_subprocess_call() -> bool:
    """Whether `subprocess` calls, which has said before what it starts."""
    frame: Any = sys._getframe(1)
    while frame is not None and _module(frame).startswith(PACKAGE):
        frame = frame.f_back
    return frame is not None and _module(frame) == "subprocess"


def is_pytest_call() -> bool:
    """Whether pytest calls for itself."""
    for frame in _callers():
        name = _module(frame)
        if name not in FORWARDING_MODULES:
            return name.startswith(PYTEST)
    return False


class TreeCallers:
    """Tells calls by code of the tree from others.

    Args:
        scope: The files of the tree.
    """

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope
        self._kinds: dict[str, str] = {}  # by file name: asked too often to look twice

    def is_calling(self) -> bool:
        """Whether code of the tree calls, through a library perhaps.

        Not where a library of it is being imported: then the import calls.
        """
        kind_of = self._kinds.get
        frame: Any = sys._getframe(1)
        while frame is not None:
            kind = kind_of(frame.f_code.co_filename)
            if kind is None:
                kind = self._kinds[frame.f_code.co_filename] = self._kind(frame)
            if kind is not FORWARDS:
                return kind is TREE
            frame = frame.f_back
        return False

    def _kind(self, frame: Any) -> str:
        path, name = frame.f_code.co_filename, _module(frame)
        if name.startswith(PACKAGE):
            return FORWARDS
        if path in self._scope:
            return TREE
        if path.startswith(IMPORT_SYSTEM) or name.startswith("pluggy."):
            return ENDS
        return FORWARDS
