"""The desk's disk budget: old coverage maps and logs go, what somebody wrote or decided stays."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.desk import content_cache
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import costs_one_item, error_line
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.git import repository as git
from copydesk.agent.git import side_objects
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import plural

PRUNE = "prune"
PRUNE_PRIORITY = -40
AGAIN_SECONDS = 24 * 3600.0
"""What could not be brought under the budget is not tried again for so long."""

OBJECT_GRACE_SECONDS = 24 * 3600.0
"""An object this young may belong to a measure that runs now."""

KEPT_CALLS = 200
_SHARE = 0.8
"""The part of the budget that is aimed at, so that the next measure does not exceed it again."""


def size(desk: Path) -> int:
    """Bytes of the desk's database with its log."""
    total = 0
    for name in ("desk.db", "desk.db-wal"):
        with contextlib.suppress(OSError):
            total += (desk / name).stat().st_size
    return total


def ask_when_due(db: Database, desk: Path, budget_mb: float) -> bool:
    """Ask for a pruning when the desk is over its budget. Returns whether it was asked for."""
    if size(desk) <= budget_mb * 1e6:
        return False
    last = db.jobs.last_ended(PRUNE)
    if last is not None and time.time() - last < AGAIN_SECONDS:
        return False
    db.jobs.enqueue(PRUNE, "desk", priority=PRUNE_PRIORITY, again=True)
    return True


def prune(repo: Repository, db: Database, budget_mb: float) -> str:
    """Drop logs, then the oldest coverage maps, until the desk is within its budget.

    Drafts, reviews, stories, commits and the maps that they or a branch still need stay.

    Returns:
        What was done, in words.
    """
    goal = budget_mb * 1e6 * _SHARE
    before = db.live_bytes()
    failures: list[str] = []
    with _contained("the log of the model's calls", failures):
        db.model_calls.prune(KEPT_CALLS)
    dropped = _drop_oldest_maps(repo, db, goal, failures)
    if db.live_bytes() > goal:
        with _contained("what is kept of file contents", failures):
            content_cache.clear(db)
    freed = 0
    with _contained("the folder of objects", failures):
        needed = db.checkouts.blobs() | db.traces.blobs()
        freed = side_objects.prune(repo, needed, time.time() - OBJECT_GRACE_SECONDS)
    db.compact()
    words = (
        f"pruned: {plural(dropped, 'old coverage map')} dropped,"
        f" {before / 1e6:,.1f} MB before, {db.live_bytes() / 1e6:,.1f} MB after"
    )
    if freed:
        words += f"; {freed / 1e6:,.1f} MB of generated files that no commit needs"
    return "; ".join([words, *failures])


def _drop_oldest_maps(repo: Repository, db: Database, goal: float, failures: list[str]) -> int:
    """Drop the oldest maps that nothing needs until the goal is met; returns how many."""
    needed = git.tips(repo) | db.drafts.waiting_commits()
    droppable = [sha for sha in db.measures.shas() if sha not in needed]
    dropped = 0
    while droppable and db.live_bytes() > goal:
        count = max(1, len(droppable) // 4)
        with _contained(f"{plural(count, 'coverage map')} from {droppable[0][:8]} on", failures):
            _drop_maps(db, droppable[:count])
            dropped += count
        droppable = droppable[count:]
    return dropped


@contextlib.contextmanager
def _contained(item: str, failures: list[str]) -> Iterator[None]:
    """Let what cannot be pruned cost itself: `failures` names it."""
    try:
        yield
    except Exception as error:
        if not costs_one_item(error):
            raise
        failures.append(f"{item}: left, copydesk failed on it ({error_line(error)})")


def _drop_maps(db: Database, shas: list[str]) -> None:
    with transaction(db):
        for sha in shas:
            db.measures.delete(sha)
        db.totals.delete_unused(db.measures.used_totals())
        db.traces.delete_unused(db.measures.used_traces() | db.foreign_maps.used_traces())
        db.passed_over.delete_unused()
        db.gaps.delete_unused()
        point("prune.dropped")
