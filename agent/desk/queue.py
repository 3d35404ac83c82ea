"""Jobs, kept in SQLite so that a crash forgets nothing.

A job is leased, never popped: a worker that dies leaves a lease that runs out. At least once,
so every step must be safe to repeat.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.records import Job

LEASE_SECONDS = 1800.0
MAX_ATTEMPTS = 3
RETRY_SECONDS = (5.0, 60.0)


class Counts(NamedTuple):
    """How many jobs are in each state."""

    ready: int
    running: int
    done: int
    failed: int


def put(db: Database, kind: str, subject: str, *, priority: int = 0, again: bool = False) -> None:
    """Ask for a piece of work. Asking twice is asking once.

    Args:
        db: The desk.
        kind: What to do.
        subject: What to do it to.
        priority: Higher is sooner.
        again: Do it once more even if it was done or given up before.
    """
    with transaction(db):
        db.execute(
            "INSERT OR IGNORE INTO jobs (kind, subject, priority, added_at) VALUES (?, ?, ?, ?)",
            (kind, subject, priority, time.time()),
        )
        point("queue.put")
        if again:
            db.execute(
                "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL,"
                " priority = max(priority, ?)"
                " WHERE kind = ? AND subject = ? AND state IN ('done', 'failed', 'dropped')",
                (priority, kind, subject),
            )


def lease(db: Database, now: float | None = None, *, seconds: float = LEASE_SECONDS) -> Job | None:
    """Take the job that is next in line, or None. A lease that ran out frees its job."""
    now = time.time() if now is None else now
    with transaction(db):
        row = db.execute(
            """
            UPDATE jobs
            SET state = 'running', attempts = attempts + 1, leased_until = :until, worker = :worker
            WHERE id = (
                SELECT id FROM jobs
                WHERE (state = 'ready' AND not_before <= :now)
                   OR (state = 'running' AND leased_until < :now)
                ORDER BY priority DESC, id LIMIT 1
            )
            RETURNING id, kind, subject, attempts
            """,
            {"until": now + seconds, "now": now, "worker": os.getpid()},
        ).fetchone()
        point("queue.leased")
    return Job(*row) if row else None


def finish(db: Database, job: Job) -> None:
    """Mark a job as done."""
    _settle(db, job, "done", None, 0.0)


def drop(db: Database, job: Job, why: str) -> None:
    """Give a job up because its work is no longer wanted."""
    _settle(db, job, "dropped", why, 0.0)


def fail(db: Database, job: Job, error: str, *, final: bool = False) -> None:
    """Give a job back to be tried later, or give it up after MAX_ATTEMPTS.

    Args:
        db: The desk.
        job: The job as it was leased.
        error: What went wrong, kept with the job.
        final: Trying again cannot help.
    """
    if final or job.attempts >= MAX_ATTEMPTS:
        _settle(db, job, "failed", error, 0.0)
    else:
        wait = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS)) - 1]
        _settle(db, job, "ready", error, time.time() + wait)


def put_back(db: Database, job: Job, why: str, *, seconds: float = RETRY_SECONDS[-1]) -> None:
    """Give a job back that could not be done for no fault of its own; the attempt is not counted.

    Args:
        db: The desk.
        job: The job as it was leased.
        why: What was in the way, kept with the job.
        seconds: How long it waits at least.
    """
    _settle(db, job, "ready", why, time.time() + seconds)
    with transaction(db):
        db.execute("UPDATE jobs SET attempts = max(0, attempts - 1) WHERE id = ?", (job.id,))


def release_orphans(db: Database) -> int:
    """Free every running job; for a daemon that has just taken the lock. Returns how many."""
    point("queue.orphans")
    with transaction(db):
        return db.execute(
            "UPDATE jobs SET state = 'ready', leased_until = NULL WHERE state = 'running'"
        ).rowcount


def counts(db: Database) -> Counts:
    """Count the jobs by state."""
    found = dict(db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    return Counts(*(found.get(state, 0) for state in Counts._fields))


def next_due(db: Database) -> float | None:
    """The Unix time at which the next waiting job may start, or None when none waits."""
    (due,) = db.execute("SELECT min(not_before) FROM jobs WHERE state = 'ready'").fetchone()
    return None if due is None else float(due)


def failures(db: Database) -> list[tuple[str, str, str]]:
    """Kind, subject and error of the jobs that were given up, the newest first."""
    return [
        (str(kind), str(subject), str(error or ""))
        for kind, subject, error in db.execute(
            "SELECT kind, subject, error FROM jobs WHERE state = 'failed' ORDER BY ended_at DESC"
        )
    ]


def _settle(db: Database, job: Job, state: str, error: str | None, not_before: float) -> None:
    ended = None if state == "ready" else time.time()
    with transaction(db):
        db.execute(
            "UPDATE jobs SET state = ?, error = ?, not_before = ?, leased_until = NULL,"
            " ended_at = ? WHERE id = ?",
            (state, error, not_before, ended, job.id),
        )
        point("queue.settled")
