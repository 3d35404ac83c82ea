"""Coverage of the processes that tests start, where the project has coverage.py measure them.

Whether and how a child is measured is the project's own say (`patch`, `concurrency`), and done by
the user's coverage.py itself. Each context gets a data file of its own, which its children inherit
by their environment; what they wrote belongs to that context.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

import coverage

from . import coverage_internals as internals
from .settings import Settings
from .tracers import FileHits, Hits, Tracer
from .unaudited_calls import Replace


class ChildCoverage:
    """Has children measured, and takes in what was measured.

    Args:
        settings: Of the run; children write to `settings.child_data`.
        tracer: What traces this process.
        replace: Puts a function in place of another.
    """

    def __init__(self, settings: Settings, tracer: Tracer, replace: Replace) -> None:
        self.folder = settings.child_data
        self.tracer = tracer
        self._replace = replace
        self._process = os.getpid()
        self._contexts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._config = ""
        self._cov = coverage.Coverage(data_file=None, config_file=True, messages=False)
        self.patches = set(self._option("run:patch"))
        self.multiprocessing = "multiprocessing" in self._option("run:concurrency")
        if not any(self._option(f"run:{key}") for key in ("source", "source_pkgs", "include")):
            self._cov.set_option("run:source", settings.source)
            self._cov.set_option("run:omit", [*self._option("run:omit"), *settings.omit])
        if tracer.arcs:
            self._cov.set_option("run:branch", True)

    def _option(self, name: str) -> list[str]:
        try:
            value: Any = self._cov.get_option(name)
        except coverage.exceptions.ConfigError:  # a coverage.py that does not know it
            return []
        return [value] if isinstance(value, str) else list(value or ())

    def is_wanted(self) -> bool:
        """Whether the project has any child measured."""
        return self.multiprocessing or bool(self.patches)

    def start(self) -> None:
        """Do what coverage.py does at the start of `coverage run`."""
        if self.multiprocessing:
            internals.patch_multiprocessing(self._cov)
        if "fork" in self.patches:
            os.register_at_fork(after_in_child=self._forked)
        if "_exit" in self.patches:
            self._save_before("_exit")
        if "execv" in self.patches:
            self._save_before("execv")
            self._save_before("execve")
        self.enter("")

    def stop(self) -> None:
        """Let what is started from now on go unmeasured."""
        self.patches = set()
        os.environ.pop("COVERAGE_FILE", None)
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

    def enter(self, context: str) -> None:
        """Let what is started from now on write for a context."""
        number = self._numbers.get(context)
        if number is None:
            number = self._numbers[context] = len(self._contexts)
            self._contexts.append(context)
        data_file = os.path.join(self.folder, str(number))
        if self.multiprocessing:
            os.environ["COVERAGE_FILE"] = data_file
        if self.patches & {"subprocess", "fork", "execv"}:
            self._config = self._serialized(data_file)
        if "subprocess" in self.patches:
            os.environ["COVERAGE_PROCESS_CONFIG"] = self._config

    def _serialized(self, data_file: str) -> str:
        self._cov.set_option("run:data_file", data_file)
        self._cov.set_option("run:parallel", True)
        return internals.serialized(self._cov)

    def _forked(self) -> None:
        """Measure a forked process anew, as `patch = fork` does."""
        if not self.patches:
            return
        internals.measure_fork(self._config)
        self.patches = set()  # what it patches is its own from here

    def _save_before(self, name: str) -> None:
        """Save what a forked process executed before it ends or becomes another program."""
        original: Callable[..., Any] = getattr(os, name)

        def patched(*args: Any) -> Any:
            if os.getpid() != self._process and self.patches:
                self._save()
                if name == "execve":
                    args[-1]["COVERAGE_PROCESS_CONFIG"] = self._config
            return original(*args)

        self._replace(os, name, patched)

    def _save(self) -> None:
        context = self.tracer.context
        self.tracer.switch("copydesk: the end")  # what was going on is taken in
        data_file = os.path.join(self.folder, str(self._numbers[context]))
        data = coverage.CoverageData(basename=data_file, suffix=True)
        file_hits = self.tracer.hits.contexts.get(context, {})
        if self.tracer.arcs:
            data.add_arcs(
                {
                    path: list(map(self.tracer.packing.unpacked, hits))
                    for path, hits in file_hits.items()
                }
            )
        else:
            data.add_lines({path: list(hits) for path, hits in file_hits.items()})
        data.write()

    def take_in(self, add: Callable[[str, FileHits], None], root: str) -> None:
        """Hand over what children executed.

        Args:
            add: Told the context, and the lines or packed arcs by path.
            root: What relative paths start from.
        """
        for name in sorted(os.listdir(self.folder)):
            number = name.partition(".")[0]
            if not number.isdigit() or name.endswith("-journal"):
                continue
            try:
                file_hits = self._read(os.path.join(self.folder, name), root)
            except coverage.exceptions.CoverageException as error:
                print(f"copydesk: what a child measured cannot be read: {error}", file=sys.stderr)
                continue
            add(self._contexts[int(number)], file_hits)

    def _read(self, data_file: str, root: str) -> FileHits:
        data = coverage.CoverageData(basename=data_file)
        data.read()
        file_hits = {}
        for path in sorted(data.measured_files()):
            hits = self._hits_of(data, path)
            if hits:
                file_hits[os.path.join(root, path)] = hits
        return file_hits

    def _hits_of(self, data: Any, path: str) -> Hits:
        arcs = data.arcs(path) if data.has_arcs() else None
        if arcs is not None:
            return frozenset(self.tracer.packing.packed(*arc) for arc in arcs)
        if self.tracer.arcs:
            return frozenset()
        return frozenset(data.lines(path) or ())
