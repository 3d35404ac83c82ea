"""The settings of the model that are in force, and what the desk remembers of its server."""

from __future__ import annotations

import dataclasses

from copydesk.agent import config
from copydesk.agent.desk.database import Database
from copydesk.agent.model.background import WayMaker, seconds_left
from copydesk.agent.model.circuit_breaker import CircuitBreaker
from copydesk.agent.model.types import ModelSettings, TokenProgress, silent

_REMEMBERED = 20  # calls; the breaker's longest wait is reached long before


def breaker_from_log(db: Database) -> CircuitBreaker:
    """A circuit breaker that knows how the calls of earlier jobs ended."""
    return CircuitBreaker(db.model_calls.outcomes(_REMEMBERED))


def model_settings(
    settings: config.Config,
    db: Database | None = None,
    *,
    progress: TokenProgress = silent,
    in_background: bool = False,
) -> ModelSettings:
    """What the user set about the model.

    Args:
        settings: The configuration in force.
        db: A desk on which every call is logged; None logs nothing.
        progress: Told what the model does.
        in_background: The daemon asks by itself: within the hour's budget, and when nothing is to
            be measured. Needs a desk.
    """
    chosen = ModelSettings(
        host=settings.personal.model_host or None,
        model=settings.project.model or None,
        prose_model=settings.project.prose_model or None,
        allow_remote=settings.personal.allow_remote,
        on_progress=progress,
    )
    if db is None:
        return chosen
    chosen = dataclasses.replace(
        chosen,
        on_call=db.model_calls.add,
        breaker=breaker_from_log(db),
        counted_prompts=db.model_calls.counted_prompts,
    )
    if not in_background:
        return chosen
    hourly = settings.personal.model_seconds
    return dataclasses.replace(
        chosen,
        seconds_left=lambda: seconds_left(db, hourly),
        make_way=WayMaker(db),
        spares_others=True,
    )
