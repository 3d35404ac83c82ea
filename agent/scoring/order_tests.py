"""Affected tests, those likeliest to fail first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import (
    load_map,
    numbits_to_nums,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.history import Prediction
from copydesk.agent.desk.packed_ids import unpack_ids
from copydesk.agent.desk.traces import TestRun
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import LineNo, Sha, TestId
from copydesk.predictor.rank_tests import AffectedTest, Rating, rate, similarity

MANY = 2000
"""Of more affected tests than that, no predictions are kept."""

FORMULA = "formula"


def ordering(
    db: Database, commit: Commit
) -> Callable[[Sequence[str], Collection[TestId]], list[str]]:
    """What puts the test files of a measure in order: by the riskiest affected test of each.

    Whole files are moved, never tests within one: fixtures of a module or class keep their tests
    together, and the order within a file may be meant.

    Args:
        repo: The repository.
        db: Its desk, where the ratings are kept as predictions.
        sha: The commit that is measured.

    Returns:
        A function from test files and affected tests to the files in order.
    """

    def riskiest_first(files: Sequence[str], affected: Collection[TestId]) -> list[str]:
        if len(files) < 2 or not affected:
            return list(files)
        tests = _affected_tests(db, affected, _changed(commit))
        ratings = {name: rate(test) for name, test in tests.items()}
        if len(ratings) <= MANY:
            _store_predictions(db, commit.sha, tests, ratings)
        highest: dict[str, float] = {}
        for name, rating in ratings.items():
            file = file_of(name)
            highest[file] = max(highest.get(file, 0.0), rating.value)
        return sorted(files, key=lambda file: (-highest.get(file, 0.0), file))

    return riskiest_first


def _store_predictions(
    db: Database, sha: Sha, tests: Mapping[TestId, AffectedTest], ratings: Mapping[TestId, Rating]
) -> None:
    predictions = []
    for name, rating in ratings.items():
        features = {key: _number(value) for key, value in tests[name]._asdict().items()}
        predictions.append(Prediction(name, rating.value, FORMULA, "", rating.reasons, features))
    db.predictions.store("test", sha, predictions)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def settle_outcomes(db: Database, sha: Sha) -> None:
    """Write how the tests went that were predicted for a measured commit."""
    predicted = db.predictions.open_tests(sha)
    measured = load_map(db, sha) if predicted else None
    if measured is not None:
        tests = measured.tests()
        outcomes = {name: tests[name].outcome for name in predicted if name in tests}
        db.predictions.settle_tests(sha, outcomes)


class _Before(NamedTuple):
    """A changed file as it was: its blob ("" for a new file) and the lines that are not so now."""

    blob: str
    lines: frozenset[LineNo]


def _changed(commit: Commit) -> dict[str, _Before]:
    """The Python files that a commit changed, by path."""
    paths = [path for path in commit.changes if path.endswith(".py")]
    before = dict.fromkeys(paths, _Before("", frozenset()))
    if commit.parent is not None:
        backwards, tree = commit.reverted_changes, commit.tree_of(commit.parent)
        for path in paths:
            if path in tree and path in backwards:
                before[path] = _Before(tree[path].blob, frozenset(backwards[path].lines))
    return before


def _changed_lines_by_hit(db: Database, changed: Mapping[str, _Before]) -> dict[int, int]:
    """How many of the changed lines each stored hit executes, where it executes any."""
    counts = {}
    for path, before in changed.items():
        for hit, lines in db.traces.hits_of_version(path, before.blob):
            count = len(before.lines.intersection(numbits_to_nums(lines)))
            if count:
                counts[hit] = count
    return counts


def _affected_tests(
    db: Database, affected: Collection[TestId], changed: Mapping[str, _Before]
) -> dict[TestId, AffectedTest]:
    """What is known of each affected test before it runs."""
    runs_by_test: dict[TestId, list[TestRun]] = {name: [] for name in affected}
    for run in db.traces.test_runs():
        if run.name in runs_by_test:
            runs_by_test[run.name].append(run)
    changed_lines = _changed_lines_by_hit(db, changed)
    paths = sorted(changed)
    now = time.time()
    tests = {}
    for name, runs in runs_by_test.items():
        from_runs = _from_runs(runs, changed_lines, now)
        tests[name] = from_runs._replace(similarity=similarity(name, paths))
    return tests


def _from_runs(
    runs: Sequence[TestRun], changed_lines: Mapping[int, int], now: float
) -> AffectedTest:
    """What the earlier runs of a test say of it, the newest last.

    Args:
        runs: The runs.
        changed_lines: How many of the changed lines each hit executes.
        now: The Unix time.
    """
    if not runs:
        return AffectedTest()
    failed_at = [run.recorded_at for run in runs if run.outcome in ("failed", "error")]
    hits = unpack_ids(runs[-1].hits)
    return AffectedTest(
        covers=sum(changed_lines.get(hit, 0) for hit in hits),
        runs=len(runs),
        failures=len(failed_at),
        days_since_failure=_days(failed_at[-1], now) if failed_at else None,
        breadth=len(hits),
    )


def _days(at: float | str, today: float) -> float:
    if isinstance(at, str):
        from datetime import datetime

        at = datetime.fromisoformat(at).timestamp()
    return max(0.0, (today - at) / 86_400)
