"""What has happened: the editor's decisions and the calls to the model."""

from __future__ import annotations

import json

from copydesk.agent.desk.database import Database
from copydesk.agent.records import Json


def reviews(db: Database, limit: int) -> list[Json]:
    """The last decisions on drafts, the newest first.

    Args:
        db: The desk.
        limit: At most so many.
    """
    rows = db.execute(
        "SELECT r.id, r.draft_id, d.kind, d.title, r.action, r.why, r.path, r.decided_at"
        " FROM reviews AS r JOIN drafts AS d ON d.id = r.draft_id ORDER BY r.id DESC LIMIT ?",
        (limit,),
    )
    names = ("id", "draft", "kind", "title", "action", "why", "path", "decided_at")
    return [dict(zip(names, row, strict=True)) for row in rows]


def model_calls(db: Database, limit: int) -> list[Json]:
    """The last calls to the model, the newest first, with prompts and answers.

    Args:
        db: The desk.
        limit: At most so many.
    """
    names = (
        *("id", "purpose", "model", "digest", "prompt", "response", "options"),
        *("prompt_tokens", "output_tokens", "seconds", "outcome", "called_at"),
    )
    rows = db.execute(
        f"SELECT {', '.join(names)} FROM model_calls ORDER BY id DESC LIMIT ?", (limit,)
    )
    found = [dict(zip(names, row, strict=True)) for row in rows]
    behind: dict[int, list[int]] = {}
    for call, draft in db.execute(
        "SELECT one.value, drafts.id FROM drafts, json_each(drafts.evidence, '$.calls') AS one"
        " ORDER BY drafts.id"
    ):
        behind.setdefault(call, []).append(draft)
    return [
        call | {"options": json.loads(call["options"]), "drafts": behind.get(call["id"], [])}
        for call in found
    ]


def model_totals(db: Database) -> list[Json]:
    """What was asked of each model with each version of a prompt, and what came of it.

    `answered` are the calls that ended in text; `kept` the drafts behind which they stand that
    were verified. A prompt without a version is "".

    Args:
        db: The desk.
    """
    names = ("model", "prompt", "calls", "answered", "kept", "prompt_tokens", "output_tokens")
    rows = db.execute(
        "WITH good AS (SELECT DISTINCT one.value AS id FROM drafts,"
        " json_each(drafts.evidence, '$.calls') AS one"
        " WHERE drafts.state NOT IN ('discarded', 'not_run'))"
        " SELECT model, coalesce(json_extract(options, '$.prompt'), '') AS prompt, count(*),"
        " sum(outcome IN ('ok', 'cut')), sum(id IN (SELECT id FROM good)),"
        " coalesce(sum(prompt_tokens), 0), coalesce(sum(output_tokens), 0), sum(seconds)"
        " FROM model_calls GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [dict(zip((*names, "seconds"), row, strict=True)) for row in rows]
