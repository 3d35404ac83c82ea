"""The lines of processes that tests start, where the project has coverage.py measure them.

Whether and how a child is measured is the project's own say (`patch`, `concurrency`), and done by
the user's coverage.py itself. Each context gets a data file of its own, which its children inherit
by their environment; what they wrote belongs to that context. Runs inside the user's pytest; never
imported as part of copydesk.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

import coverage


class Measured:
    """What lets children be measured, and takes in what they measured.

    Args:
        folder: Where children may write, empty.
        defaults: The source and what is omitted where the project names no source.
        tracer: What traces this process.
    """

    def __init__(self, folder: str, defaults: dict[str, Any], tracer: Any) -> None:
        self.folder = folder
        self.tracer = tracer
        self._process = os.getpid()
        self._contexts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._cov = coverage.Coverage(data_file=None, config_file=True, messages=False)
        self.patches = set(self._option("run:patch"))
        self.multiprocessing = "multiprocessing" in self._option("run:concurrency")
        if not any(self._option(f"run:{key}") for key in ("source", "source_pkgs", "include")):
            omit = self._option("run:omit")
            self._cov.set_option("run:source", defaults["source"])
            self._cov.set_option("run:omit", [*omit, *defaults["omit"]])
        if tracer.arcs:
            self._cov.set_option("run:branch", True)

    def _option(self, name: str) -> list[str]:
        try:
            found: Any = self._cov.get_option(name)
        except coverage.exceptions.ConfigError:  # a coverage.py that does not know it
            return []
        return [found] if isinstance(found, str) else list(found or ())

    def start(self) -> None:
        """Do what coverage.py does at the start of `coverage run`."""
        if self.multiprocessing:
            from coverage.multiproc import patch_multiprocessing

            patch_multiprocessing(rcfile=str(self._cov.config.config_file))
        if "fork" in self.patches:
            os.register_at_fork(after_in_child=self._forked)
        if "_exit" in self.patches:
            self._before("_exit")
        if "execv" in self.patches:
            self._before("execv")
            self._before("execve")
        self.enter("")

    def enter(self, context: str) -> None:
        """Let what is started from now on write for a context."""
        number = self._numbers.get(context)
        if number is None:
            number = self._numbers[context] = len(self._contexts)
            self._contexts.append(context)
        place = os.path.join(self.folder, str(number))
        if self.multiprocessing:
            os.environ["COVERAGE_FILE"] = place
        if self.patches & {"subprocess", "fork", "execv"}:
            self._config = self._described(place)
        if "subprocess" in self.patches:
            os.environ["COVERAGE_PROCESS_CONFIG"] = self._config

    def _described(self, place: str) -> str:
        self._cov.set_option("run:data_file", place)
        self._cov.set_option("run:parallel", True)
        return str(self._cov.config.serialize())

    def _forked(self) -> None:
        """Measure a forked process anew, as `patch = fork` does."""
        ours = coverage.Coverage.current()
        if ours is not None:
            ours._auto_save = False
            ours.stop()
        child: Any = coverage.Coverage(config_file=":data:" + self._config)
        child._warn_no_data = child._warn_unimported_source = False
        child._warn_preimported_source = False
        child._auto_save = True
        child.start()
        self.patches = set()  # what it patches is its own from here

    def _before(self, name: str) -> None:
        """Save what a forked process executed before it ends or becomes another program."""
        inner: Callable[..., Any] = getattr(os, name)

        def patched(*args: Any) -> Any:
            if os.getpid() != self._process and self.patches:
                self._save()
                if name == "execve":
                    args[-1]["COVERAGE_PROCESS_CONFIG"] = self._config
            return inner(*args)

        setattr(os, name, patched)

    def _save(self) -> None:
        context = self.tracer.context
        self.tracer.switch("copydesk: the end")  # what was going on is taken in
        data = coverage.CoverageData(
            basename=os.path.join(self.folder, str(self._numbers[context])), suffix=True
        )
        found = self.tracer.kept.contexts.get(context, {})
        if self.tracer.arcs:
            from copydesk_tracers import unpacked

            data.add_arcs({path: [unpacked(arc) for arc in arcs] for path, arcs in found.items()})
        else:
            data.add_lines({path: list(lines) for path, lines in found.items()})
        data.write()

    def take_in(self, add: Callable[[str, dict[str, frozenset[int]]], None], root: str) -> None:
        """Hand over what children executed.

        Args:
            add: Told the context, and the lines or packed arcs by path.
            root: What relative paths start from.
        """
        from copydesk_tracers import packed

        for name in sorted(os.listdir(self.folder)):
            number = name.partition(".")[0]
            if not number.isdigit() or name.endswith("-journal"):
                continue
            data = coverage.CoverageData(basename=os.path.join(self.folder, name))
            try:
                data.read()
                files = sorted(data.measured_files())
            except coverage.exceptions.CoverageException as error:
                print(f"copydesk: what a child measured cannot be read: {error}", file=sys.stderr)
                continue
            found: dict[str, frozenset[int]] = {}
            for path in files:
                arcs = data.arcs(path) if data.has_arcs() else None
                if arcs is None:
                    piece = frozenset() if self.tracer.arcs else frozenset(data.lines(path) or ())
                else:
                    piece = frozenset(packed(*arc) for arc in arcs)
                if piece:
                    found[os.path.join(root, path)] = piece
            add(self._contexts[int(number)], found)
