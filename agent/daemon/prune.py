"""The desk's disk budget: old coverage maps and logs go, what somebody wrote or decided stays."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from copydesk.agent.desk import content_cache
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import plural

PRUNE = "prune"
PRUNE_PRIORITY = -40
AGAIN_SECONDS = 24 * 3600.0
"""What could not be brought under the budget is not tried again for so long."""

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
    db.model_calls.prune(KEPT_CALLS)
    needed = git.tips(repo) | db.drafts.waiting_commits()
    droppable = [sha for sha in db.measures.shas() if sha not in needed]
    dropped = 0
    while droppable and db.live_bytes() > goal:
        count = max(1, len(droppable) // 4)
        _drop_maps(db, droppable[:count])
        droppable = droppable[count:]
        dropped += count
    if db.live_bytes() > goal:
        content_cache.clear(db)
    db.compact()
    return (
        f"pruned: {plural(dropped, 'old coverage map')} dropped,"
        f" {before / 1e6:,.1f} MB before, {db.live_bytes() / 1e6:,.1f} MB after"
    )


def _drop_maps(db: Database, shas: list[str]) -> None:
    with transaction(db):
        for sha in shas:
            db.measures.delete(sha)
        db.totals.delete_unused(db.measures.used_totals())
        db.traces.delete_unused(db.measures.used_traces())
        db.passed_over.delete_unused()
        db.gaps.delete_unused()
        point("prune.dropped")
