"""What a call leaves behind and what it reaches for: reasons to refuse it as a test."""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

_COPIED = (list, dict, set, bytearray, int, float, str)
"""Kinds of globals that a call may change."""


class GivenUp(BaseException):
    """A call took too long or wanted something outside of its test."""


class Saved(NamedTuple):
    """A global of a module: where it stands, what it is, and a copy of that as it was."""

    scope: Dict[str, Any]
    name: str
    value: Any
    copied: Any


def _is_in(module: Any, top: str) -> bool:
    """Whether a module's file is below a folder."""
    return str(getattr(module, "__file__", None) or "").startswith(top + os.sep)


class State:
    """The mutable globals of the project's loaded modules, to compare and to put back.

    Args:
        top: The project's folder.
        quick: Whether objects within containers count as unchanged while they are the same ones:
            for looking around, where comparing hundreds of them after each call takes longer
            than the calls; what is recorded is compared in full.
    """

    def __init__(self, top: str, quick: bool = False) -> None:
        self.modules = [module for module in list(sys.modules.values()) if _is_in(module, top)]
        self.saved: List[Saved] = []
        for module in self.modules:
            for name, value in list(vars(module).items()):
                if not name.startswith("__") and isinstance(value, _COPIED):
                    self._save(vars(module), name, value)
        self.parts = [parts(saved.value) for saved in self.saved] if quick else []
        self.environ = dict(os.environ)
        self.cwd = os.getcwd()

    def _save(self, scope: Dict[str, Any], name: str, value: Any) -> None:
        """Keep a copy of a global, if it can be copied and compared."""
        with contextlib.suppress(Exception):
            copied = copy.deepcopy(value)
            if copied == value:
                self.saved.append(Saved(scope, name, value, copied))

    def changed(self) -> bool:
        """Whether a call left a trace in a module, the environment or the working folder."""
        if dict(os.environ) != self.environ or os.getcwd() != self.cwd:
            return True
        if not self.parts:
            return any(_differs(saved) for saved in self.saved)
        return any(
            saved.scope.get(saved.name) is not saved.value or not _same(parts(saved.value), before)
            for saved, before in zip(self.saved, self.parts)
        )

    def changed_globals(self) -> List[Tuple[str, str, Any]]:
        """The globals that a call changed: module, name, and what each is now."""
        return [
            (str(saved.scope.get("__name__")), saved.name, saved.scope.get(saved.name))
            for saved in self.saved
            if _differs(saved)
        ]

    def restore(self) -> None:
        """Put everything back."""
        os.environ.clear()
        os.environ.update(self.environ)
        os.chdir(self.cwd)
        for scope, name, value, copied in self.saved:
            fresh = copy.deepcopy(copied)
            if isinstance(value, (list, bytearray)):
                value[:] = fresh
            elif isinstance(value, (dict, set)):
                value.clear()
                value.update(fresh)
            scope[name] = value


def parts(value: Any) -> list[Any]:
    """What a value holds, in order: keys and items of containers in it, one behind the other."""
    contents: List[Any] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            contents.append(len(part))
            waiting += [*part, *part.values()]
        elif isinstance(part, (list, tuple)):
            contents.append(len(part))
            waiting += part
        else:
            contents.append(part.copy() if isinstance(part, (set, bytearray)) else part)
    return contents


def _same(now: List[Any], before: List[Any]) -> bool:
    """Whether two lists of parts hold the same objects, or equal plain values."""
    return len(now) == len(before) and all(map(_is_same, now, before))


def _is_same(now: Any, before: Any) -> bool:
    if now is before:
        return True
    return isinstance(now, _PLAIN) and type(now) is type(before) and bool(now == before)


_PLAIN = (int, float, str, set, bytearray)


def _differs(saved: Saved) -> bool:
    """Whether a global is another object, or its object another value."""
    try:
        is_other = saved.scope.get(saved.name) is not saved.value
        return bool(is_other or saved.value != saved.copied)
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
        folders = (top, sys.prefix, sys.base_prefix, *filter(None, sys.path))
        self.readable = (*map(os.path.realpath, folders), "/usr/share/zoneinfo", "/dev/null")
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            self._opened(arguments)
        elif event in _FILE_EVENTS:
            is_patch = event == "os.chdir" and "cwd" in self.patched  # there and back
            if not is_patch and not str(arguments[0]).startswith(self.folder or "\0"):
                self._refuse(event)
        elif event in _OUTSIDE or event.split(".")[0] in ("subprocess", "ctypes", "shutil"):
            self._refuse(event)

    def _opened(self, arguments: tuple[Any, ...]) -> None:
        path, mode = arguments[0], arguments[1]
        if not isinstance(path, (str, bytes)):
            return
        real = os.path.realpath(os.fsdecode(path))
        if self.folder and real.startswith(self.folder):
            return
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(mode, str):
            writes = writes or any(letter in mode for letter in "wax+")
        if writes or not real.startswith(self.readable):
            self._refuse("open")

    def _refuse(self, event: str) -> None:
        self.touched = event
        raise GivenUp(event)

    def note_arguments(self) -> None:
        """Note that a call read what pytest was started with."""
        if self.active:
            self.touched = "sys.argv"

    def profile(self, frame: Any, event: str, argument: Any) -> None:
        """sys.setprofile function: notes calls whose result nobody can repeat."""
        if event == "c_call" and argument.__name__ in _UNREPEATABLE:
            caller = frame.f_globals.get("__name__", "")
            if caller.split(".")[0] not in _MAY_ASK:
                self._note(argument)

    def _note(self, function: Any) -> None:
        """Note that a call asked for the time, or for something that no patch makes the same."""
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

_MAY_ASK = frozenset(
    {"logging", "tempfile", "asyncio", "warnings", "selectors", "importlib", "copydesk_tools"}
)
"""Packages that ask for the time or the folder for their own use."""

_PUT_THERE = {"getcwd": "cwd", "random": "seed", "getrandbits": "seed"}
"""Which patch makes the answer of a function one that comes again."""

_CLOCKS = ("datetime", "date", "time", "_zoneinfo")
_UNREPEATABLE = {
    **dict.fromkeys(("now", "today", "utcnow", "time", "time_ns", "monotonic"), _CLOCKS),
    **dict.fromkeys(("perf_counter", "localtime", "ctime", "process_time"), _CLOCKS),
    **dict.fromkeys(("random", "getrandbits"), ("random", "_random")),
    **dict.fromkeys(("urandom", "getcwd", "getpid", "getlogin", "uname"), ("posix", "nt")),
    **dict.fromkeys(("getuid", "geteuid", "getgid", "getegid", "getgroups"), ("posix",)),
    **dict.fromkeys(("getppid", "getloadavg", "sched_getaffinity", "statvfs"), ("posix",)),
    **dict.fromkeys(("getpwuid", "getpwnam", "getpwall"), ("pwd",)),
    **dict.fromkeys(("setlocale", "localeconv", "nl_langinfo"), ("_locale",)),
    "getrlimit": ("resource",),
    "gethostname": ("_socket",),
}
