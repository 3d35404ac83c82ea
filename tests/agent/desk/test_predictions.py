"""What became of predicted functions: written once, and soon, however many there are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk import history
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.history import (
    QUIET_SECONDS,
    ChangedFunction,
    FixedLine,
    Prediction,
)
from copydesk.agent.desk.store import open_desk

NOW = 2_000_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as database:
        yield database


def change(db: Database, sha: str, count: int, committed_at: int = NOW) -> None:
    """Record functions of ten lines each that a commit changed, and a prediction for each."""
    names = [f"f{number}" for number in range(count)]
    db.mined_history.add_functions(
        ChangedFunction(sha, "m.py", name, 10 * n, 10 * n + 9, committed_at, {})
        for n, name in enumerate(names)
    )
    predict(db, sha, names)


def predict(db: Database, sha: str, names: list[str]) -> None:
    predictions = [Prediction(f"m.py::{name}", 0.5, "prior", "", (), {}) for name in names]
    db.predictions.store("function", sha, predictions)


def outcomes(db: Database) -> dict[tuple[str, str], tuple[float | None, str]]:
    rows = db.execute("SELECT sha, subject, outcome, outcome_why FROM predictions")
    return {(sha, subject): (outcome, why) for sha, subject, outcome, why in rows}


def test_a_fix_and_a_quiet_year_are_written_and_a_later_fix_counts(db: Database) -> None:
    change(db, "a", 3)
    db.mined_history.mark_fixed([FixedLine("a", "m.py", 12, "fix1", NOW + 5)])
    assert db.predictions.join_outcomes(NOW + 10) == 1
    assert outcomes(db)["a", "m.py::f1"] == (1, "fixed by fix1")
    assert outcomes(db)["a", "m.py::f0"] == (None, "")
    later = NOW + QUIET_SECONDS + 20
    assert db.predictions.join_outcomes(later) == 2
    assert outcomes(db)["a", "m.py::f0"] == (0, "no fix in a year")
    assert db.predictions.join_outcomes(later) == 0
    db.mined_history.mark_fixed([FixedLine("a", "m.py", 3, "fix2", int(later) + 5)])
    assert db.predictions.join_outcomes(later + 10) == 1
    assert outcomes(db)["a", "m.py::f0"] == (1, "fixed by fix2")
    assert outcomes(db)["a", "m.py::f1"] == (1, "fixed by fix1")


def test_what_is_predicted_after_its_outcome_was_known_gets_it_too(db: Database) -> None:
    function = ChangedFunction("a", "m.py", "f", 1, 9, NOW, {})
    db.mined_history.add_functions([function])
    db.mined_history.mark_fixed([FixedLine("a", "m.py", 3, "fix", NOW + 5)])
    assert db.predictions.join_outcomes(NOW + 10) == 0
    predict(db, "a", ["f"])
    assert db.predictions.join_outcomes(NOW + 20) == 1
    assert outcomes(db)["a", "m.py::f"] == (1, "fixed by fix")


def test_more_than_are_written_at_once_are_all_written(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_AT_ONCE", 4)
    for sha, count in (("a", 9), ("b", 8), ("c", 4)):
        change(db, sha, count)
    fixed = [FixedLine(sha, "m.py", 1, "fix", NOW + 5) for sha in "abc"]
    db.mined_history.mark_fixed(fixed)
    assert db.predictions.join_outcomes(NOW + QUIET_SECONDS + 20) == 21
    assert [value for value, _ in outcomes(db).values()].count(1) == 3


def steps(db: Database) -> int:
    """How many thousand steps of SQLite's machine the joining of outcomes takes."""
    count = itertools.count()
    db.connection.set_progress_handler(lambda: next(count) and None, 1000)
    db.predictions.join_outcomes(NOW + QUIET_SECONDS + 20)
    db.connection.set_progress_handler(None, 1000)
    return next(count)


def test_ten_times_the_functions_of_a_commit_take_ten_times_the_work_and_then_none(
    db: Database,
) -> None:
    change(db, "a", 300)
    few = steps(db)
    change(db, "b", 3000)
    many = steps(db)
    assert few < many < 15 * few
    assert steps(db) <= 1, "what stands there already was looked at again"
