"""The desk's disk budget: old coverage maps and logs go, what somebody wrote or decided stays."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

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
    before = _live(db)
    _drop_logs(db)
    order = _oldest_first(db, _needed(repo, db))
    dropped = 0
    while order and _live(db) > goal:
        batch, order = order[: max(1, len(order) // 4)], order[max(1, len(order) // 4) :]
        _drop_maps(db, batch)
        dropped += len(batch)
    if _live(db) > goal:
        with transaction(db):
            db.execute("DELETE FROM known")  # worked out anew when it is needed
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (
        f"pruned: {plural(dropped, 'old coverage map')} dropped,"
        f" {before / 1e6:,.1f} MB before, {_live(db) / 1e6:,.1f} MB after"
    )


def _live(db: Database) -> int:
    pages, free, page = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)


def _drop_logs(db: Database) -> None:
    with transaction(db):
        db.model_calls.prune(KEPT_CALLS)


def _needed(repo: Repository, db: Database) -> set[str]:
    return git.tips(repo) | db.drafts.waiting_commits()


def _oldest_first(db: Database, needed: set[str]) -> list[str]:
    return [sha for sha in db.measures.shas() if sha not in needed]


def _drop_maps(db: Database, shas: list[str]) -> None:
    with transaction(db):
        for sha in shas:
            db.measures.delete(sha)
        db.totals.delete_unused(db.measures.used_totals())
        db.traces.delete_unused(db.measures.used_traces())
        point("prune.dropped")
