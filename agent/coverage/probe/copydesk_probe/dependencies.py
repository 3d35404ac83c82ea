"""What each context depends on besides the lines that it executes.

A dependency is a kind and a name: ("import", path) of a module, ("file", path) that was read or
asked for, ("folder", path) that was listed, ("env", name) of a variable that was looked up,
("process", "") for a program that may read anything, ("isolated", "") where it is a Python that
knows nothing of the tree, ("python_files", pattern) of pytest's
configuration.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable

from .callers import TreeCallers, is_pytest_call, is_subprocess_call, is_tool_call
from .child_process import ChildProcess, source_of
from .child_reports import ChildReports
from .programs import ISOLATED, Isolated, inspect_start
from .tracers import SourceScope, Tracer

COMPILED = (".pyc", ".pyo", ".so", ".pyd")


class Dependencies:
    """The dependencies of every context of a run.

    Args:
        scope: The files of the tree.
        tracer: Knows the current context.
        child_reports: The folder for the reports of the Pythons that tests start.

    Attributes:
        needs: The dependencies by context.
        child_counts: How many Pythons each context has started.
        reports: What those Pythons have written down.
    """

    def __init__(self, scope: SourceScope, tracer: Tracer, child_reports: str) -> None:
        self.needs: dict[str, set[tuple[str, str]]] = {}
        self.child_counts: dict[str, int] = {}
        self.reports = ChildReports(child_reports)
        self._scope = scope
        self._tracer = tracer
        self._tree_callers = TreeCallers(scope)
        self._process = os.getpid()
        self._forks: dict[str, ChildProcess] = {}
        self._observers: dict[str, Callable[[Any], None]] = {}

    def audit_hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """What `sys.addaudithook` takes; it does nothing any more after `stop`."""
        observers = self._observers
        observers["open"] = self._file_opened
        observers["sqlite3.connect"] = self._database_opened
        for event in ("os.listdir", "os.scandir", "glob.glob"):
            observers[event] = self._folder_listed
        for event in ("os.system", "os.exec", "os.fork", "os.forkpty"):
            observers[event] = self.program_started
        observers["os.posix_spawn"] = self._program_spawned
        observers["subprocess.Popen"] = self.python_started

        # called for everything that anything does, so what is not observed must end at once
        def audit(
            event: str, args: tuple[Any, ...], observer_of: Any = self._observers.get
        ) -> None:
            observer = observer_of(event)
            if observer is not None:
                observer(args)

        return audit

    def stop(self) -> None:
        """Observe nothing any more."""
        self._observers.clear()

    def add(self, kind: str, name: str) -> None:
        """Note that the current context depends on something."""
        context = self._tracer.context
        if os.getpid() == self._process:
            self.of(context).add((kind, name))
            return
        fork = self._forks.get(context)
        if fork is None:
            fork = ChildProcess(self.reports.folder, self._scope.root, context)
            self._forks[context] = fork
        fork.note(kind, name)

    def of(self, context: str) -> set[tuple[str, str]]:
        """The dependencies of a context, to be added to."""
        return self.needs.setdefault(context, set())

    def add_children(self) -> None:
        """Add what the Pythons that were started depend on."""
        needs, counts = self.reports.read()
        for context, child_needs in needs.items():
            self.of(context).update(need for need in child_needs if need[0] != "child")
        for context, expected in self.child_counts.items():
            if counts.get(context, 0) < expected:
                self.of(context).add(("process", ""))

    # --- observers, called in the midst of the user's own calls, which they must never fail ------
    def _file_opened(self, args: tuple[Any, ...]) -> None:
        with contextlib.suppress(Exception):
            if self._is_relevant():
                self._add_file(args[0], args[2] or 0)

    def _database_opened(self, args: tuple[Any, ...]) -> None:
        """A SQLite file: the library opens it by itself, unseen."""
        with contextlib.suppress(Exception):
            if self._is_relevant():
                self._add_file(os.fsdecode(args[0]))

    def status_asked(self, path: Any) -> None:
        """A file that is only asked for, with `os.stat` and the like."""
        is_full = type(path) is str and path[:1] == "/" and "/." not in path and "//" not in path
        if is_full and not path.startswith(self._scope.root):
            return  # outside, as most are
        with contextlib.suppress(Exception):
            if self._is_relevant():
                self._add_file(os.fsdecode(path))

    def _add_file(self, path: Any, flags: int = 0) -> None:
        if type(path) is not str or flags & 3 or path.endswith(COMPILED):
            return  # not by name, for writing, or compiled from what counts by itself
        relative = self._scope.relative(path)
        if relative is None or (path.endswith(".py") and is_tool_call()):
            return
        self.add("file", source_of(relative))

    def _folder_listed(self, args: tuple[Any, ...]) -> None:
        """A folder, listed by the import system perhaps: a module may appear there."""
        with contextlib.suppress(Exception):
            if self._is_relevant():
                self._add_folder(args[0])

    def _add_folder(self, path: Any) -> None:
        if self._tracer.context.startswith("import:") and is_tool_call():
            return  # which modules a module imports is read from its source
        relative = self._scope.relative(os.fsdecode(path) if path else os.curdir)
        if relative is not None and not isinstance(path, int):
            self.add("folder", relative)

    def variable_read(self, name: str) -> None:
        """An environment variable, by name; its value is looked at by who starts the tests."""
        if is_pytest_call():
            return
        if self._tracer.context or self._tree_callers.is_calling():
            self.add("env", name)

    def program_started(self, args: tuple[Any, ...]) -> None:
        """A program of which nothing more is known."""
        with contextlib.suppress(Exception):
            if self._is_program_relevant():
                self.add("process", "")

    def _program_spawned(self, args: tuple[Any, ...]) -> None:
        """A program started by `os.posix_spawn`: from Python 3.13 on, subprocess mostly does."""
        if not is_subprocess_call():
            self.program_started(args)

    def python_started(self, args: tuple[Any, ...]) -> None:
        """A program started by `subprocess`; a Python will report by itself what it reads."""
        with contextlib.suppress(Exception):
            if self._is_program_relevant():
                self._add_program(args)

    def _add_program(self, args: tuple[Any, ...]) -> None:
        context = self._tracer.context
        try:
            reports, paths = inspect_start(args, context)
        except Exception as error:
            self.add("process", "")
            if isinstance(error, Isolated):
                self.add(ISOLATED, "")
            return
        if reports:
            self.child_counts[context] = self.child_counts.get(context, 0) + 1
        for relative in filter(None, map(self._scope.relative, paths)):
            self.add("file", relative)

    def _is_program_relevant(self) -> bool:
        """Whether a test or a fixture runs, or code of the tree starts the program."""
        if self._tracer.context.startswith(("test:", "fixture:")):
            return True
        return self._tree_callers.is_calling()

    def _is_relevant(self) -> bool:
        """Whether what happens now belongs to a context, or is done by code of the tree."""
        return bool(self._tracer.context) or self._tree_callers.is_calling()
