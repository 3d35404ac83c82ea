from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.agent.coverage.conftest import Trial

from copydesk.agent.coverage.measure.flaky import mark_repeats
from copydesk.agent.coverage.report.flaky_tests import FlakyTest, flakiest_tests
from copydesk.agent.coverage.selection.affected import Selection
from copydesk.agent.coverage.store.traces import CoverageMap, Trace, add_traces
from copydesk.agent.desk.store import open_desk

NAME = "tests/test_a.py::test_a"


def chain(tmp_path: Path, runs: list[tuple[str, bool]]) -> tuple[FlakyTest, ...]:
    """What is said of runs of one test, each with whether it repeats the one before."""
    with open_desk(tmp_path) as db:
        before = None
        for outcome, repeats in runs:
            trace = Trace("test", NAME, outcome, 0.1, ())
            (before,) = add_traces(db, [trace._replace(repeats=before if repeats else None)], "e")
        assert flakiest_tests(db, {"another"}) == ()
        return flakiest_tests(db, {NAME})


@pytest.mark.parametrize(
    ("runs", "flips"),
    [
        ([("passed", False), ("failed", True), ("passed", True)], 2),
        ([("passed", False), ("failed", False), ("passed", False)], 0),
        ([("failed", False), ("error", True)], 0),
        ([("skipped", False), ("passed", True)], 1),
        ([("passed", False), ("failed", False), ("error", True), ("passed", True)], 1),
    ],
    ids=["both ways", "changed", "failed twice", "skipped", "mixed"],
)
def test_a_test_is_unsteady_when_a_run_that_repeats_another_ends_otherwise(
    tmp_path: Path, runs: list[tuple[str, bool]], flips: int
) -> None:
    outcomes = tuple(outcome for outcome, _ in runs)
    found = (FlakyTest(NAME, len(runs), flips, outcomes),) if flips else ()
    assert chain(tmp_path, runs) == found


def test_a_program_may_have_read_whatever_changed() -> None:
    former = Trace("test", NAME, "failed", 0.1, (), frozenset({("process", "")}), 7)
    base = CoverageMap("0" * 40, "e", False, {("test", NAME): former})
    selection = Selection({}, set(), {}, only_failed=frozenset({NAME}))
    now = former._replace(id=None)
    assert mark_repeats([now], base, selection, same_files=False) == [now]
    assert mark_repeats([now], base, selection, same_files=True) == [now._replace(repeats=7)]
    assert mark_repeats([former], base, selection, same_files=True) == [former]  # not run again


FILES = {
    "m.py": "def value():\n    return 1\n",
    "word.txt": "good",
    "flag.py": "def wanted():\n    return True\n",
    "conftest.py": (
        "import pytest\n\nimport flag\n\n\n"
        "@pytest.fixture(scope='session')\ndef wanted():\n    return flag.wanted()\n"
    ),
    "test_a.py": (
        "import os, pathlib\nimport m\n\n\n"
        "def test_a(wanted):\n"
        "    assert wanted and m.value() == 2 and pathlib.Path('word.txt').read_text() == 'good'\n"
    ),
}


@pytest.mark.parametrize(
    ("edit", "held"),
    [
        ({"README.md": "words"}, True),
        ({"m.py": "# words\n" + FILES["m.py"]}, True),
        ({"m.py": "def value():\n    return 2\n"}, False),
        ({"flag.py": "def wanted():\n    return 3\n"}, False),
    ],
    ids=["words", "comment", "code", "fixture"],
)
def test_what_failed_repeats_a_run_only_where_all_it_depends_on_is_the_same(
    trial: Trial, edit: Mapping[str, str], held: bool
) -> None:
    base = trial.full(FILES)
    assert [t.outcome for t in base if t.kind == "test"] == ["failed"]
    _, selection = trial.incremental(base, FILES, {**FILES, **edit})
    assert selection.only_failed == ({"test_a.py::test_a"} if held else frozenset())
    assert selection.affected.keys() == {"test_a.py::test_a"}


def test_a_data_file_that_mends_a_test_is_no_chance(trial: Trial) -> None:
    files = FILES | {"m.py": "def value():\n    return 2\n", "word.txt": "bad"}
    base = trial.full(files)
    assert [t.outcome for t in base if t.kind == "test"] == ["failed"]
    traces, selection = trial.incremental(base, files, {**files, "word.txt": "good"})
    assert selection.only_failed == frozenset()
    assert [t.outcome for t in traces if t.kind == "test"] == ["passed"]
