"""Calls that no audit event tells of: questions about paths, and environment variables.

Both functions replace something of the standard library; by `setattr` where it is for good.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import Any, Callable

Replace = Callable[[Any, str, Any], None]
"""Puts a function in place of an attribute: owner, name, function."""


def watch_status(name: str, note: Callable[[Any], None], replace: Replace = setattr) -> None:
    """Have each path noted that a function of `os` asks for, whether there is such a file or not.

    What goes wrong in noting never fails the user's own call.

    Args:
        name: Of the function: "stat", "lstat" or "access".
        note: Told the path.
        replace: Puts the new function in place.
    """
    original = getattr(os, name)
    accessor: Any = None
    if sys.hexversion < 0x030B0000:  # pathlib keeps references of its own, as methods of a class
        import pathlib

        accessor = getattr(pathlib, "_NormalAccessor", None)

    @functools.wraps(original)
    def status(*args: Any, **options: Any) -> Any:
        with contextlib.suppress(Exception):
            note(args[0] if args else options["path"])
        return original(*args, **options)

    replace(os, name, status)
    if getattr(accessor, name, None) is original:
        replace(accessor, name, staticmethod(status))
    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in supported:
            supported.add(status)  # `shutil` looks functions up there


def watch_variables(note: Callable[[str], None], replace: Replace = setattr) -> None:
    """Have each environment variable noted that is looked up by its name.

    Who copies the whole environment, to hand it on, looks nothing up; what C code looks up is not
    seen.

    Args:
        note: Told the name.
        replace: Puts the new methods in place.
    """
    environ: Any = type(os.environ)
    original_getitem, original_iter = environ.__getitem__, environ.__iter__
    copied: set[Any] = set()

    def iterate(self: Any) -> Any:
        copied.update(self._data)
        return original_iter(self)

    def getitem(self: Any, name: Any) -> Any:
        try:
            encoded = self.encodekey(name)
            if encoded in copied:
                copied.discard(encoded)
            elif not (variable := os.fsdecode(encoded)).startswith("COPYDESK_"):
                note(variable)
        except Exception:  # ours to bear, not the user's
            pass
        return original_getitem(self, name)

    replace(environ, "__getitem__", getitem)
    replace(environ, "__iter__", iterate)
