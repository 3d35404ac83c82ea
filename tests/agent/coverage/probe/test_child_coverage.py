"""The coverage of child processes, step by step, in a process that starts none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest

from copydesk.agent.coverage.probe import Settings
from copydesk.agent.coverage.probe.copydesk_probe import child_coverage, tracers
from copydesk.agent.coverage.probe.copydesk_probe.child_coverage import ChildCoverage

ALL = "patch = ['subprocess', 'fork', '_exit', 'execv']\nconcurrency = ['multiprocessing']\n"


class Patched:
    """What was put in place of what: nothing is really."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}

    def __call__(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        self.functions[name] = function


def build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configuration: str, *, arcs: bool
) -> tuple[ChildCoverage, Patched]:
    (tmp_path / "pyproject.toml").write_text(f"[tool.coverage.run]\n{configuration}")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("COVERAGE_FILE", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.setenv(name, "former")  # so that it is put back
    forks: list[Any] = []
    monkeypatch.setattr(os, "register_at_fork", lambda after_in_child: forks.append(after_in_child))
    monkeypatch.setattr("coverage.multiproc.patch_multiprocessing", lambda rcfile: None)
    for name in ("_exit", "execv", "execve"):
        monkeypatch.setattr(os, name, lambda *args: args)
    tracer = SimpleNamespace(
        arcs=arcs, context="", hits=tracers.ContextHits(), switch=lambda c: c,
        packing=tracers.OWN_PACKING,
    )  # fmt: skip
    settings = Settings(
        "", False, [], "", "", 0.5, "", str(tmp_path / "data"), ["."], [], None, [], [], ""
    )
    patched = Patched()
    return ChildCoverage(settings, tracer, patched), patched  # type: ignore[arg-type]


def test_a_project_that_measures_no_child_wants_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children, _ = build(tmp_path, monkeypatch, "parallel = true\n", arcs=False)
    assert not children.is_wanted()


@pytest.mark.parametrize("arcs", [False, True])
def test_what_a_fork_executed_is_saved_before_it_ends(
    arcs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children, patched = build(tmp_path, monkeypatch, ALL, arcs=arcs)
    assert children.is_wanted()
    children.start()
    assert os.environ["COVERAGE_FILE"] == str(tmp_path / "data" / "0")
    assert os.environ["COVERAGE_PROCESS_CONFIG"]
    assert patched.functions["_exit"](3) == (3,)
    assert list((tmp_path / "data").iterdir()) == []  # no fork: nothing to save
    packed = tracers.OWN_PACKING.packed
    hits = {packed(-1, 1), packed(1, -1)} if arcs else {1, 2}
    children.tracer.hits.add("", {str(tmp_path / "a.py"): frozenset(hits)})
    monkeypatch.setattr(os, "getpid", lambda: -1)
    environ: dict[str, str] = {}
    patched.functions["execve"]("program", [], environ)
    assert environ["COVERAGE_PROCESS_CONFIG"]
    monkeypatch.undo()
    taken: dict[str, Any] = {}
    (tmp_path / "data" / "0.broken").write_text("no data")
    (tmp_path / "data" / "other").write_text("")
    children.take_in(taken.__setitem__, str(tmp_path))
    assert taken == {"": {str(tmp_path / "a.py"): frozenset(hits)}}


def test_lines_say_nothing_where_arcs_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children, _ = build(tmp_path, monkeypatch, ALL, arcs=True)
    children.start()
    data = coverage.CoverageData(basename=str(tmp_path / "data" / "0"))
    data.add_lines({"a.py": [1]})
    data.write()
    taken: dict[str, Any] = {}
    children.take_in(taken.__setitem__, str(tmp_path))
    assert taken == {"": {}}


def test_a_fork_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children, _ = build(tmp_path, monkeypatch, ALL, arcs=False)
    children.start()
    calls: list[str] = []
    parent = SimpleNamespace(_auto_save=True, stop=lambda: calls.append("parent stops"))

    class Coverage:
        def __init__(self, config_file: str) -> None:
            assert config_file.startswith(":data:")

        @staticmethod
        def current() -> Any:
            return parent

        def start(self) -> None:
            calls.append("child starts")

    monkeypatch.setattr(child_coverage.coverage, "Coverage", Coverage)
    children._forked()
    assert calls == ["parent stops", "child starts"]
    assert parent._auto_save is False
    children._forked()  # what it patches is its own from there
    assert len(calls) == 2
    children.stop()
    assert "COVERAGE_FILE" not in os.environ
