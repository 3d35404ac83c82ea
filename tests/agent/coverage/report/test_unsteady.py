from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent.coverage.map import Hit, Trace, add_traces
from copydesk.agent.coverage.report.unsteady import Unsteady, unsteady
from copydesk.agent.desk.store import open_desk

NAME = "tests/test_a.py::test_a"


def run(outcome: str, *files: tuple[str, str]) -> Trace:
    return Trace("test", NAME, outcome, 0.1, tuple(Hit(p, b, b"\x02") for p, b in files))


A, B, OTHER = ("a.py", "1" * 40), ("a.py", "2" * 40), ("b.py", "3" * 40)


@pytest.mark.parametrize(
    ("runs", "flips"),
    [
        ([("passed", A), ("failed", A), ("passed", A)], 2),
        ([("passed", A, OTHER), ("failed", A)], 1),  # it ended early, in the same code
        ([("passed", A), ("failed", B)], 0),  # the code changed
        ([("passed", A), ("skipped", A), ("passed", A)], 0),
        ([("failed", A), ("error", A)], 0),
        ([("passed", A), ("failed", B), ("error", B), ("passed", B)], 1),
    ],
    ids=["both ways", "ended early", "changed", "skipped", "failed twice", "mixed"],
)  # fmt: skip
def test_a_test_is_unsteady_when_its_outcome_changes_and_its_code_does_not(
    tmp_path: Path, runs: list[tuple[str, tuple[str, str]]], flips: int
) -> None:
    with open_desk(tmp_path) as db:
        add_traces(db, [run(outcome, *files) for outcome, *files in runs], "e")
        ran = sum(outcome != "skipped" for outcome, *_ in runs)
        assert unsteady(db, {NAME}) == ((Unsteady(NAME, ran, flips),) if flips else ())
        assert unsteady(db, {"another"}) == ()


def test_another_environment_is_another_matter(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        add_traces(db, [run("passed", A)], "one")
        add_traces(db, [run("failed", A)], "two")
        assert unsteady(db, {NAME}) == ()
