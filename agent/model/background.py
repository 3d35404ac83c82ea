"""How the daemon asks a model by itself: after everything else, within a budget, and only what the
model has shown itself good for on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from copydesk.agent.desk.database import Database
from copydesk.agent.model.deferred_work import WorkKind
from copydesk.agent.model.faults import ModelUnavailable

HOUR: Final = 3600.0
LEAST_SECONDS: Final = 15.0
"""With less than that left of the hour's budget no request is begun."""

SLOW: Final = 5.0
"""Tokens a second; a model that writes fewer is asked for short answers only."""

SHORT_ANSWER: Final = 64
"""The most tokens of a short answer."""

FAIR_TRIAL: Final = 12
"""Answers after which a model of which nothing was kept is not asked for the same again."""

PATIENCE_SECONDS: Final = 300.0
"""How long a worker that asks a model waits for measures before it gives its place up."""

_PURPOSES: Final[dict[WorkKind, str]] = {"draft": "test%", "story": "devlog%"}
_LOOK_SECONDS = 0.5


def seconds_used(db: Database, *, now: float | None = None) -> float:
    """Seconds that models have taken within the last hour, calls by hand included."""
    return db.model_calls.seconds_since((time.time() if now is None else now) - HOUR)


def budget_spent(db: Database, hourly: float) -> str:
    """Why the daemon may not ask a model now, in words; "" when it may.

    Args:
        db: The desk.
        hourly: The seconds an hour that the user allows.
    """
    if not hourly:
        return "copydesk asks no model by itself (copydesk.modelSeconds is 0)"
    used = seconds_used(db)
    if hourly - used >= min(LEAST_SECONDS, hourly / 2):
        return ""
    return (
        f"{used:,.0f} of {hourly:,.0f} seconds of a model's work in this hour are used"
        " (copydesk.modelSeconds)"
    )


def seconds_left(db: Database, hourly: float) -> float:
    """How long the next request may take.

    Raises:
        ModelUnavailable: No request may be begun now.
    """
    if why := budget_spent(db, hourly):
        raise ModelUnavailable(why, slug="model-budget", hint="It goes on within the hour.")
    return hourly - seconds_used(db)


class WayMaker:
    """Lets a job that asks a model wait while there is something to measure.

    Args:
        db: The desk.
        patience: How long it waits in all, in seconds.
        sleep: Waits; takes seconds.
    """

    def __init__(
        self,
        db: Database,
        patience: float = PATIENCE_SECONDS,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._db = db
        self._left = patience
        self._sleep = sleep

    def __call__(self) -> bool:
        """Wait until nothing goes ahead; False when patience ends before."""
        while self._db.jobs.is_busy():
            if self._left <= 0:
                return False
            self._sleep(_LOOK_SECONDS)
            self._left -= _LOOK_SECONDS
        return True


def why_not_asked(db: Database, model: str, digest: str, kind: WorkKind) -> str:
    """Why this model is not asked for this work on this machine, in words; "" when it is.

    Args:
        db: The desk, which has logged what came of earlier calls.
        model: The model's name.
        digest: Its digest; another download of the same name begins anew.
        kind: What it would be asked for.
    """
    speed = db.model_calls.speed(digest)
    if speed is not None and speed < SLOW:
        return (
            f"{model} writes {speed:.1f} tokens a second here; under {SLOW:g} it is only asked for"
            " short answers"
        )
    record = db.model_calls.track_record(digest, _PURPOSES[kind])
    if record.answered >= FAIR_TRIAL and not record.kept:
        return (
            f"nothing was kept of the last {record.answered} answers of {model} to that;"
            f" `copydesk {kind}` asks it all the same"
        )
    return ""
