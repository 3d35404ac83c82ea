"""Who asks: the code of the tree, the import system, or pytest; and for which variables.

Runs inside the user's pytest and in the Pythons that tests start. Standard library only; never
imported as part of copydesk.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Container, Dict

IMPORTING = ("<frozen importlib", "<frozen zipimport")
BETWEEN = frozenset(
    {"os", "posixpath", "genericpath", "pathlib", "pathlib._local", "shutil"}
    | {"collections.abc", "_collections_abc"}
    # pytest shows the source of what failed
    | {"linecache", "tokenize", "inspect", "traceback"}
)
"""Modules that pass a question on."""

OURS = ("copydesk_", "_pytest.", "pluggy.")


def callers() -> Any:
    """The frames around, the nearest first, without our own."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not frame.f_globals.get("__name__", "").startswith("copydesk_"):
            yield frame
        frame = frame.f_back


def is_import() -> bool:
    """Whether the import system asks, pytest for itself, or coverage.py."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("copydesk_bytecode", "_pytest.", "coverage.")):
            return True
        if not name.startswith("copydesk_") and name not in BETWEEN:
            return bool(frame.f_code.co_filename.startswith(IMPORTING))
        frame = frame.f_back
    return False


def is_pytest() -> bool:
    """Whether pytest asks for itself."""
    for frame in callers():
        name = frame.f_globals.get("__name__", "")
        if name not in BETWEEN:
            return bool(name.startswith(OURS))
    return False


def is_from(scope: Container[str]) -> bool:
    """Whether code of the tree asks, through a library perhaps, but not through an import of one.

    Args:
        scope: The files of the tree.
    """
    if KINDS.get("scope") is not scope:
        KINDS.clear()
        KINDS["scope"] = scope
    kinds = KINDS.get
    frame: Any = sys._getframe(1)
    while frame is not None:
        # asked so often that what is known of a file's frames is not worked out again
        kind = kinds(frame.f_code.co_filename)
        if kind is None:
            kind = KINDS[frame.f_code.co_filename] = _kind(frame, scope)
        if kind is not PASSES:
            return bool(kind is TREE)
        frame = frame.f_back
    return False


TREE, ENDS, PASSES = "of the tree", "the search ends here", "passes a question on"
KINDS: Dict[str, Any] = {}
"""What frames of a file are, by its name; under "scope" what that was asked for."""


def _kind(frame: Any, scope: Container[str]) -> str:
    path, name = frame.f_code.co_filename, frame.f_globals.get("__name__", "")
    if name.startswith("copydesk_"):
        return PASSES
    if path in scope:
        return TREE
    return ENDS if path.startswith(IMPORTING) or name.startswith("pluggy.") else PASSES


def watch_variables(note: Callable[[str], None]) -> None:
    """Hear of each environment variable that is looked up by its name.

    Who copies the whole environment, to hand it on, looks nothing up; C code is not heard.

    Args:
        note: Told the name.
    """
    kind: Any = type(os.environ)
    find, walk = kind.__getitem__, kind.__iter__
    copied: set[Any] = set()

    def walked(self: Any) -> Any:
        copied.update(self._data)
        return walk(self)

    def found(self: Any, name: Any) -> Any:
        try:
            encoded = self.encodekey(name)
            if encoded in copied:
                copied.discard(encoded)
            elif not (text := os.fsdecode(encoded)).startswith("COPYDESK_"):
                note(text)
        except Exception:  # ours to bear, not the user's
            pass
        return find(self, name)

    kind.__getitem__, kind.__iter__ = found, walked
