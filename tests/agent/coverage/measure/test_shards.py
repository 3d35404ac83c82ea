"""Tests in several processes at once: how they are split, and that the measure is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.measure import shards
from copydesk.agent.coverage.measure.shards import Shards, groups_of, split
from copydesk.agent.coverage.runner import Engine, Recording, RunOptions
from copydesk.agent.coverage.runner.recording import TestRun
from copydesk.agent.coverage.store import CoverageMap, Measure, Trace, load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, resolve
from copydesk.agent.progress import silent
from copydesk.agent.records import Interpreter

FILES = st.dictionaries(
    st.sampled_from([f"t{n}.py" for n in range(9)]), st.floats(0.01, 90), min_size=1
)
GROUPS = st.lists(st.sets(st.sampled_from([f"t{n}.py" for n in range(9)]), max_size=3), max_size=3)


@given(FILES, GROUPS, st.integers(1, 5))
def test_parts_hold_each_file_once_and_groups_whole(
    seconds: dict[str, float], groups: list[set[str]], count: int
) -> None:
    parts = split(seconds, groups, count)
    assert sorted(path for part in parts for path in part) == sorted(seconds)
    assert 1 <= len(parts) <= count
    for group in groups:
        members = group & seconds.keys()
        assert sum(bool(members & set(part)) for part in parts) == min(1, len(members))
    order = list(seconds)
    assert all(part == sorted(part, key=order.index) for part in parts)
    if not any(groups):  # list scheduling: an even share, and at most one file more
        loads = [sum(seconds[path] for path in part) for part in parts]
        longest = max(seconds.values())
        assert max(loads) <= sum(seconds.values()) / count + longest * (1 - 1 / count) + 1e-6


def a_map(*traces: Trace) -> CoverageMap:
    return CoverageMap("0" * 40, "e", False, {(t.kind, t.name): t for t in traces})


def a_test(name: str, *needs: tuple[str, str], seconds: float = 1.0) -> Trace:
    return Trace("test", name, "passed", seconds, (), frozenset(needs))


def test_what_rests_on_each_other_and_small_fixtures_stay_together() -> None:
    session = ("fixture", "session:conftest.py:server")
    known = a_map(
        a_test("a.py::one", session),
        a_test("b.py::one", session),
        a_test("c.py::one", ("after", "d.py"), seconds=20.0),
        a_test("d.py::one"),
    )
    assert sorted(map(sorted, groups_of(known, 2))) == [["a.py", "b.py"], ["c.py", "d.py"]]
    # a fixture of most tests would leave one part
    assert sorted(map(sorted, groups_of(known, 9))) == [["c.py", "d.py"]]
    everything = a_map(a_test("a.py::one", ("after", "*")), a_test("b.py::one"))
    assert groups_of(everything, 2) == [{"a.py", "b.py"}]


class Made:
    """A recorder without processes: a test of b.py passes where a.py ran before it."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.runs: list[list[str]] = []

    def __call__(self, engine: Engine, options: RunOptions) -> Recording:
        files = sorted(options.files or ["a.py", "b.py", "c.py"])
        if not options.collect_only:
            self.runs.append(files)
            if files == ["c.py"] and self.lost:
                self.lost -= 1
                raise CopydeskError("the test suite cannot be run: killed", slug="suite-broken")
        tests = {}
        for path in files:
            failed = path == "b.py" and "a.py" not in files
            tests[f"{path}::t"] = TestRun("failed" if failed else "passed", 0.1, (), ())
        found = () if options.collect_only else tests
        return Recording(dict(found), tuple(tests), {}, {}, {}, {}, 0.1, "")


@pytest.fixture
def sharded(repo: Path, commit: Callable[..., str]) -> Callable[..., Shards]:
    commit(repo, {f"{name}.py": "def test_t(): pass\n" for name in "abc"})
    found = find(repo)

    def make(count: int, record: Any) -> Shards:
        return Shards(Commit(found, resolve(found, "HEAD")), count, silent, record=record)

    return make


@pytest.fixture
def engine(repo: Path) -> Engine:
    return Engine(repo, Interpreter(Path("python"), (3, 12, 0), repo, repo, "test"))


def options(files: Sequence[str] | None = None) -> RunOptions:
    return RunOptions(branch=False, files=files, compiled_modules=Path("compiled"))


def test_what_fails_in_a_part_and_passes_in_one_process_is_marked_and_kept_together(
    sharded: Callable[..., Shards], engine: Engine
) -> None:
    made = Made()
    parts = sharded(3, made)
    whole = parts.run(engine, options())
    assert {test.outcome for test in whole.tests.values()} == {"passed"}
    assert whole.needs == {"test:b.py::t": frozenset({("after", "a.py")})}
    assert parts.describe() == "b.py::t rests on a.py"
    made.runs.clear()
    parts.base = a_map(a_test("a.py::t"), a_test("b.py::t", ("after", "a.py")), a_test("c.py::t"))
    parts.run(engine, options(["a.py", "b.py", "c.py"]))
    assert sorted(made.runs) == [["a.py", "b.py"], ["c.py"]]


def test_a_part_that_is_lost_runs_again(sharded: Callable[..., Shards], engine: Engine) -> None:
    parts = sharded(3, Made(lost=1))
    whole = parts.run(engine, options())
    assert len(whole.tests) == 3
    assert parts.retries == ["part 3: the test suite cannot be run: killed"]
    with pytest.raises(CopydeskError, match="killed"):
        sharded(3, Made(lost=2)).run(engine, options())


def test_a_suite_that_takes_long_is_not_run_in_one_process(
    sharded: Callable[..., Shards], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "QUICK_SUITE", 0.05)
    parts = sharded(3, Made())
    assert parts.run(engine, options()).tests["b.py::t"].outcome == "failed"
    assert "1 tests fail in a part" in parts.describe()


def test_one_part_is_a_plain_run(sharded: Callable[..., Shards], engine: Engine) -> None:
    made = Made()
    sharded(1, made).run(engine, options())
    sharded(4, made).run(engine, options(["c.py"]))
    sharded(4, made).run(engine, replace(options(), collect_only=True))
    assert made.runs == [["a.py", "b.py", "c.py"], ["c.py"]]


@pytest.mark.timeout(900)
def test_a_measure_in_two_processes_equals_one_in_one(
    desk: Database, measured: Callable[..., Measure]
) -> None:
    def lines(done: Measure) -> dict[str, Any]:
        totals = load_totals(desk, done.sha)
        assert totals
        return {t.path: (t.executed, t.arcs, t.statements, t.missing) for t in totals}

    both = measured(full=True, workers=2)
    said = lines(both)
    one = measured(full=True)
    assert lines(one) == said
    assert (both.total, both.passed, both.selected) == (one.total, one.passed, one.selected)
