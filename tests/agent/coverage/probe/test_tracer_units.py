"""The tracers step by step, without tracing: what they take, and under which context."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from copydesk.agent.coverage.probe.copydesk_probe import tracers


class Monitoring:
    """sys.monitoring, as far as the tracer uses it."""

    events = SimpleNamespace(LINE=32, PY_START=1)
    DISABLE = object()

    def __init__(self, taken: tuple[int, ...] = ()) -> None:
        self.taken = set(taken)
        self.armed: list[tuple[object, int]] = []

    def get_tool(self, tool: int) -> str | None:
        return "another" if tool in self.taken else None

    def use_tool_id(self, tool: int, name: str) -> None:
        self.taken.add(tool)

    def free_tool_id(self, tool: int) -> None:
        self.taken.remove(tool)

    def register_callback(self, tool: int, event: int, function: object) -> None:
        assert tool in self.taken

    def set_events(self, tool: int, events: int) -> None:
        self.events_set = events

    def set_local_events(self, tool: int, code: object, events: int) -> None:
        self.armed.append((code, events))


@pytest.fixture
def code(tmp_path: Path) -> Any:
    return compile("x = 1\ny = 2\n", str(tmp_path / "shop.py"), "exec")


def test_lines_belong_to_the_context_that_hits_them(
    code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring = Monitoring(taken=(3,))
    monkeypatch.setattr(tracers, "monitoring", monitoring)
    tracer = tracers.MonitoringTracer(tracers.SourceScope(str(tmp_path)))
    tracer.start()
    assert monitoring.taken == {3, 4}
    outside = compile("x = 1\n", "<string>", "exec")
    for each in (code, outside, code):
        assert tracer._code_started(each, 0) is Monitoring.DISABLE
    assert monitoring.armed == [(code, 32)]
    again = compile("x = 1\ny = 2\n", code.co_filename, "exec")
    tracer._code_started(again, 0)
    tracer._line_executed(code, 1)
    tracer._line_executed(code, 2)
    tracer._line_executed(again, 3)
    assert tracer.switch("") == ""
    assert tracer.switch("test:a") == ""
    assert (code, 0) in monitoring.armed
    tracer.switch("test:b")
    tracer._line_executed(code, 2)

    class Collector:
        _collectors: ClassVar[list[object]] = []

        def start(self) -> None:
            self._collectors.append(self)

        def stop(self) -> None:
            self._collectors.pop()

    tracer.pause_for(object, setattr)  # one without a list of those that are started
    tracer.pause_for(Collector, setattr)
    collector = Collector()
    collector.start()
    tracer._line_executed(code, 1)
    collector.stop()
    tracer.stop()
    path = code.co_filename
    assert tracer.hits.contexts == {
        "": {path: frozenset({1, 2, 3})},
        "test:b": {path: frozenset({2})},
    }
    assert tracer.hits.dirty == {"", "test:b"}
    assert monitoring.taken == {3}


def test_a_tracer_without_a_tool_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tracers, "monitoring", Monitoring(taken=(1, 2, 3, 4, 5)))
    with pytest.raises(RuntimeError, match="every"):
        tracers.MonitoringTracer(tracers.SourceScope(str(tmp_path))).start()


class Data:
    """What coverage.py's data say where its dynamic contexts serve."""

    contexts: tuple[str, ...] = ()

    def measured_files(self) -> set[str]:
        return {"a.py"}

    def contexts_by_lineno(self, path: str) -> dict[int, list[str]]:
        return {1: ["", "test:a"], 2: ["test:a"]}

    def set_query_context(self, context: str) -> None:
        self.contexts = (context,)

    def set_query_contexts(self, contexts: None) -> None:
        self.contexts = ()

    def lines(self, path: str) -> list[int]:
        return [1, 2] if self.contexts == ("test:a",) else [1]

    def arcs(self, path: str) -> list[tuple[int, int]]:
        return [(-1, 1), (1, -1)]


class Coverage:
    """A coverage.py that traces nothing."""

    def __init__(self) -> None:
        self._collector: Any = None
        self.contexts: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def switch_context(self, context: str) -> None:
        self.contexts.append(context)

    def get_data(self) -> Data:
        return Data()


def coverage_tracer(tmp_path: Path, *, branch: bool = False) -> tracers.CoverageTracer:
    scope = tracers.SourceScope(str(tmp_path))
    tracer = tracers.CoverageTracer(scope, branch, str(tmp_path / "data"))
    tracer._coverage = Coverage()  # type: ignore[assignment]
    return tracer


def test_what_coverage_has_collected_is_taken_at_each_change_of_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = coverage_tracer(tmp_path)
    known = tracers.OWN_PACKING
    monkeypatch.setattr(tracers.internals, "packing_of", lambda live, folder, *, arcs: known)
    live: dict[str, set[Any]] = {"a.py": {1, 2}, "b.py": set(), "c.py": {(1, -2)}}
    started: list[str] = []
    collector = SimpleNamespace(
        data=live, tracers=[SimpleNamespace(start=lambda: started.append("again"))]
    )
    tracer._coverage._collector = collector  # type: ignore[attr-defined]
    tracer.start()
    tracer.switch("test:a")
    assert tracer.switch("test:a") == "test:a"
    assert tracer.hits.contexts[""] == {
        "a.py": frozenset({1, 2}),
        "c.py": frozenset({known.packed(1, -2)}),
    }
    assert not any(live.values())
    live["a.py"].add(3)
    tracer.stop()
    assert tracer.hits.contexts["test:a"] == {"a.py": frozenset({3})}
    tracer.pause_for(object, setattr)
    assert started == []


def test_a_trace_function_that_a_test_took_out_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = coverage_tracer(tmp_path)
    known = tracers.OWN_PACKING
    monkeypatch.setattr(tracers.internals, "packing_of", lambda live, folder, *, arcs: known)

    class Collector:
        _collectors: ClassVar[list[Any]] = []
        started = 0

        def __init__(self) -> None:
            self.data: dict[str, set[int]] = {}
            self.tracers = [self]
            self._collectors.append(self)

        def start(self) -> None:
            self.started += 1

    collector = Collector()
    tracer._coverage._collector = collector  # type: ignore[assignment]
    tracer.start()
    former = sys.gettrace()
    sys.settrace(None)
    try:
        tracer.switch("test:a")
    finally:
        sys.settrace(former)
    assert collector.started == 1


@pytest.mark.parametrize("branch", [False, True])
def test_dynamic_contexts_serve_where_the_collector_is_another(
    branch: bool, tmp_path: Path
) -> None:
    tracer = coverage_tracer(tmp_path, branch=branch)
    tracer.start()
    tracer.switch("test:a")
    tracer.stop()
    assert tracer._coverage.contexts == ["test:a"]  # type: ignore[attr-defined]
    packed = tracers.OWN_PACKING.packed
    arcs = frozenset({packed(-1, 1), packed(1, -1)})
    expected = {"": arcs, "test:a": arcs}
    if not branch:
        expected = {"": frozenset({1}), "test:a": frozenset({1, 2})}
    assert {name: hits["a.py"] for name, hits in tracer.hits.contexts.items()} == expected


def test_what_lies_in_site_packages_is_out_of_scope(tmp_path: Path) -> None:
    scope = tracers.SourceScope(str(tmp_path))
    assert str(tmp_path / "a.py") in scope
    assert str(tmp_path / "site-packages" / "a.py") not in scope
    assert "<string>" not in scope
    assert scope.relative("/elsewhere") is None


@pytest.mark.parametrize(
    ("branch", "version", "chosen"),
    [
        (True, (3, 12), tracers.CoverageTracer),
        (False, (3, 11), tracers.CoverageTracer),
        (False, (3, 12), tracers.MonitoringTracer),
    ],
)
def test_the_cheapest_sound_tracer_is_chosen(
    branch: bool,
    version: tuple[int, int],
    chosen: type,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracers.sys, "version_info", version)
    scope = tracers.SourceScope(str(tmp_path))
    assert type(tracers.choose_tracer(scope, branch, str(tmp_path / "data"))) is chosen


def test_with_greenlets_coverage_py_itself_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracers.sys, "version_info", (3, 12))
    scope = tracers.SourceScope(str(tmp_path))
    chosen = tracers.choose_tracer(scope, False, str(tmp_path / "data"), ["thread"])
    assert type(chosen) is tracers.CoverageTracer
