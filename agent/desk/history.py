"""What has happened: the editor's decisions and the calls to the model."""

from __future__ import annotations

import json
import sqlite3

from copydesk.agent.records import Json


def reviews(db: sqlite3.Connection, limit: int) -> list[Json]:
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


def model_calls(db: sqlite3.Connection, limit: int) -> list[Json]:
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
    return [call | {"options": json.loads(call["options"])} for call in found]
