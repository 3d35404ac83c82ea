"""What has happened: the editor's decisions."""

from __future__ import annotations

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
