"""What a call leaves behind and what it reaches for: reasons to refuse it as a test."""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from typing import Any


class GivenUp(BaseException):
    """A call took too long or wanted something outside of its test."""


class State:
    """The mutable globals of the project's loaded modules, to compare and to put back.

    Args:
        top: The project's folder.
        quick: Whether objects within containers count as unchanged while they are the same ones:
            for looking around, where comparing hundreds of them after each call takes longer
            than the calls; what is recorded is compared in full.
    """

    def __init__(self, top: str, quick: bool = False) -> None:
        kinds = (list, dict, set, bytearray)
        self.modules = [
            m
            for m in list(sys.modules.values())
            if str(getattr(m, "__file__", None) or "").startswith(top + os.sep)
        ]
        self.saved: list[tuple[dict[str, Any], str, Any, Any]] = []
        for module in self.modules:
            for name, value in list(vars(module).items()):
                if name.startswith("__") or not isinstance(value, (*kinds, int, float, str)):
                    continue
                with contextlib.suppress(Exception):  # not everything can be copied or compared
                    kept = copy.deepcopy(value)
                    if kept == value:
                        self.saved.append((vars(module), name, value, kept))
        self.parts = [parts(value) for _, _, value, _ in self.saved] if quick else []
        self.environ = dict(os.environ)
        self.cwd = os.getcwd()

    def changed(self) -> bool:
        """Whether a call left a trace in a module, the environment or the working folder."""
        if dict(os.environ) != self.environ or os.getcwd() != self.cwd:
            return True
        if self.parts:
            return any(
                scope.get(name) is not value or not _same(parts(value), before)
                for (scope, name, value, _), before in zip(self.saved, self.parts)
            )
        return any(_differs(*saved) for saved in self.saved)

    def restore(self) -> None:
        """Put everything back."""
        os.environ.clear()
        os.environ.update(self.environ)
        os.chdir(self.cwd)
        for scope, name, value, kept in self.saved:
            fresh = copy.deepcopy(kept)
            if isinstance(value, (list, bytearray)):
                value[:] = fresh
            elif isinstance(value, (dict, set)):
                value.clear()
                value.update(fresh)
            scope[name] = value


def parts(value: Any) -> list[Any]:
    """What a value holds, in order: keys and items of containers in it, one behind the other."""
    found: list[Any] = []
    todo = [value]
    while todo:
        one = todo.pop()
        found.append(len(one) if isinstance(one, (dict, list, tuple)) else one)
        if isinstance(one, dict):
            todo += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            todo += one
        elif isinstance(one, (set, bytearray)):
            found[-1] = one.copy()
    return found


def _same(now: list[Any], before: list[Any]) -> bool:
    """Whether two lists of parts hold the same objects, or equal plain values."""
    if len(now) != len(before):
        return False
    return all(
        one is other or (isinstance(one, _PLAIN) and type(one) is type(other) and one == other)
        for one, other in zip(now, before)
    )


_PLAIN = (int, float, str, set, bytearray)


def _differs(scope: dict[str, Any], name: str, value: Any, kept: Any) -> bool:
    try:
        return bool(scope.get(name) is not value or value != kept)
    except Exception:  # a comparison that fails now and did not before
        return True


class Guard:
    """Notices, and stops, what reaches outside a test: files, programs, the network, the clock."""

    def __init__(self, top: str) -> None:
        self.active = False
        self.touched = ""
        self.clock = False
        self.folder = ""
        self.patched: frozenset[str] = frozenset()
        self.readable = tuple(
            {
                os.path.realpath(p)
                for p in (top, sys.prefix, sys.base_prefix, *filter(None, sys.path))
            }
            | {"/usr/share/zoneinfo", "/dev/null"}
        )
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            self._opened(arguments)
        elif event in _FILE_EVENTS:
            own = event == "os.chdir" and "cwd" in self.patched  # there, and back at the end
            if not own and not str(arguments[0]).startswith(self.folder or "\0"):
                self._refuse(event)
        elif event in _OUTSIDE or event.split(".")[0] in ("subprocess", "ctypes", "shutil"):
            self._refuse(event)

    def _opened(self, arguments: tuple[Any, ...]) -> None:
        path, mode = arguments[0], arguments[1]
        if not isinstance(path, (str, bytes)):
            return
        place = os.path.realpath(os.fsdecode(path))
        if self.folder and place.startswith(self.folder):
            return
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(mode, str):
            writes = writes or any(letter in mode for letter in "wax+")
        if writes or not place.startswith(self.readable):
            self._refuse("open")

    def _refuse(self, what: str) -> None:
        self.touched = what
        raise GivenUp(what)

    def profile(self, frame: Any, event: str, argument: Any) -> None:
        """sys.setprofile function: notes calls whose result nobody can repeat."""
        if event == "c_call" and argument.__name__ in _UNREPEATABLE:
            caller = frame.f_globals.get("__name__", "")
            if caller.split(".")[0] not in _MAY_ASK:
                self._asked(argument)

    def _asked(self, function: Any) -> None:
        owner = getattr(function, "__self__", None)
        kind = getattr(owner, "__name__", "") or type(owner).__module__
        if kind not in _UNREPEATABLE[function.__name__]:
            return
        if _PUT_THERE.get(function.__name__, "") in self.patched:
            return
        if kind in _CLOCKS:
            self.clock = True
        elif kind != "random" or owner is getattr(sys.modules["random"], "_inst", None):
            self.touched = function.__name__  # a generator that the project seeds is its own


_FILE_EVENTS = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink",
    "os.truncate", "os.chdir", "os.utime",
)  # fmt: skip

_OUTSIDE = frozenset(
    {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.kill"}
    | {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"}
    | {"socket.gethostbyname", "socket.gethostbyaddr", "webbrowser.open"}
)

_MAY_ASK = frozenset({"logging", "tempfile", "asyncio", "warnings", "selectors", "importlib"})
"""Packages of the standard library that ask for the time or the folder for their own use."""

_PUT_THERE = {"getcwd": "cwd", "random": "seed", "getrandbits": "seed"}
"""Which patch makes the answer of a function one that comes again."""

_CLOCKS = ("datetime", "date", "time", "_zoneinfo")
_UNREPEATABLE = {
    **dict.fromkeys(("now", "today", "utcnow", "time", "time_ns", "monotonic"), _CLOCKS),
    **dict.fromkeys(("perf_counter", "localtime", "ctime", "process_time"), _CLOCKS),
    **dict.fromkeys(("random", "getrandbits"), ("random", "_random")),
    **dict.fromkeys(("urandom", "getcwd", "getpid", "getlogin", "uname"), ("posix", "nt")),
    "gethostname": ("_socket",),
}
