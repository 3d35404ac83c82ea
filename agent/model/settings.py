"""The settings of the model that are in force, and what the desk remembers of its server."""

from __future__ import annotations

import dataclasses

from copydesk.agent import config
from copydesk.agent.desk.database import Database
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
) -> ModelSettings:
    """What the user set about the model.

    Args:
        settings: The configuration in force.
        db: A desk on which every call is logged; None logs nothing.
        progress: Told what the model does.
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
    return dataclasses.replace(chosen, on_call=db.model_calls.add, breaker=breaker_from_log(db))
