"""Commits whose drafts wait for a model that could not be asked.

What the embedded drafter wrote is on the desk at once. The rest is a row of the queue in a state
of its own, so that neither the daemon nor `copydesk wait` stays awake for it. Each look asks
the server one small question, less and less often; when it answers, the commit is drafted again,
which passes over what is there already.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from copydesk.agent.desk import queue
from copydesk.agent.desk.store import transaction
from copydesk.agent.model.breaker import FIRST_SECONDS, LONGEST_SECONDS
from copydesk.agent.records import Sha

KIND: Final = "model"
STATE: Final = "waiting"
PRIORITY: Final = -10


def wait(db: sqlite3.Connection, sha: Sha, why: str) -> None:
    """Keep that a commit's drafts are not all that a model could write.

    Args:
        db: The desk.
        sha: The commit.
        why: Why no model could be asked.
    """
    now = time.time()
    with transaction(db):
        db.execute(
            "INSERT OR REPLACE INTO jobs (kind, subject, state, not_before, error, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (KIND, sha, STATE, now + FIRST_SECONDS, why, now),
        )


def forget(db: sqlite3.Connection, sha: Sha) -> None:
    """A model has been asked about this commit; nothing waits."""
    with transaction(db):
        db.execute("DELETE FROM jobs WHERE kind = ? AND subject = ?", (KIND, sha))


def waiting(db: sqlite3.Connection) -> list[Sha]:
    """The commits whose drafts wait for a model, oldest first."""
    rows = db.execute(
        "SELECT subject FROM jobs WHERE kind = ? AND state = ? ORDER BY id", (KIND, STATE)
    )
    return [str(subject) for (subject,) in rows]


def look(
    db: sqlite3.Connection, answers: Callable[[], bool], *, now: float | None = None
) -> list[Sha]:
    """Ask whether a model answers now, if it is time to; then have what waits drafted again.

    Args:
        db: The desk.
        answers: Whether there is a model to ask; only called when something waits for it.
        now: The Unix time.

    Returns:
        The commits that wait no longer.
    """
    now = time.time() if now is None else now
    due = db.execute(
        "SELECT subject, attempts FROM jobs AS waits WHERE kind = ? AND state = ?"
        " AND not_before <= ? AND NOT EXISTS (SELECT 1 FROM jobs AS other"
        " WHERE other.kind = 'draft' AND other.subject = waits.subject"
        " AND other.state IN ('ready', 'running')) ORDER BY id",
        (KIND, STATE, now),
    ).fetchall()
    if not due:
        return []
    if not answers():
        with transaction(db):
            for subject, attempts in due:
                pause = min(FIRST_SECONDS * 2.0 ** min(attempts + 1, 10), LONGEST_SECONDS)
                db.execute(
                    "UPDATE jobs SET attempts = attempts + 1, not_before = ?"
                    " WHERE kind = ? AND subject = ?",
                    (now + pause, KIND, subject),
                )
        return []
    for subject, _ in due:
        queue.put(db, "draft", subject, priority=PRIORITY, again=True)
        forget(db, subject)
    return [str(subject) for subject, _ in due]
