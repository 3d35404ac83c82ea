"""Jobs that wait for a model: the rows of `jobs` in the state "waiting".

The queue neither leases nor counts them, so that neither the daemon nor `copydesk wait` stays
awake for them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Sha

_STATE: Final = "waiting"


class DeferredJob(NamedTuple):
    """A deferred job: its kind, its commit, and how often it was tried."""

    kind: str
    sha: Sha
    attempts: int


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
                " error = excluded.error, not_before = max(not_before, excluded.not_before)",
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
            "SELECT kind, subject, attempts FROM jobs WHERE state = ? ORDER BY id", (_STATE,)
        )
        return [DeferredJob(*row) for row in rows]

    def due(self, now: float) -> list[DeferredJob]:
        """The deferred jobs that may be tried at a Unix time, oldest first."""
        rows = self._db.execute(
            "SELECT kind, subject, attempts FROM jobs WHERE state = ? AND not_before <= ?"
            " ORDER BY id",
            (_STATE, now),
        )
        return [DeferredJob(*row) for row in rows]

    def count_attempts(self, jobs: Sequence[tuple[DeferredJob, float]]) -> None:
        """Count one more attempt of each job.

        Args:
            jobs: Each with the Unix time before which it is not tried again.
        """
        with transaction(self._db):
            self._db.executemany(
                "UPDATE jobs SET attempts = attempts + 1, not_before = ?"
                " WHERE kind = ? AND subject = ?",
                [(not_before, job.kind, job.sha) for job, not_before in jobs],
            )

    def is_under_way(self, kind: str, sha: Sha) -> bool:
        """Whether the queue has a job of that kind and commit that runs or is ready to run."""
        row = self._db.execute(
            "SELECT 1 FROM jobs WHERE kind = ? AND subject = ? AND state IN ('ready', 'running')",
            (kind, sha),
        ).fetchone()
        return row is not None
