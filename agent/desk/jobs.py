"""The queue of work: the table `jobs`, kept in SQLite so that a crash forgets nothing.

A job is leased, never popped: a worker that dies leaves a lease that runs out. At least once,
so every step must be safe to repeat. Jobs that wait for a model are rows in a state of their own,
and what a model does has kinds of its own, which never hold up the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from copydesk.agent.desk.connection import Connection, point, transaction
from copydesk.agent.records import Job, Sha

LEASE_SECONDS = 1800.0
MAX_ATTEMPTS = 3
RETRY_SECONDS = (5.0, 60.0)
SUPERSEDED = "superseded"
"""Why a job was dropped or cut short: a newer commit has taken the place of its commit."""

MODEL_DRAFT, MODEL_STORY = "model", "model-story"
MODEL_KINDS: Final = (MODEL_DRAFT, MODEL_STORY)
_IS_DRAFT = f"kind IN ('draft', '{MODEL_DRAFT}')"
"""Kinds of jobs that ask a model."""

_STATE: Final = "waiting"
_IS_OF_LANE = f"(kind IN {MODEL_KINDS}) = :by_model"


class Counts(NamedTuple):
    """How many jobs are in each state."""

    ready: int
    running: int
    done: int
    failed: int


class Jobs:
    """The queue of work: the table `jobs`.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def enqueue(self, kind: str, sha: Sha, *, priority: int = 0, again: bool = False) -> None:
        """Ask for a piece of work. Asking twice is asking once.

        Args:
            kind: What to do.
            sha: The commit to do it for.
            priority: Higher is sooner.
            again: Do it once more even if it was done or given up before.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO jobs (kind, subject, priority, added_at)"
                " VALUES (?, ?, ?, ?)",
                (kind, sha, priority, time.time()),
            )
            point("jobs.enqueue")
            if again:
                self._db.execute(
                    "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL,"
                    " priority = max(priority, ?)"
                    " WHERE kind = ? AND subject = ? AND state IN ('done', 'failed', 'dropped')",
                    (priority, kind, sha),
                )

    def enqueue_or_revive(self, kind: str, sha: Sha, *, priority: int) -> None:
        """Ask for a piece of work; one that was dropped is wanted again, at this priority."""
        with transaction(self._db):
            self.enqueue(kind, sha, priority=priority)
            self._db.execute(
                "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL,"
                " priority = ? WHERE kind = ? AND subject = ? AND state = 'dropped'",
                (priority, kind, sha),
            )

    def lease(
        self,
        now: float | None = None,
        *,
        seconds: float = LEASE_SECONDS,
        by_model: bool = False,
    ) -> Job | None:
        """Take the job that is next in line.

        Args:
            now: The Unix time.
            seconds: How long it is ours; past that it is free again.
            by_model: Take one that asks a model, of equal ones that of the newest commit; else
                one that does not, the oldest.

        Returns:
            The job, or None when none is ready.
        """
        now = time.time() if now is None else now
        with transaction(self._db):
            row = self._db.execute(
                f"""
                UPDATE jobs
                SET state = 'running', attempts = attempts + 1, leased_until = :until,
                    worker = :worker
                WHERE id = (
                    SELECT id FROM jobs
                    WHERE {_IS_OF_LANE} AND (
                        (state = 'ready' AND not_before <= :now)
                        OR (state = 'running' AND leased_until < :now)
                    )
                    ORDER BY priority DESC, CASE WHEN :by_model THEN -id ELSE id END LIMIT 1
                )
                RETURNING id, kind, subject, attempts
                """,
                {
                    "until": now + seconds,
                    "now": now,
                    "worker": os.getpid(),
                    "by_model": by_model,
                },
            ).fetchone()
            point("jobs.leased")
        return Job(*row) if row else None

    def finish(self, job: Job) -> None:
        """Mark a job as done.

        Failures of the kind for commits that nothing points at any more are given up with it:
        what failed there has worked since, and nobody waits for it.
        """
        with transaction(self._db):
            self._settle(job, "done", None, 0.0)
            self._db.execute(
                "UPDATE jobs SET state = 'dropped' WHERE kind = ? AND state = 'failed'"
                " AND subject <> ? AND subject NOT IN (SELECT sha FROM tips)",
                (job.kind, job.sha),
            )

    def done_by_hand(self, kind: str, sha: Sha) -> None:
        """A command has done what a job had failed at: it no longer counts as failed."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET state = 'done', error = NULL, ended_at = ?"
                " WHERE kind = ? AND subject = ? AND state = 'failed'",
                (time.time(), kind, sha),
            )

    def drop(self, job: Job, why: str) -> None:
        """Give a job up because its work is no longer wanted."""
        self._settle(job, "dropped", why, 0.0)

    def fail(self, job: Job, error: str, *, final: bool = False) -> None:
        """Give a job back to be tried later, or give it up after MAX_ATTEMPTS.

        Args:
            job: The job as it was leased.
            error: What went wrong, kept with the job.
            final: Trying again cannot help.
        """
        if final or job.attempts >= MAX_ATTEMPTS:
            self._settle(job, "failed", error, 0.0)
        else:
            pause = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS)) - 1]
            self._settle(job, "ready", error, time.time() + pause)

    def put_back(self, job: Job, why: str, *, seconds: float = RETRY_SECONDS[-1]) -> None:
        """Give a job back that could not be done for no fault of its own; no attempt is counted.

        Args:
            job: The job as it was leased.
            why: What was in the way, kept with the job.
            seconds: How long it waits at least.
        """
        self._settle(job, "ready", why, time.time() + seconds)
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET attempts = max(0, attempts - 1) WHERE id = ?", (job.id,)
            )

    def cut_short(self, job: Job, *, priority: int) -> None:
        """Give a job back that made way for a newer commit, to be done at another priority."""
        with transaction(self._db):
            self.put_back(job, SUPERSEDED, seconds=0.0)
            self._set_priority([job.id], priority)

    def release_orphans(self) -> int:
        """Free every running job; for a daemon that has just taken the lock.

        Returns:
            How many.
        """
        point("jobs.orphans")
        with transaction(self._db):
            return self._db.execute(
                "UPDATE jobs SET state = 'ready', leased_until = NULL WHERE state = 'running'"
            ).rowcount

    def drop_superseded_drafts(self) -> list[Job]:
        """Drop the waiting drafts of commits that are no tip any more: nobody would start them.

        Returns:
            Those dropped.
        """
        wanted_no_more = (
            f"{_IS_DRAFT} AND state = 'ready' AND subject IN (SELECT sha FROM commits)"
            " AND subject NOT IN (SELECT sha FROM tips)"
        )
        if not self._db.execute(f"SELECT 1 FROM jobs WHERE {wanted_no_more} LIMIT 1").fetchone():
            return []  # as is the rule: nothing is locked
        with transaction(self._db):
            rows = self._db.execute(
                f"UPDATE jobs SET state = 'dropped', error = ?, ended_at = ? WHERE {wanted_no_more}"
                " RETURNING id, kind, subject, attempts",
                (SUPERSEDED, time.time()),
            ).fetchall()
            point("jobs.superseded")
        return [Job(*row) for row in rows]

    def revive_drafts(self, sha: Sha) -> None:
        """Ask again for the drafts of a commit that is a tip once more, if they were dropped."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL"
                f" WHERE {_IS_DRAFT} AND subject = ? AND state = 'dropped' AND error = ?",
                (sha, SUPERSEDED),
            )

    def by_id(self, identity: int) -> Job | None:
        """The job with this id, whatever its state; None when there is none."""
        row = self._db.execute(
            "SELECT id, kind, subject, attempts FROM jobs WHERE id = ?", (identity,)
        ).fetchone()
        return Job(*row) if row else None

    def ready(self, kind: str) -> list[Job]:
        """The jobs of a kind that wait for their turn, in the order they were asked for."""
        rows = self._db.execute(
            "SELECT id, kind, subject, attempts FROM jobs"
            " WHERE kind = ? AND state = 'ready' ORDER BY id",
            (kind,),
        )
        return [Job(*row) for row in rows]

    def resort(self, *, dropped: Iterable[Job], later: Iterable[Job], priority: int) -> None:
        """Drop ready jobs as superseded, and give others another priority, at once.

        Args:
            dropped: The jobs that are wanted no more.
            later: The jobs whose priority changes.
            priority: The priority they get.
        """
        with transaction(self._db):
            self._db.executemany(
                "UPDATE jobs SET state = 'dropped', error = ?, ended_at = ? WHERE id = ?",
                [(SUPERSEDED, time.time(), job.id) for job in dropped],
            )
            self._set_priority([job.id for job in later], priority)
            point("jobs.resorted")

    def priority(self, kind: str, sha: Sha) -> int | None:
        """The priority of a job; None when there is no such job."""
        row = self._db.execute(
            "SELECT priority FROM jobs WHERE kind = ? AND subject = ?", (kind, sha)
        ).fetchone()
        return None if row is None else int(row[0])

    def last_ended(self, kind: str) -> float | None:
        """The Unix time at which a job of this kind last ended; None when none has."""
        row = self._db.execute("SELECT max(ended_at) FROM jobs WHERE kind = ?", (kind,)).fetchone()
        return None if row[0] is None else float(row[0])

    def makes_way(self, job: Job) -> bool:
        """Whether a job's commit is no tip any more while a job of its kind waits for a tip."""
        (answer,) = self._db.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM tips WHERE sha = ?) AND EXISTS (SELECT 1 FROM jobs"
            " WHERE kind = ? AND state = 'ready' AND not_before <= ?"
            " AND subject IN (SELECT sha FROM tips))",
            (job.sha, job.kind, time.time()),
        ).fetchone()
        return bool(answer)

    def lost_its_tip(self, job: Job) -> bool:
        """Whether no branch and no worktree points at a job's commit any more."""
        row = self._db.execute("SELECT 1 FROM tips WHERE sha = ?", (job.sha,)).fetchone()
        return row is None

    def counts(self) -> Counts:
        """Count the jobs by state."""
        rows = self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state")
        by_state = dict(rows.fetchall())
        return Counts(*(by_state.get(state, 0) for state in Counts._fields))

    def open_kinds(self) -> dict[str, int]:
        """How many jobs of each kind are to be done, or under way; those due for a model too."""
        rows = self._db.execute(
            "SELECT kind, count(*) FROM jobs WHERE state IN ('ready', 'running')"
            " OR (state = ? AND not_before <= ?) GROUP BY kind",
            (_STATE, time.time()),
        )
        return dict(rows.fetchall())

    def next_due(self, *, by_model: bool | None = None) -> float | None:
        """The Unix time at which the next waiting job may start, or None when none waits.

        Args:
            by_model: Only of the jobs that ask a model, or only of the others.
        """
        row = self._db.execute(
            "SELECT min(not_before) FROM jobs WHERE state = 'ready'"
            f" AND (:by_model IS NULL OR {_IS_OF_LANE})",
            {"by_model": by_model},
        ).fetchone()
        return None if row[0] is None else float(row[0])

    def is_busy(self) -> bool:
        """Whether a job that asks no model runs, or could."""
        row = self._db.execute(
            f"SELECT 1 FROM jobs WHERE {_IS_OF_LANE}"
            " AND (state = 'running' OR (state = 'ready' AND not_before <= :now)) LIMIT 1",
            {"by_model": False, "now": time.time()},
        ).fetchone()
        return row is not None

    def is_running(self, kind: str, sha: Sha) -> bool:
        """Whether somebody has this job in hand."""
        row = self._db.execute(
            "SELECT 1 FROM jobs WHERE kind = ? AND subject = ? AND state = 'running'", (kind, sha)
        ).fetchone()
        return row is not None

    def failures(self) -> list[tuple[str, str, str]]:
        """Kind, commit and error of the jobs that were given up, the newest first."""
        rows = self._db.execute(
            "SELECT kind, subject, error FROM jobs WHERE state = 'failed' ORDER BY ended_at DESC"
        )
        return [(str(kind), str(sha), str(error or "")) for kind, sha, error in rows]

    def _set_priority(self, identities: Iterable[int], priority: int) -> None:
        self._db.executemany(
            "UPDATE jobs SET priority = ? WHERE id = ?",
            [(priority, identity) for identity in identities],
        )

    def _settle(self, job: Job, state: str, error: str | None, not_before: float) -> None:
        ended = None if state == "ready" else time.time()
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET state = ?, error = ?, not_before = ?, leased_until = NULL,"
                # it may have deferred itself, and be ready again already
                " ended_at = ? WHERE id = ? AND state = 'running'",
                (state, error, not_before, ended, job.id),
            )
            point("jobs.settled")


_DEFERRED: Final = "kind, subject, attempts, added_at, coalesce(error, '')"


class DeferredJob(NamedTuple):
    """A deferred job: its kind, its commit, how often it was tried, when it was asked for (Unix
    time), and why it was deferred."""

    kind: str
    sha: Sha
    attempts: int
    added_at: float
    error: str


class DeferredJobs:
    """Deferred jobs as rows, one a kind and commit.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, kind: str, sha: Sha, *, not_before: float, error: str, keep: int) -> None:
        """Defer a job, or give a job that is deferred a later time.

        Args:
            kind: Its kind.
            sha: Its commit.
            not_before: The Unix time before which it is not tried.
            error: Why it is deferred.
            keep: How many of the kind stay; the oldest of more are deleted.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO jobs (kind, subject, state, not_before, error, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, subject) DO UPDATE SET state = excluded.state,"
                " leased_until = NULL, error = excluded.error,"
                " not_before = max(not_before, excluded.not_before)",
                (kind, sha, _STATE, not_before, error, time.time()),
            )
            self._db.execute(
                "DELETE FROM jobs WHERE kind = ? AND id NOT IN"
                " (SELECT id FROM jobs WHERE kind = ? ORDER BY id DESC LIMIT ?)",
                (kind, kind, keep),
            )

    def remove(self, kind: str, sha: Sha) -> None:
        """Delete a deferred job, where there is one."""
        with transaction(self._db):
            self._db.execute("DELETE FROM jobs WHERE kind = ? AND subject = ?", (kind, sha))

    def all(self) -> list[DeferredJob]:
        """All deferred jobs, oldest first."""
        rows = self._db.execute(
            f"SELECT {_DEFERRED} FROM jobs WHERE state = ? ORDER BY id", (_STATE,)
        )
        return [DeferredJob(*row) for row in rows]

    def due(self, now: float) -> list[DeferredJob]:
        """The deferred jobs that may be tried at a Unix time, oldest first."""
        rows = self._db.execute(
            f"SELECT {_DEFERRED} FROM jobs WHERE state = ? AND not_before <= ? ORDER BY id",
            (_STATE, now),
        )
        return [DeferredJob(*row) for row in rows]

    def postpone(self, jobs: Sequence[DeferredJob], *, not_before: float, error: str) -> None:
        """Give deferred jobs a later time.

        Args:
            jobs: The jobs.
            not_before: The Unix time before which they are not tried.
            error: Why.
        """
        with transaction(self._db):
            self._db.executemany(
                "UPDATE jobs SET not_before = ?, error = ? WHERE kind = ? AND subject = ?"
                " AND state = ?",
                [(not_before, error, job.kind, job.sha, _STATE) for job in jobs],
            )

    def activate(self, jobs: Sequence[DeferredJob]) -> None:
        """Make deferred jobs ready, tests before stories and what a branch points at first."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE jobs SET state = 'ready', not_before = 0, priority ="
                " 2 * (kind = ?) + (subject IN (SELECT sha FROM tips))"
                " WHERE kind = ? AND subject = ? AND state = ?",
                [(MODEL_DRAFT, job.kind, job.sha, _STATE) for job in jobs],
            )

    def uncount(self, kind: str, sha: Sha) -> None:
        """Take back that a deferred job was tried: it could not even begin."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET attempts = max(0, attempts - 1)"
                " WHERE kind = ? AND subject = ? AND state = ?",
                (kind, sha, _STATE),
            )

    def give_up(self, kind: str, sha: Sha) -> None:
        """Try a deferred job no more; why it last failed stays with it."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE jobs SET state = 'dropped', ended_at = ?"
                " WHERE kind = ? AND subject = ? AND state = ?",
                (time.time(), kind, sha, _STATE),
            )

    def get(self, kind: str, sha: Sha) -> DeferredJob | None:
        """A deferred job; None where there is none."""
        return next((job for job in self.all() if (job.kind, job.sha) == (kind, sha)), None)
