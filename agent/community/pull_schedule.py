"""When the daemon pulls by itself: never, unless the user set how often; loads nothing large."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database

PULL_PRIORITY = -10
"""Below a measure's 0: what was just committed is measured first."""

_HOUR = 3600.0
_ASKED_AT, _PROBLEM = "pull_asked_at", "pull_problem"


class PullState(NamedTuple):
    """When a scheduled pull was last tried (Unix time, None for never), and what went wrong."""

    asked_at: float | None
    problem: str


def pull_state(db: Database) -> PullState:
    """What came of the last scheduled pull."""
    stored = db.feedback.setting(_ASKED_AT)
    return PullState(float(stored) if stored else None, db.feedback.setting(_PROBLEM))


def ask_for_pull(db: Database, hours: float, now: float) -> bool:
    """Ask for a pull if one is due. It counts as tried from here on, however it ends.

    So a token that is refused, a crash and a server that is away are met once an interval.

    Args:
        db: The open desk.
        hours: The interval that the user set; 0 for never.
        now: Unix time.

    Returns:
        Whether one was due.
    """
    if not hours:
        return False
    last = pull_state(db).asked_at
    # a time to come was written while the clock was wrong
    if last is not None and last <= now < last + hours * _HOUR:
        return False
    with transaction(db):
        db.feedback.set_setting(_ASKED_AT, repr(now))
        db.jobs.enqueue("pull", "pull", priority=PULL_PRIORITY, again=True)
    return True


def set_pull_problem(db: Database, problem: str) -> None:
    """Write down why the last scheduled pull did not read everything; "" if it did."""
    db.feedback.set_setting(_PROBLEM, problem)


def next_pull(state: PullState, hours: float) -> float | None:
    """The Unix time from which the next pull is due; None for at once."""
    return None if state.asked_at is None else state.asked_at + hours * _HOUR
