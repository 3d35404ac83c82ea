"""Recording in a Python that a test starts: each file of the tree that it reads, by name.

Such a Python loads `sitecustomize` of the folder above, which starts a `ChildProcess`. What it
writes down is read by `child_reports` in the process that ran the test.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Callable

from .callers import is_subprocess_call
from .programs import CONTEXT, ISOLATED, REPORTS, TREE, Isolated, inspect_start
from .unaudited_calls import watch_status, watch_variables

__all__ = ["CONTEXT", "REPORTS", "TREE", "ChildProcess", "source_of"]


def source_of(path: str) -> str:
    """The source that a compiled module stands for (PEP 3147), any other path as it is.

    Whatever is read of the repository's own folder stands for the commit.

    An import that finds the compiled module valid never opens the source.
    """
    if path.startswith(".git/"):
        return ".git/HEAD"
    folder, name = os.path.split(path)
    package, cache = os.path.split(folder)
    if cache != "__pycache__" or not name.endswith(".pyc"):
        return path
    return os.path.join(package, name.partition(".")[0] + ".py")


class ChildProcess:
    """A Python that a test started: notes what it reads, at once, for it may be killed.

    Args:
        reports: The folder to write to.
        tree: What paths are relative to, with a separator at its end.
        context: Who started it.
    """

    def __init__(self, reports: str, tree: str, context: str) -> None:
        self.reports = reports
        self.tree = tree
        self.context = context
        self._written: set[str] = set()
        self._pid = 0
        self._file = -1
        self._observers: dict[str, Callable[[tuple[Any, ...]], None]] = {}

    def start(self) -> None:
        """Begin to observe."""
        sys.dont_write_bytecode = True  # it would show in the tree
        for event in ("open", "sqlite3.connect"):
            self._observers[event] = lambda args: self._opened((*args, None, 0)[:3])
        for event in ("os.listdir", "os.scandir", "glob.glob"):
            self._observers[event] = self._listed
        for event in ("os.system", "os.exec"):
            self._observers[event] = lambda _: self.note("process")
        self._observers["os.posix_spawn"] = self._program_spawned
        self._observers["subprocess.Popen"] = self._program_started
        self.note("child")
        watch_variables(lambda name: self.note("env", name))
        for name in ("stat", "lstat", "access"):
            watch_status(name, lambda path: self._opened((path, None, 0)))
        sys.addaudithook(self.audit)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Note files that are read, folders that are listed, programs that do not report."""
        observer = self._observers.get(event)
        if observer is not None:
            with contextlib.suppress(Exception):
                observer(args)

    def note(self, kind: str, name: str = "") -> None:
        """Write a dependency down, once."""
        with contextlib.suppress(OSError):  # without its report it counts as reading any file
            self._write(f"{kind} {name}")

    def _write(self, line: str) -> None:
        if self._pid != os.getpid():  # a fork writes to a file of its own
            self._pid = os.getpid()
            path = os.path.join(self.reports, f"{self._pid}-{os.urandom(4).hex()}")
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            os.write(self._file, self.context.encode("utf-8", "surrogateescape") + b"\0")
        if line not in self._written:
            self._written.add(line)
            os.write(self._file, line.encode("utf-8", "surrogateescape") + b"\0")

    def _relative(self, path: Any) -> str | None:
        """A path as the tree knows it, or None outside."""
        if isinstance(path, int):
            return None
        full = os.path.abspath(os.fsdecode(path))
        if full + os.sep == self.tree:
            return "."
        return full[len(self.tree) :] if full.startswith(self.tree) else None

    def _opened(self, args: tuple[Any, ...]) -> None:
        path, _, flags = args
        relative = self._relative(path)
        if relative is not None and not (flags or 0) & 3:
            self.note("file", source_of(relative))

    def _listed(self, args: tuple[Any, ...]) -> None:
        relative = self._relative(args[0] or os.curdir)
        if relative is not None:
            self.note("folder", relative)

    def _program_spawned(self, args: tuple[Any, ...]) -> None:
        if not is_subprocess_call():
            self.note("process")

    def _program_started(self, args: tuple[Any, ...]) -> None:
        try:
            reports, paths = inspect_start(args, self.context)
        except Exception as error:
            self.note("process")
            if isinstance(error, Isolated):
                self.note(ISOLATED)
            return
        if not reports:
            for path in paths:
                self._opened((path, None, 0))
