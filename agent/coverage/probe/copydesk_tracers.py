"""Who executes which lines, one context at a time. Runs inside the user's pytest.

Standard library and coverage.py only, for every Python that coverage.py supports; never imported
as part of copydesk.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Set, Tuple

monitoring: Any = getattr(sys, "monitoring", None)  # Python 3.12 and later

Lines = Dict[str, Set[int]]
Arcs = Dict[str, Set[Tuple[int, int]]]


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
    arcs: dict[str, Arcs] = {}  # noqa: RUF012

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.lines: dict[str, Lines] = {}
        self.context = ""
        self._hit: dict[int, set[int]] = {}
        # code objects hash slowly and compare equal across files, so they are known by id
        self._codes: dict[int, Any] = {}

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
        former, hit = self.context, self._hit
        self._flush()
        self.context = context
        arm, tool = monitoring.set_local_events, self._tool
        for code in [self._codes[i] for i in hit]:
            # toggling our own events leaves other tools alone, unlike restart_events()
            arm(tool, code, 0)
            arm(tool, code, self._line_event)
        return former

    def _flush(self) -> None:
        hit, self._hit = self._hit, {}
        into = self.lines.setdefault(self.context, {})
        for identity, lines in hit.items():
            path = os.path.abspath(self._codes[identity].co_filename)
            into.setdefault(path, set()).update(lines)

    def stop(self) -> None:
        """Give the tool back."""
        self._flush()
        monitoring.set_events(self._tool, 0)
        monitoring.free_tool_id(self._tool)


class CoverageTracer:
    """Lines or arcs through coverage.py's own tracer and dynamic contexts."""

    name = "coverage.py"

    def __init__(self, scope: Scope, branch: bool, data_file: str) -> None:
        import coverage

        # the sys.monitoring core knows no dynamic contexts
        os.environ["COVERAGE_CORE"] = "ctrace"
        self.scope = scope
        self.branch = branch
        self.context = ""
        self.lines: dict[str, Lines] = {}
        self.arcs: dict[str, Arcs] = {}
        self._coverage = coverage.Coverage(
            data_file=data_file,
            config_file=False,
            branch=branch,
            include=[scope.root + "*"],
            omit=["*/site-packages/*"],
            messages=False,
        )
        os.environ.pop("COVERAGE_CORE", None)

    def start(self) -> None:
        """Start tracing."""
        self._coverage.start()

    def switch(self, context: str) -> str:
        """Go on under another context; returns the former one."""
        former, self.context = self.context, context
        self._coverage.switch_context(context)
        return former

    def stop(self) -> None:
        """Stop tracing and read what was seen."""
        self._coverage.stop()
        data = self._coverage.get_data()
        for path in data.measured_files():
            if path not in self.scope:
                continue
            spots = data.contexts_by_lineno(path)
            if not self.branch:
                for line, contexts in spots.items():
                    for context in contexts:
                        into = self.lines.setdefault(context, {})
                        into.setdefault(path, set()).add(line)
                continue
            for context in {c for contexts in spots.values() for c in contexts}:
                data.set_query_context(context)
                arcs = {(a, b) for a, b in data.arcs(path) or ()}
                self.arcs.setdefault(context, {})[path] = arcs
                lines = {n for arc in arcs for n in arc if n > 0}
                self.lines.setdefault(context, {})[path] = lines
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
