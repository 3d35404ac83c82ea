"""Tests that rest on what ran before them, in a repository whose tests leave something behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.measure.predecessors import SelectedRun, with_marks
from copydesk.agent.coverage.runner.recording import Recording, TestRun
from copydesk.agent.coverage.selection import AFTER, EVERY_FILE, Selection, after_predecessors
from copydesk.agent.coverage.selection.run_together import affect_companions
from copydesk.agent.coverage.store import load_map
from copydesk.agent.coverage.store.traces import CoverageMap, Trace
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config

SHOP = """STATE = []


def add(x):
    STATE.append(x)


def last():
    return STATE[-1]


def same(x):
    return x


def count():
    return len(STATE)


def is_clean():
    return not STATE


class Basket:
    \"\"\"Holds things.

    >>> basket = Basket()
    \"\"\"

    def total(self):
        \"\"\"What they cost.

        >>> basket.total()
        0
        \"\"\"
        return 0
"""
FILES = {
    "shop.py": SHOP,
    "tests/test_a.py": (
        "import shop\n\n\ndef test_leaves():\n    shop.add(1)\n\n\n"
        "def test_uses():\n    assert shop.last() == 1\n    assert shop.same(1) == 1\n"
    ),
    "tests/test_b.py": "def test_nothing():\n    pass\n",
    "tests/test_c.py": "import shop\n\n\ndef test_far():\n    assert shop.count() == 1\n",
    "tests/test_d.py": "import shop\n\n\ndef test_victim():\n    assert shop.is_clean()\n",
    "pytest.ini": "[pytest]\npythonpath = .\n",
}
Step = Callable[[dict[str, str]], tuple[Measure, dict[str, str]]]


@pytest.fixture
def step(repo: Path, commit: Callable[..., str]) -> Iterator[Step]:
    """Commit and measure: returns the measure, and outcomes by the names of the tests."""
    set_config(find(repo), "copydesk.python", sys.executable)
    set_config(find(repo), "copydesk.ownTests", "plain")
    with open_desk(find(repo).desk) as db:

        def go(files: dict[str, str]) -> tuple[Measure, dict[str, str]]:
            sha = commit(repo, files)
            done = measure(db, Commit(find(repo), sha))
            stored = load_map(db, sha)
            assert stored is not None
            outcomes = {name.rpartition("::")[2]: t.outcome for name, t in stored.tests().items()}
            return done, outcomes

        yield go


def other_function(source: str, name: str, result: str) -> str:
    return source.replace(f"    return {result}\n", f"    {name} = {result}\n    return {name}\n")


def test_what_rests_on_earlier_tests_is_no_failure_and_runs_with_them(step: Step) -> None:
    alone = {"test_victim": "failed"}  # it runs after those that leave something
    passes = dict.fromkeys(("test_leaves", "test_uses", "test_nothing", "test_far"), "passed")
    _, outcomes = step(FILES)
    assert outcomes == passes | alone
    same = SHOP.replace("def same(x):\n    return x", "def same(x):\n    y = x\n    return y")
    done, outcomes = step({"shop.py": same})
    assert outcomes == passes | alone
    assert "rests on tests that run before it" in done.reason
    assert "tests/test_a.py::test_uses" in done.reason
    far = other_function(same, "n", "len(STATE)")
    done, outcomes = step({"shop.py": far})
    assert outcomes == passes | alone
    assert "tests/test_c.py::test_far" in done.reason
    # from now on they run together, and nothing has to be found out
    back = far.replace("    y = x\n    return y", "    return x")
    done, outcomes = step({"shop.py": back})
    assert outcomes == passes | alone
    assert "runs together with tests/test_a.py::test_uses" in done.reason
    assert "rests on" not in done.reason
    wrong = FILES["tests/test_a.py"].replace("shop.same(1) == 1", "shop.same(1) == 2")
    done, outcomes = step({"tests/test_a.py": wrong})
    assert outcomes == passes | alone | {"test_uses": "failed"}
    assert done.failed == 2


def test_an_example_that_needs_an_earlier_one_is_found(step: Step) -> None:
    text = "A shop::\n\n    >>> import shop\n\n    >>> shop.same(3)\n    3\n"
    more = {"usage.txt": text, "pytest.ini": "[pytest]\naddopts = --doctest-glob=*.txt\n"}
    module = (
        "import pytest\nimport shop\n\nDONE = []\n\n\ndef test_one():\n    DONE.append(1)\n\n\n"
    )
    module += "@pytest.mark.parametrize('n', [1, 2])\ndef test_many(n):\n"
    module += "    DONE.append(shop.same(n))\n    assert len(DONE) == n + 1\n"
    step({"shop.py": SHOP, "tests/test_state.py": module, "conftest.py": "", **more})
    done, outcomes = step({"shop.py": SHOP.replace("    return x\n", "    y = x\n    return y\n")})
    assert set(outcomes.values()) == {"passed"}
    assert "tests/test_state.py::test_many[1]" in done.reason


def trace(name: str, *needs: str, outcome: str = "passed", seconds: float = 1.0) -> Trace:
    pairs = frozenset((AFTER, path) for path in needs)
    return Trace("test", name, outcome, seconds, (), pairs, id=1)


def coverage_map(*traces: Trace) -> CoverageMap:
    return CoverageMap("0" * 40, "", False, {(t.kind, t.name): t for t in traces})


def test_companions_run_together_as_soon_as_one_of_them_does() -> None:
    base = coverage_map(
        trace("a.py::one"), trace("b.py::two", "a.py"), trace("b.py::three"), trace("c.py::four")
    )
    reasons = {("test", "a.py::one"): "changed"}
    affect_companions(base, reasons)
    together = "runs together with b.py::two"
    assert reasons["test", "b.py::two"] == reasons["test", "b.py::three"] == together
    assert ("test", "c.py::four") not in reasons
    nothing: dict[tuple[str, str], str] = {("test", "c.py::four"): "changed"}
    affect_companions(base, nothing)
    assert len(nothing) == 1
    everything = coverage_map(trace("a.py::one", EVERY_FILE), trace("c.py::four"))
    affect_companions(everything, nothing)
    assert len(nothing) == 2


def test_a_file_comes_after_those_it_rests_on() -> None:
    base = coverage_map(trace("b.py::two", "a.py"), trace("a.py::one"))
    assert after_predecessors(["c.py", "b.py", "a.py"], base) == ["c.py", "a.py", "b.py"]
    assert after_predecessors(["a.py", "b.py"], base) == ["a.py", "b.py"]
    any_file = coverage_map(trace("b.py::two", EVERY_FILE))
    assert after_predecessors(["c.py", "b.py", "a.py"], any_file) == ["a.py", "b.py", "c.py"]


def test_marks_stay_on_tests_that_ran_anew() -> None:
    base = coverage_map(trace("b.py::two", "a.py"))
    now = trace("b.py::two")._replace(id=None)
    (marked,) = with_marks([now], {"b.py::two": ("c.py",)}, base)
    assert marked.needed(AFTER) == {"a.py", "c.py"}
    assert with_marks([now._replace(id=3)], {}, base)[0].needed(AFTER) == set()


@pytest.mark.parametrize(
    ("before", "collected", "has_run"),
    [
        (trace("a.py::one[0x7f1]", outcome="failed"), (), []),
        (trace("a.py::one[0x7f1]", outcome="passed"), (), [None]),
        (trace("a.py::one[0x7f1]", outcome="failed"), ("a.py::one[0x7f1]",), [None]),
        (trace("a.py::other[0x7f1]", outcome="failed"), (), [None]),
        (trace("a.py::one", outcome="failed"), (), [None]),
    ],
    ids=["failed under another name", "passed", "still there", "another function", "no case"],
)
def test_a_failing_case_whose_name_changes_each_time_does_not_run_every_test_each_time(
    before: Trace, collected: tuple[str, ...], has_run: list[None]
) -> None:
    new = "a.py::one[0x7f2]"
    base = coverage_map(before, trace("b.py::two"))
    failing = trace(new, outcome="failed")._replace(id=None)
    recording: Any = SimpleNamespace(
        tests={new: SimpleNamespace(outcome="failed")}, collected=(new, *collected)
    )
    carried = {("test", "b.py::two"): base.traces["test", "b.py::two"]}
    selection = Selection(carried, {"a.py"}, {new: "new"})
    runs: list[object] = []

    def every_test(files: object, skipped: object) -> Any:
        runs.append(files)
        alone = {new: TestRun("failed", 1.0, (), ())}
        return Recording(alone, (new,), {}, {}, {}, {}, seconds=1.0, tracer="")

    run = SelectedRun(base, selection, recording, {}, ["a.py"], every_test, lambda line: None)
    settled = run.settled([failing, *carried.values()])
    assert runs == has_run
    assert settled.ran_all == bool(has_run)


def test_a_slow_suite_is_not_run_for_one_outcome_and_that_is_said() -> None:
    base = coverage_map(trace("a.py::one"), trace("b.py::two", seconds=1e6))
    failing = trace("a.py::one", outcome="failed")._replace(id=None)
    recording: Any = SimpleNamespace(
        tests={"a.py::one": SimpleNamespace(outcome="failed")}, collected=("a.py::one",)
    )
    carried = {("test", "b.py::two"): base.traces["test", "b.py::two"]}
    selection = Selection(carried, {"a.py"}, {"a.py::one": "changed"})

    def no_run(files: object, skipped: object) -> Any:
        raise AssertionError("nothing more was to run")

    run = SelectedRun(base, selection, recording, {}, ["a.py"], no_run, lambda line: None)
    settled = run.settled([failing, *carried.values()])
    assert settled.unsettled == ["a.py::one"]
    assert settled.describe() == "not held against a run of every test: a.py::one"
