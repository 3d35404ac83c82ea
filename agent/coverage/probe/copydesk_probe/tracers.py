"""Tracers: they record which lines or arcs are executed, one context at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Union

from . import coverage_internals as internals
from .coverage_internals import OWN_PACKING
from .unaudited_calls import Replace

monitoring: Any = getattr(sys, "monitoring", None)  # Python 3.12 and later

Hits = frozenset[int]
"""What one context executed of one file: line numbers, or arcs as the tracer packs them."""

FileHits = dict[str, Hits]
"""What one context executed, by file."""


class ContextHits:
    """What every context executed. Equal hits, which are the rule, are one object.

    Attributes:
        contexts: The hits of each file, by context.
        dirty: The contexts that have got more since somebody else emptied this set.
    """

    def __init__(self) -> None:
        self.contexts: dict[str, FileHits] = {}
        self.dirty: set[str] = set()
        self._distinct: dict[Hits, Hits] = {}

    def add(self, context: str, file_hits: FileHits) -> None:
        """Note that a context executed these, besides what it had."""
        context_hits = self.contexts.setdefault(context, {})
        if file_hits:
            self.dirty.add(context)
        for path, hits in file_hits.items():
            former = context_hits.get(path)
            if former is not None:
                hits = former | hits
            context_hits[path] = self._distinct.setdefault(hits, hits)


class SourceScope:
    """The files that count: those below one folder, installed packages left out.

    Args:
        root: The folder.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root) + os.sep
        self._decided: dict[str, bool] = {}

    def __contains__(self, filename: str) -> bool:
        decided = self._decided.get(filename)
        if decided is None:
            decided = self._decided[filename] = self._decide(filename)
        return decided

    def _decide(self, filename: str) -> bool:
        if filename.startswith("<") or not os.path.abspath(filename).startswith(self.root):
            return False
        return f"{os.sep}site-packages{os.sep}" not in filename[len(self.root) - 1 :]

    def relative(self, path: str) -> str | None:
        """A path as the repository knows it, or None when it lies outside."""
        full = os.path.abspath(path)
        if not full.startswith(self.root):
            return None
        return full[len(self.root) :].replace(os.sep, "/")


class MonitoringTracer:
    """Lines through sys.monitoring (PEP 669): an event fires once, and is re-armed per context."""

    name = "sys.monitoring"
    arcs = False
    packing = OWN_PACKING

    def __init__(self, scope: SourceScope) -> None:
        self.scope = scope
        self.hits = ContextHits()
        self.context = ""
        self._lines: dict[int, set[int]] = {}  # since the last change of context, by code object
        # code objects hash slowly and compare equal across files, so they are known by id
        self._codes: dict[int, Any] = {}
        self._is_paused = False

    def start(self) -> None:
        """Claim a tool of sys.monitoring and begin.

        Raises:
            RuntimeError: Others have claimed them all.
        """
        events = monitoring.events
        self._line_event = events.LINE
        self._tool = self._free_tool()
        monitoring.use_tool_id(self._tool, "copydesk")
        monitoring.register_callback(self._tool, events.PY_START, self._code_started)
        monitoring.register_callback(self._tool, events.LINE, self._line_executed)
        monitoring.set_events(self._tool, events.PY_START)

    @staticmethod
    def _free_tool() -> int:
        for tool in (3, 4, 1, 2, 5):
            if monitoring.get_tool(tool) is None:
                return tool
        raise RuntimeError("every sys.monitoring tool is taken")

    def _code_started(self, code: Any, offset: int) -> Any:
        if id(code) not in self._codes:
            self._codes[id(code)] = code
            if code.co_filename in self.scope:
                monitoring.set_local_events(self._tool, code, self._line_event)
        return monitoring.DISABLE

    def _line_executed(self, code: Any, line: int) -> Any:
        try:
            self._lines[id(code)].add(line)
        except KeyError:
            self._lines[id(code)] = {line}
        return monitoring.DISABLE

    def switch(self, context: str) -> str:
        """Go on under another context; returns the former one."""
        former = self.context
        if former == context:
            return former
        self._take()
        self.context = context
        return former

    def pause(self, is_paused: bool) -> None:
        """Record nothing from now on, or record again."""
        if is_paused != self._is_paused:
            self._take()
            self._is_paused = is_paused

    def pause_for(self, collector: Any, replace: Replace) -> None:
        """Stop recording while a test itself starts coverage.py, as `coverage run` would stop too.

        Args:
            collector: coverage.py's class of what collects; without its list of those that are
                started nothing is done.
            replace: Puts a method in place of another.
        """
        running = internals.running_collectors(collector)
        if running is None:
            return

        def followed_by_pause(original: Any) -> Any:
            def method(collector: Any, *args: Any, **options: Any) -> Any:
                try:
                    return original(collector, *args, **options)
                finally:
                    self.pause(bool(running))

            return method

        for name in ("start", "stop"):
            replace(collector, name, followed_by_pause(getattr(collector, name)))

    def _take(self) -> None:
        """Keep the lines that were hit, and be told of them again."""
        lines = self._lines
        if not lines:
            return
        self._flush()
        arm, tool, codes, line_event = (
            monitoring.set_local_events, self._tool, self._codes, self._line_event
        )  # fmt: skip
        for identity in lines:
            # toggling our own events leaves other tools alone, unlike restart_events()
            arm(tool, codes[identity], 0)
            arm(tool, codes[identity], line_event)

    def _flush(self) -> None:
        lines_by_code, self._lines = self._lines, {}
        if self._is_paused:
            return
        lines_by_path: dict[str, set[int]] = {}
        for identity, lines in lines_by_code.items():
            path = self._codes[identity].co_filename
            if path in lines_by_path:
                lines_by_path[path] |= lines
            else:
                lines_by_path[path] = lines
        file_hits = {path: frozenset(lines) for path, lines in lines_by_path.items()}
        self.hits.add(self.context, file_hits)

    def stop(self) -> None:
        """Give the tool back."""
        self._flush()
        monitoring.set_events(self._tool, 0)
        monitoring.free_tool_id(self._tool)


class CoverageTracer:
    """Lines or arcs through coverage.py's own tracer, taken from it at each change of context.

    coverage.py's dynamic contexts write to SQLite at each change, which costs more than the
    tracing. The tracer's own sets are taken instead; where they cannot be read, dynamic contexts
    serve.
    """

    name = "coverage.py"

    def pause_for(self, collector: Any, replace: Replace) -> None:
        """Nothing to do: coverage.py itself pauses what it measures."""

    def __init__(
        self, scope: SourceScope, branch: bool, data_file: str, concurrency: Sequence[str] = ()
    ) -> None:
        import coverage

        self.scope = scope
        self.arcs = branch
        self.packing = OWN_PACKING
        self.context = ""
        self.hits = ContextHits()
        with internals.c_tracer():
            self._coverage = coverage.Coverage(
                data_file=data_file,
                config_file=False,
                branch=branch,
                include=[scope.root + "*"],
                omit=["*/site-packages/*"],
                messages=False,
                concurrency=list(concurrency) or None,
            )
        self._live: dict[str, set[Any]] | None = None

    def start(self) -> None:
        """Start tracing."""
        with internals.c_tracer():
            self._coverage.start()
        live = internals.live_hits(self._coverage)
        if live is None:
            return
        packing = internals.packing_of(live, self.scope.root, arcs=self.arcs)
        if packing is not None:
            self._live, self.packing = live, packing

    def switch(self, context: str) -> str:
        """Go on under another context; returns the former one."""
        former = self.context
        if former == context:
            return former
        if self._live is None:
            self._coverage.switch_context(context)
        else:
            self._take(self._live)
            if sys.gettrace() is None:
                # what is never seen to be executed would never run again
                internals.trace_again(self._coverage)
        self.context = context
        return former

    def _take(self, live: dict[str, set[Any]]) -> None:
        """Empty the tracer's sets, which running frames go on filling, into the context."""
        file_hits: FileHits = {}
        for path, collected in list(live.items()):  # other threads may add to it meanwhile
            if not collected:
                continue
            hits = frozenset(collected)
            if len(collected) == len(hits):
                collected.clear()
            else:
                collected.difference_update(hits)
            if type(next(iter(hits))) is tuple:  # the Python tracer does not pack
                hits = frozenset(self.packing.packed(*arc) for arc in hits)
            file_hits[path] = hits
        self.hits.add(self.context, file_hits)

    def stop(self) -> None:
        """Stop tracing and take what was recorded."""
        self._coverage.stop()
        if self._live is not None:
            self._take(self._live)
            return
        data = self._coverage.get_data()
        for path in data.measured_files():
            for context in set().union(*data.contexts_by_lineno(path).values()):
                data.set_query_context(context)
                self.hits.add(context, {path: self._recorded_hits(data, path)})
            data.set_query_contexts(None)

    def _recorded_hits(self, data: Any, path: str) -> Hits:
        if self.arcs:
            return frozenset(self.packing.packed(*arc) for arc in data.arcs(path) or ())
        return frozenset(data.lines(path) or ())


Tracer = Union[MonitoringTracer, CoverageTracer]


def choose_tracer(
    scope: SourceScope, branch: bool, data_file: str, concurrency: Sequence[str] = ()
) -> Tracer:
    """The cheapest tracer that is sound here.

    Args:
        scope: The files that count.
        branch: Whether arcs are wanted.
        data_file: Where coverage.py may keep its data meanwhile.
        concurrency: What of greenlets the project names: then only coverage.py itself counts as it
            does.
    """
    if not branch and not concurrency and sys.version_info >= (3, 12):
        return MonitoringTracer(scope)
    return CoverageTracer(scope, branch, data_file, concurrency)
