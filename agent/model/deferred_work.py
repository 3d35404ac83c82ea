"""Work that waits for a model which could not be asked.

What the embedded drafter and the template wrote is on the desk at once. The rest is a row of the
queue in a state of its own, so that neither the daemon nor `copydesk wait` stays awake for it.
Each look asks the server one small question, less and less often; when it answers, the drafts or
the story of the commit are made again, which passes over what is there already. The row stays
until that has worked, so a server that only seems to be back is asked less and less often too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
from copydesk.agent.model.circuit_breaker import FIRST_SECONDS, LONGEST_SECONDS
from copydesk.agent.records import Sha

What = Literal["draft", "story"]
"""The kind of job that is done again."""

STATE: Final = "waiting"
MOST: Final = 20
"""Commits that wait for each kind of work; of more the oldest are let go."""

_KINDS: Final[dict[str, What]] = {"model": "draft", "model-story": "story"}
_ROWS: Final[dict[What, str]] = {what: kind for kind, what in _KINDS.items()}
_PRIORITY: Final[dict[What, int]] = {"draft": -10, "story": -20}


class Waits(NamedTuple):
    """A piece of work that waits, and how often it was tried."""

    what: What
    sha: Sha
    tries: int = 0


def wait(db: Database, what: What, sha: Sha, why: str) -> None:
    """Keep that a model could do more for a commit than was done.

    Args:
        db: The desk.
        what: Its drafts or its story.
        sha: The commit.
        why: Why no model could be asked.
    """
    now, kind = time.time(), _ROWS[what]
    with transaction(db):
        db.execute(
            "INSERT INTO jobs (kind, subject, state, not_before, error, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, subject) DO UPDATE SET state = excluded.state,"
            " error = excluded.error, not_before = max(not_before, excluded.not_before)",
            (kind, sha, STATE, now + FIRST_SECONDS, why, now),
        )
        db.execute(
            "DELETE FROM jobs WHERE kind = ? AND id NOT IN"
            " (SELECT id FROM jobs WHERE kind = ? ORDER BY id DESC LIMIT ?)",
            (kind, kind, MOST),
        )


def forget(db: Database, what: What, sha: Sha) -> None:
    """A model has been asked about this commit, or need not be any more."""
    with transaction(db):
        db.execute("DELETE FROM jobs WHERE kind = ? AND subject = ?", (_ROWS[what], sha))


def waiting(db: Database) -> list[Waits]:
    """What waits for a model, oldest first."""
    rows = db.execute(
        "SELECT kind, subject, attempts FROM jobs WHERE state = ? ORDER BY id", (STATE,)
    )
    return [Waits(_KINDS[kind], str(subject), tries) for kind, subject, tries in rows]


def look(db: Database, answers: Callable[[], bool], *, now: float | None = None) -> list[Waits]:
    """Ask whether a model answers now, if it is time to; then have what waits done again.

    Args:
        db: The desk.
        answers: Whether there is a model to ask; only called when something waits for it.
        now: The Unix time.

    Returns:
        What is done again.
    """
    now = time.time() if now is None else now
    rows = db.execute(
        "SELECT kind, subject, attempts FROM jobs WHERE state = ? AND not_before <= ? ORDER BY id",
        (STATE, now),
    )
    due = [Waits(_KINDS[kind], str(subject), tries) for kind, subject, tries in rows]
    due = [one for one in due if not _under_way(db, one)]
    if not due:
        return []
    there = answers()
    with transaction(db):
        for one in due:
            pause = min(FIRST_SECONDS * 2.0 ** min(one.tries + 1, 10), LONGEST_SECONDS)
            db.execute(
                "UPDATE jobs SET attempts = attempts + 1, not_before = ?"
                " WHERE kind = ? AND subject = ?",
                (now + pause, _ROWS[one.what], one.sha),
            )
    for one in due if there else ():
        db.jobs.enqueue(one.what, one.sha, priority=_PRIORITY[one.what], again=True)
    return due if there else []


def _under_way(db: Database, one: Waits) -> bool:
    """Whether the work is being done, or is next in line."""
    return bool(
        db.execute(
            "SELECT 1 FROM jobs WHERE kind = ? AND subject = ? AND state IN ('ready', 'running')",
            (one.what, one.sha),
        ).fetchone()
    )
