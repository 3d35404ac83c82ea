"""Becomes the parent of a confined program: Landlock and a system-call filter, by ctypes.

Run as a program by copydesk's own Python (`-I -S`), never imported by what is confined: it reads
the policy as JSON from the file descriptor in its first argument, starts the rest of its words in a
child that can only read and write what the policy names, and leaves when nothing of that is alive.
Constants: <linux/landlock.h>, <linux/seccomp.h>, <linux/prctl.h>.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
import time
from pathlib import Path

OLDEST = 6
"""Landlock's ABI from which on signals and abstract sockets are scoped (Linux 6.12)."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every machine
_VERSION = 1
_SCOPE = 0b11  # abstract Unix sockets and signals
_NET = 0b11  # TCP bind and connect
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _DEVICE = 1, 2, 4, 8, 1 << 14, 1 << 15
_ALL = (1 << 16) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE
_READING = _EXECUTE | _READ | _LIST
_NO_NEW_PRIVILEGES, _DEATH_SIGNAL, _SUBREAPER, _SECCOMP, _FILTER = 38, 1, 36, 22, 2
_READY = b"ready\n"


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The version of Landlock that this kernel speaks; 0 where there is none or it is off."""
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def _checked(result: int, action: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), action)
    return result


def confine(readable: list[str], writable: list[str], program: bytes) -> None:
    """Restrict this process and what it starts, for good.

    Args:
        readable: Files and folders to read and execute.
        writable: Files and folders to do anything with.
        program: The system-call filter, an array of struct sock_filter.

    Raises:
        OSError: The kernel refuses.
    """
    libc = _libc()
    rules = struct.pack("<QQQ", _ALL, _NET, _SCOPE)
    ruleset = _checked(libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), 0), "ruleset")
    for paths, rights in ((readable, _READING), (writable, _ALL)):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
                allowed = rights if os.path.isdir(path) else rights & _OF_FILES  # noqa: PTH112
                beneath = struct.pack("<Qi", allowed, fd)
                _checked(libc.syscall(_ADD, ruleset, 1, beneath, 0), path)
                os.close(fd)
    _checked(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    _checked(libc.syscall(_RESTRICT, ruleset, 0), "Landlock")
    os.close(ruleset)
    filter_ = _Program(len(program) // 8, program)
    _checked(libc.prctl(_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0), "filter")


def main() -> None:
    """Start the program, wait for it, kill its descendants, exit with its code."""
    policy = json.loads(os.read(int(sys.argv[1]), 1 << 20))
    libc = _libc()
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            os.setsid()
            confine(policy["read"], policy["write"], bytes.fromhex(policy["filter"]))
            os.execv(sys.argv[2], sys.argv[2:])
        except BaseException as error:
            os.write(2, f"the program cannot be confined: {error}\n".encode())
        finally:
            os._exit(126)
    signal.signal(signal.SIGTERM, lambda *_: _end_all(143))
    _, status = os.waitpid(child, 0)
    _end_all(os.waitstatus_to_exitcode(status))


def _end_all(code: int) -> None:
    """Kill every descendant (a subreaper gets them all as children), then exit."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        me = os.getpid()
        children = Path(f"/proc/{me}/task/{me}/children").read_text()
        for pid in map(int, children.split()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            break
        time.sleep(0.002)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
