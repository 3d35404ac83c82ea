"""The model as the desk knows it: the settings in force, the log of its calls, its breaker."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

from copydesk.agent import config
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
from copydesk.agent.model.circuit_breaker import Breaker
from copydesk.agent.model.types import CallRecord, ModelSettings, TokenProgress, silent

_REMEMBERED = 20  # calls; the breaker's longest wait is reached long before


def log_call(db: Database, call: CallRecord) -> None:
    """Keep a request to the model, and what came of it."""
    with transaction(db):
        db.execute(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
            " prompt_tokens, output_tokens, seconds, outcome, called_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(call.purpose, call.model, call.digest, call.prompt, call.response),
                *(json.dumps(call.options, default=str), call.prompt_tokens, call.output_tokens),
                *(call.seconds, call.outcome, datetime.now(UTC).isoformat(timespec="seconds")),
            ),
        )


def breaker(db: Database) -> Breaker:
    """A breaker that knows what earlier jobs met, out of the log."""
    rows = db.execute(
        "SELECT outcome, strftime('%s', called_at) FROM model_calls ORDER BY id DESC LIMIT ?",
        (_REMEMBERED,),
    )
    return Breaker((str(outcome), float(when or 0)) for outcome, when in rows)


def model_settings(
    settings: config.Config,
    db: Database | None = None,
    *,
    progress: TokenProgress = silent,
) -> ModelSettings:
    """What the user set about the model; with a desk, every call is logged there."""
    quiet = ModelSettings(
        host=settings.personal.model_host or None,
        model=settings.project.model or None,
        prose_model=settings.project.prose_model or None,
        allow_remote=settings.personal.allow_remote,
        on_progress=progress,
    )
    if db is None:
        return quiet
    return dataclasses.replace(quiet, on_call=lambda c: log_call(db, c), breaker=breaker(db))


def last_call(db: Database) -> int:
    """The number of the newest call in the log; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM model_calls").fetchone()[0])
