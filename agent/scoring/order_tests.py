"""Affected tests, those likeliest to fail first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import numbits_to_nums
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.packed_ids import unpack_ids
from copydesk.agent.desk.predictions import Prediction
from copydesk.agent.desk.traces import TestRun
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo, Sha, TestId
from copydesk.predictor.rank_tests import AffectedTest, rate, similarity

MANY = 2000
"""Of more affected tests than that, no predictions are kept."""

FORMULA = "formula"


def ordering(
    repo: Repository, db: Database, sha: Sha
) -> Callable[[Sequence[str], Collection[TestId]], list[str]]:
    """What puts the test files of a measure in order: by the riskiest affected test of each.

    Whole files are moved, never tests within one: fixtures of a module or class keep their tests
    together, and the order within a file may be meant.
    """

    def riskiest_first(files: Sequence[str], affected: Collection[TestId]) -> list[str]:
        if len(files) < 2 or not affected:
            return list(files)
        changed = _changed(repo, sha)
        facts = _facts(db, affected, sorted(changed), _hits_on(db, changed))
        found = {name: rate(fact) for name, fact in facts.items()}
        if len(found) <= MANY:
            said = [
                Prediction(name, p.value, FORMULA, "", p.reasons, _plain(facts[name]))
                for name, p in found.items()
            ]
            db.predictions.store("test", sha, said)
        best: dict[str, float] = {}
        for name, p in found.items():
            file = file_of(name)
            best[file] = max(best.get(file, 0.0), p.value)
        return sorted(files, key=lambda file: (-best.get(file, 0.0), file))

    return riskiest_first


def settle(db: Database, sha: Sha) -> None:
    """Write how the tests went that were predicted for a measured commit."""
    predicted = db.predictions.open_tests(sha)
    known = coverage_map.load(db, sha) if predicted else None
    if known is not None:
        outcomes = {n: t.outcome for n, t in known.tests().items() if n in predicted}
        db.predictions.settle_tests(sha, outcomes)


class _Before(NamedTuple):
    """A changed file as it was: its blob ("" for a new file) and the lines that are not so now."""

    blob: str
    lines: frozenset[LineNo]


def _changed(repo: Repository, sha: Sha) -> dict[str, _Before]:
    """The Python files that a commit changed."""
    info = git.commit_info(repo, sha)
    there = git.exists(repo, info.parents[:1])
    parent = next((p for p in info.parents[:1] if p in there), None)
    paths = [path for path in git.changes(repo, parent, sha) if path.endswith(".py")]
    if parent is None:
        return dict.fromkeys(paths, _Before("", frozenset()))
    backwards, tree = git.changes(repo, sha, parent), git.tree(repo, parent)
    return {
        path: _Before(tree[path].blob, frozenset(backwards[path].lines))
        if path in tree and path in backwards
        else _Before("", frozenset())
        for path in paths
    }


def _hits_on(db: Database, changed: Mapping[str, _Before]) -> dict[int, int]:
    """How many of the changed lines each stored hit executes, where it executes any."""
    found = {}
    for path, before in changed.items():
        for hit, lines in db.traces.hits_of_version(path, before.blob):
            if covered := len(before.lines.intersection(numbits_to_nums(lines))):
                found[hit] = covered
    return found


def _facts(
    db: Database,
    affected: Collection[TestId],
    changed: Sequence[str],
    hits_on: Mapping[int, int],
) -> dict[TestId, AffectedTest]:
    found: dict[TestId, AffectedTest] = {}
    past: dict[str, list[TestRun]] = {}
    for run in db.traces.test_runs():
        if run.name in affected:
            past.setdefault(run.name, []).append(run)
    today = time.time()
    for name in affected:
        runs = past.get(name, [])
        failed = [run.recorded_at for run in runs if run.outcome in ("failed", "error")]
        hits = unpack_ids(runs[-1].hits) if runs else []
        found[name] = AffectedTest(
            covers=sum(hits_on.get(hit, 0) for hit in hits) if runs else None,
            runs=len(runs),
            failures=len(failed),
            days_since_failure=_days(failed[-1], today) if failed else None,
            similarity=similarity(name, changed),
            breadth=len(hits),
        )
    return found


def _days(at: float | str, today: float) -> float:
    if isinstance(at, str):
        from datetime import datetime

        at = datetime.fromisoformat(at).timestamp()
    return max(0.0, (today - at) / 86_400)


def _plain(facts: AffectedTest) -> dict[str, float | None]:
    return {name: None if v is None else float(v) for name, v in facts._asdict().items()}
