"""The log of requests to the model: the table `model_calls`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Json


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One request as it was sent and what came of it, for `copydesk log --model`.

    `prompt` is the text that left this process, with secrets already hidden; `response` is
    all that came back, even when the call failed. `outcome` is "ok", "cut" or a fault's name.
    """

    purpose: str
    model: str
    digest: str
    prompt: str
    response: str
    options: Json
    prompt_tokens: int
    output_tokens: int
    seconds: float
    outcome: str


class CallOutcome(NamedTuple):
    """How a call ended, and when (Unix time)."""

    outcome: str
    called_at: float


class TrackRecord(NamedTuple):
    """How many calls were answered, and how many of those stand behind a draft that was kept."""

    answered: int
    kept: int


RECENT_CALLS = 50
"""How many of a model's last calls its speed and its record are told by."""

_COUNTED_PROMPTS = 20

_LISTED = (
    *("id", "purpose", "model", "digest", "prompt", "response", "options"),
    *("prompt_tokens", "output_tokens", "seconds", "outcome", "called_at"),
)
_GOOD = (
    "good AS (SELECT DISTINCT one.value AS id FROM drafts,"
    " json_each(drafts.evidence, '$.calls') AS one"
    " WHERE drafts.state NOT IN ('discarded', 'asks', 'not_run'))"
)
_TOTALS = (
    *("model", "prompt", "calls", "answered", "kept"),
    *("prompt_tokens", "output_tokens", "seconds"),
)


class ModelCalls:
    """Requests to the model as rows, the newest with the highest id.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, call: CallRecord) -> None:
        """Log a request and what came of it."""
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
                " prompt_tokens, output_tokens, seconds, outcome, called_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(call.purpose, call.model, call.digest, call.prompt, call.response),
                    *(json.dumps(call.options, default=str), call.prompt_tokens),
                    *(call.output_tokens, call.seconds, call.outcome),
                    datetime.now(UTC).isoformat(timespec="seconds"),
                ),
            )

    def last_id(self) -> int:
        """The id of the newest call; 0 when there is none."""
        row = self._db.execute("SELECT coalesce(max(id), 0) FROM model_calls").fetchone()
        return int(row[0])

    def outcomes(self, limit: int) -> list[CallOutcome]:
        """How the last calls ended, the newest first; at most `limit`."""
        rows = self._db.execute(
            "SELECT outcome, strftime('%s', called_at) FROM model_calls ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [CallOutcome(str(outcome), float(when or 0)) for outcome, when in rows]

    def seconds_since(self, moment: float) -> float:
        """The seconds that calls took which have ended after a Unix time."""
        since = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
        (seconds,) = self._db.execute(
            "SELECT coalesce(sum(seconds), 0) FROM model_calls WHERE called_at >= ?", (since,)
        ).fetchone()
        return float(seconds)

    def speed(self, digest: str) -> float | None:
        """The tokens a second that a model writes, by the server's own clock; None when unknown."""
        tokens, seconds = self._db.execute(
            "SELECT sum(output_tokens), sum(json_extract(options, '$.writing_seconds')) FROM"
            " (SELECT output_tokens, options FROM model_calls WHERE digest = ?"
            "  AND json_extract(options, '$.writing_seconds') > 0 ORDER BY id DESC LIMIT ?)",
            (digest, RECENT_CALLS),
        ).fetchone()
        return float(tokens) / float(seconds) if seconds else None

    def counted_prompts(self, digest: str) -> list[tuple[str, int]]:
        """A model's last prompts that were answered, and the tokens its server counted in each."""
        rows = self._db.execute(
            "SELECT prompt, prompt_tokens FROM model_calls WHERE digest = ? AND prompt_tokens > 0"
            " AND outcome IN ('ok', 'cut') ORDER BY id DESC LIMIT ?",
            (digest, _COUNTED_PROMPTS),
        )
        return [(str(prompt), int(tokens)) for prompt, tokens in rows]

    def track_record(self, digest: str, purpose: str) -> TrackRecord:
        """What came of a model's last answers.

        Args:
            digest: The model's.
            purpose: What it was asked for, as a pattern of LIKE.
        """
        answered, kept = self._db.execute(
            f"WITH {_GOOD} SELECT count(*), coalesce(sum(id IN (SELECT id FROM good)), 0) FROM"
            " (SELECT id FROM model_calls WHERE digest = ? AND purpose LIKE ?"
            "  AND outcome IN ('ok', 'cut') ORDER BY id DESC LIMIT ?)",
            (digest, purpose, RECENT_CALLS),
        ).fetchone()
        return TrackRecord(int(answered), int(kept))

    def latest(self, limit: int) -> list[Json]:
        """The last calls with prompts, answers and the drafts they led to, the newest first.

        Args:
            limit: At most so many.
        """
        rows = self._db.execute(
            f"SELECT {', '.join(_LISTED)} FROM model_calls ORDER BY id DESC LIMIT ?", (limit,)
        ).fetchall()
        drafts = self._drafts_by_call()
        calls = []
        for row in rows:
            call: Json = dict(zip(_LISTED, row, strict=True))
            call["options"] = json.loads(call["options"])
            call["drafts"] = drafts.get(call["id"], [])
            calls.append(call)
        return calls

    def _drafts_by_call(self) -> dict[int, list[int]]:
        """The ids of the drafts whose evidence names a call, by the call's id."""
        drafts: dict[int, list[int]] = {}
        for call, draft in self._db.execute(
            "SELECT one.value, drafts.id FROM drafts, json_each(drafts.evidence, '$.calls') AS one"
            " ORDER BY drafts.id"
        ):
            drafts.setdefault(call, []).append(draft)
        return drafts

    def totals(self) -> list[Json]:
        """What was asked of each model with each version of a prompt, and what came of it.

        `answered` counts the calls that ended in text, `kept` those behind a verified draft.
        A prompt without a version is "".
        """
        rows = self._db.execute(
            f"WITH {_GOOD} SELECT model,"
            " coalesce(json_extract(options, '$.prompt'), '') AS prompt, count(*),"
            " sum(outcome IN ('ok', 'cut')), sum(id IN (SELECT id FROM good)),"
            " coalesce(sum(prompt_tokens), 0), coalesce(sum(output_tokens), 0), sum(seconds)"
            " FROM model_calls GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [dict(zip(_TOTALS, row, strict=True)) for row in rows]

    def tokens_of(self, ids: Iterable[int]) -> int:
        """The tokens that these calls read and wrote, together."""
        (tokens,) = self._db.execute(
            "SELECT coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(output_tokens, 0)), 0)"
            " FROM model_calls WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        ).fetchone()
        return int(tokens)

    def prompt_versions(self) -> dict[int, str]:
        """The version of the prompt of each call, by its id; "" where it had none."""
        rows = self._db.execute("SELECT id, options FROM model_calls")
        return {call: str(json.loads(options).get("prompt", "")) for call, options in rows}

    def prune(self, keep: int) -> None:
        """Delete all but the newest `keep` calls and those that a draft's evidence names."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM model_calls WHERE id NOT IN"
                " (SELECT id FROM model_calls ORDER BY id DESC LIMIT ?) AND id NOT IN"
                " (SELECT one.value FROM drafts, json_each(drafts.evidence, '$.calls') AS one)",
                (keep,),
            )
