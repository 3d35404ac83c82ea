"""The desk's disk budget: old coverage maps and logs go, what somebody wrote or decided stays."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from copydesk.agent.coverage.store import unpack, unpack_ids
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import plural

PRUNE = "prune"
PRUNE_PRIORITY = -40
AGAIN_SECONDS = 24 * 3600.0
"""What could not be brought under the budget is not tried again for so long."""

KEPT_EVENTS, KEPT_CALLS = 1000, 200
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
        db.execute(
            "DELETE FROM events WHERE id NOT IN"
            " (SELECT id FROM events ORDER BY received_at DESC LIMIT ?)",
            (KEPT_EVENTS,),
        )
        db.model_calls.prune(KEPT_CALLS)


def _needed(repo: Repository, db: Database) -> set[str]:
    return git.tips(repo) | db.drafts.waiting_commits()


def _oldest_first(db: Database, needed: set[str]) -> list[str]:
    rows = db.execute("SELECT sha FROM measures ORDER BY measured_at, rowid")
    return [str(sha) for (sha,) in rows if sha not in needed]


def _drop_maps(db: Database, shas: list[str]) -> None:
    with transaction(db):
        for sha in shas:
            db.execute("DELETE FROM gaps WHERE sha = ?", (sha,))
            db.execute("DELETE FROM measures WHERE sha = ?", (sha,))
        traces, totals = set[int](), set[int]()
        for (packed_traces,) in db.execute("SELECT traces FROM unfinished"):
            traces |= set(unpack_ids(packed_traces))
        for packed_traces, packed_totals in db.execute("SELECT traces, totals FROM measures"):
            traces |= set(unpack_ids(packed_traces))
            totals |= set(unpack_ids(packed_totals))
        # that a test is flaky stays known: few are, and each takes two rows
        flips = db.execute("SELECT run, before FROM outcome_flips").fetchall()
        _keep(db, "traces", traces | {identity for pair in flips for identity in pair})
        db.execute(
            "UPDATE traces SET repeats = NULL"
            " WHERE repeats IS NOT NULL AND repeats NOT IN (SELECT id FROM traces)"
        )
        _keep(db, "totals", totals)
        hits = set[int]()
        for (packed,) in db.execute("SELECT hits FROM traces"):
            hits |= set(unpack(packed))
        _keep(db, "hits", hits)
        db.execute("DELETE FROM contexts WHERE id NOT IN (SELECT context_id FROM traces)")
        db.execute(
            "DELETE FROM files WHERE id NOT IN (SELECT file_id FROM hits)"
            " AND id NOT IN (SELECT file_id FROM totals)"
        )
        point("prune.dropped")


def _keep(db: Database, table: str, wanted: set[int]) -> None:
    there = {int(identity) for (identity,) in db.execute(f"SELECT id FROM {table}")}
    db.executemany(f"DELETE FROM {table} WHERE id = ?", [(i,) for i in sorted(there - wanted)])
