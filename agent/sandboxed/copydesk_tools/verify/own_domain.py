"""Puts a process where it can look into no other but its own children.

Without it a run could read and write the memory of its parent through /proc. A Landlock domain
that forbids nothing else is enough: the kernel lets nobody in a domain trace a process outside of
it. Where the kernel has none, nothing happens. Standard library only.

Constants: <linux/landlock.h>, <linux/prctl.h>.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_SET_NO_NEW_PRIVILEGES, _SET_SUBREAPER = 38, 36
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_REFER = 1 << 13
"""Moving a file to another folder: the one right that a domain takes unless it is given."""
_READ_FILE = 1 << 2
_PATH_BENEATH = 1
_VERSION = 1
_FIRST_WITH_REFER = 2


def _c_library() -> Any:
    try:
        import ctypes
    except ImportError:
        return None
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


_LIBC = _c_library()


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended."""
    if _LIBC is not None:
        _LIBC.prctl(_SET_SUBREAPER, 1, 0, 0, 0)


def leave_the_others_alone(hidden: tuple[str, ...] = ()) -> None:
    """Take from this process and its children the means to look into others.

    Args:
        hidden: Folders whose files they cannot read any more; all in one folder.
    """
    if _LIBC is None:
        return
    import ctypes
    import struct

    version = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < _FIRST_WITH_REFER:
        return
    handled = _REFER | (_READ_FILE if hidden else 0)
    attributes = struct.pack("=Q", handled)
    rules = _LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return
    try:
        allowed = [("/", _REFER), *((path, _READ_FILE) for path in _all_but(hidden))]
        if all(_allow(rules, path, rights) for path, rights in allowed):
            _LIBC.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            _LIBC.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> bool:
    """Add to a set of rules what may be done below a folder; whether that worked."""
    import struct

    folder = os.open(path, os.O_PATH)
    try:
        beneath = struct.pack("=Qi", rights, folder)
        return bool(_LIBC.syscall(_ADD_RULE, rules, _PATH_BENEATH, beneath, 0) == 0)
    finally:
        os.close(folder)


def _all_but(hidden: tuple[str, ...]) -> list[str]:
    """The folders that, with all that is in them, are everything but the hidden ones."""
    if not hidden:
        return []
    paths: list[str] = []
    folder = os.path.dirname(hidden[0])
    while True:
        with os.scandir(folder) as entries:
            paths += [e.path for e in entries if e.path not in hidden and e.is_dir()]
        if folder == os.path.dirname(folder):
            return paths
        hidden, folder = (folder,), os.path.dirname(folder)
