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


def leave_the_others_alone() -> None:
    """Take from this process and its children the means to look into others."""
    if _LIBC is None:
        return
    import ctypes
    import struct

    version = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < _FIRST_WITH_REFER:
        return
    attributes = struct.pack("=Q", _REFER)
    rules = _LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return
    top = os.open("/", os.O_PATH)
    try:
        beneath = struct.pack("=Qi", _REFER, top)
        if _LIBC.syscall(_ADD_RULE, rules, _PATH_BENEATH, beneath, 0) == 0:
            _LIBC.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            _LIBC.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(top)
        os.close(rules)
