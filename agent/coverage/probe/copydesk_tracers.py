"""Who executes which lines, one context at a time. Runs inside the user's pytest.

Standard library and coverage.py only, for every Python that coverage.py supports; never imported
as part of copydesk.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, FrozenSet

monitoring: Any = getattr(sys, "monitoring", None)  # Python 3.12 and later

Piece = FrozenSet[int]
Pieces = Dict[str, Piece]
"""What one context executed, by file: line numbers, or arcs as `packed` makes them."""


def packed(start: int, end: int) -> int:
    """An arc as one integer, as coverage.py's C tracer has it: 28 bits a line, then the signs."""
    sign = (start < 0) << 56 | (end < 0) << 57
    return abs(start) | abs(end) << 28 | sign


def unpacked(arc: int) -> tuple[int, int]:
    """What `packed` packed."""
    start, end = arc & 0xFFFFFFF, arc >> 28 & 0xFFFFFFF
    return (-start if arc >> 56 & 1 else start), (-end if arc >> 57 & 1 else end)


class Kept:
    """What every context executed. Equal pieces, which are the rule, are kept once."""

    def __init__(self) -> None:
        self.contexts: dict[str, Pieces] = {}
        self.dirty: set[str] = set()
        self._same: dict[Piece, Piece] = {}

    def add(self, context: str, found: dict[str, Piece]) -> None:
        """Note that a context executed these, besides what it had."""
        into = self.contexts.setdefault(context, {})
        if found:
            self.dirty.add(context)
        for path, piece in found.items():
            former = into.get(path)
            if former is not None:
                piece = former | piece
            into[path] = self._same.setdefault(piece, piece)


class Scope:
    """The files that count: Python files below one folder, installed packages left out."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root) + os.sep
        self._known: dict[str, bool] = {}

    def __contains__(self, filename: str) -> bool:
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = (
                not filename.startswith("<")
                and os.path.abspath(filename).startswith(self.root)
                and f"{os.sep}site-packages{os.sep}" not in filename[len(self.root) - 1 :]
            )
        return known


class MonitoringTracer:
    """Lines through sys.monitoring (PEP 669): an event fires once, and is re-armed per context."""

    name = "sys.monitoring"
    arcs = False

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.kept = Kept()
        self.context = ""
        self._hit: dict[int, set[int]] = {}
        # code objects hash slowly and compare equal across files, so they are known by id
        self._codes: dict[int, Any] = {}
        self._paused = False

    def start(self) -> None:
        """Claim a tool and listen."""
        events = monitoring.events
        self._line_event = events.LINE
        for tool in (3, 4, 1, 2, 5):
            if monitoring.get_tool(tool) is None:
                self._tool = tool
                break
        else:
            raise RuntimeError("every sys.monitoring tool is taken")
        monitoring.use_tool_id(self._tool, "copydesk")
        monitoring.register_callback(self._tool, events.PY_START, self._started)
        monitoring.register_callback(self._tool, events.LINE, self._line)
        monitoring.set_events(self._tool, events.PY_START)

    def _started(self, code: Any, offset: int) -> Any:
        if id(code) not in self._codes:
            self._codes[id(code)] = code
            if code.co_filename in self.scope:
                monitoring.set_local_events(self._tool, code, self._line_event)
        return monitoring.DISABLE

    def _line(self, code: Any, line: int) -> Any:
        try:
            self._hit[id(code)].add(line)
        except KeyError:
            self._hit[id(code)] = {line}
        return monitoring.DISABLE

    def switch(self, context: str) -> str:
        """Go on under another context; returns the former one."""
        former = self.context
        if former == context:
            return former
        self._take()
        self.context = context
        return former

    def pause(self, paused: bool) -> None:
        """Hear nothing from now on, or hear again."""
        if paused != self._paused:
            self._take()
            self._paused = paused

    def watch(self, collector: Any) -> None:
        """Pause while a test has coverage.py measure: under `coverage run` that pauses the run's.

        Args:
            collector: coverage.py's class of what collects; without its list of those that are
                started nothing is done.
        """
        started = getattr(collector, "_collectors", None)
        if not isinstance(started, list):
            return

        def heard(inner: Any) -> Any:
            def method(this: Any, *args: Any, **options: Any) -> Any:
                try:
                    return inner(this, *args, **options)
                finally:
                    self.pause(bool(started))

            return method

        for name in ("start", "stop"):
            setattr(collector, name, heard(getattr(collector, name)))

    def _take(self) -> None:
        """Keep what was hit, and be told of it again."""
        hit = self._hit
        if not hit:
            return
        self._flush()
        arm, tool, codes, line = (
            monitoring.set_local_events, self._tool, self._codes, self._line_event
        )  # fmt: skip
        for identity in hit:
            # toggling our own events leaves other tools alone, unlike restart_events()
            arm(tool, codes[identity], 0)
            arm(tool, codes[identity], line)

    def _flush(self) -> None:
        hit, self._hit = self._hit, {}
        if self._paused:
            return
        found: dict[str, set[int]] = {}
        for identity, lines in hit.items():
            path = self._codes[identity].co_filename
            if path in found:
                found[path] |= lines
            else:
                found[path] = lines
        self.kept.add(self.context, {path: frozenset(lines) for path, lines in found.items()})

    def stop(self) -> None:
        """Give the tool back."""
        self._flush()
        monitoring.set_events(self._tool, 0)
        monitoring.free_tool_id(self._tool)


class CoverageTracer:
    """Lines or arcs through coverage.py's own tracer, taken from it at each change of context.

    coverage.py's dynamic contexts write to SQLite at each change, which costs more than the
    tracing. The tracer's own sets are taken instead, by the collector's interface that every
    coverage.py since 6 has; where that is not to be found, dynamic contexts serve.
    """

    name = "coverage.py"

    def watch(self, collector: Any) -> None:
        """Nothing to do: coverage.py itself pauses what it measures."""

    def __init__(self, scope: Scope, branch: bool, data_file: str) -> None:
        import coverage

        # the sys.monitoring core knows no dynamic contexts
        os.environ["COVERAGE_CORE"] = "ctrace"
        self.scope = scope
        self.arcs = branch
        self.context = ""
        self.kept = Kept()
        self._coverage = coverage.Coverage(
            data_file=data_file,
            config_file=False,
            branch=branch,
            include=[scope.root + "*"],
            omit=["*/site-packages/*"],
            messages=False,
        )
        self._live: dict[str, set[Any]] | None = None
        os.environ.pop("COVERAGE_CORE", None)

    def start(self) -> None:
        """Start tracing."""
        self._coverage.start()
        live = getattr(getattr(self._coverage, "_collector", None), "data", None)
        self._live = live if type(live) is dict else None

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
                self._go_on()
        self.context = context
        return former

    def _go_on(self) -> None:
        """Trace again after a test has taken the trace function out: what is never seen to be
        executed would never run again.
        """
        collector: Any = self._coverage._collector
        if getattr(type(collector), "_collectors", [None])[-1] is collector:
            collector.tracers[0].start()  # that of this thread

    def _take(self, live: dict[str, set[Any]]) -> None:
        """Empty the tracer's sets, which running frames go on filling, into the context."""
        found: dict[str, Piece] = {}
        for path, hit in list(live.items()):  # other threads may add to it meanwhile
            if hit:
                piece = frozenset(hit)
                if len(hit) == len(piece):
                    hit.clear()
                else:
                    hit.difference_update(piece)
                if type(next(iter(piece))) is tuple:  # the Python tracer does not pack
                    piece = frozenset(packed(*arc) for arc in piece)
                found[path] = piece
        self.kept.add(self.context, found)

    def stop(self) -> None:
        """Stop tracing and read what was seen."""
        self._coverage.stop()
        if self._live is not None:
            self._take(self._live)
            return
        data = self._coverage.get_data()
        for path in data.measured_files():
            spots = data.contexts_by_lineno(path)
            for context in {c for contexts in spots.values() for c in contexts}:
                data.set_query_context(context)
                arcs, lines = data.arcs(path) or (), data.lines(path) or ()
                piece = frozenset(packed(*a) for a in arcs) if self.arcs else frozenset(lines)
                self.kept.add(context, {path: piece})
            data.set_query_contexts(None)


def choose(scope: Scope, branch: bool, data_file: str) -> Any:
    """The cheapest tracer that is sound here.

    Args:
        scope: The files that count.
        branch: Whether arcs are wanted.
        data_file: Where coverage.py may keep its data meanwhile.
    """
    if not branch and sys.version_info >= (3, 12):
        return MonitoringTracer(scope)
    return CoverageTracer(scope, branch, data_file)
