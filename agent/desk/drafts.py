"""Drafts and the editor's decisions, as rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft, DraftKind, DraftState, Json, Sha, Target

_COLUMNS = (
    "id, kind, state, sha, title, origin, path, target_path, target_function, target_lines,"
    " content, evidence, note, created_at"
)


def now() -> str:
    """The current time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def add(
    db: Database,
    *,
    kind: DraftKind,
    state: DraftState,
    commit: Sha,
    title: str,
    origin: str,
    path: str,
    content: str,
    target: Target | None = None,
    evidence: Json | None = None,
) -> int:
    """Put a draft on the desk; one a commit, target and origin.

    A draft that is made again replaces the former one unless the editor has decided on that, or
    has changed it.

    Returns:
        The draft's id.
    """
    spot = target or Target("", "", ())
    with transaction(db):
        db.execute(
            """
            INSERT INTO drafts (kind, state, sha, title, origin, path, target_path,
                                target_function, target_lines, content, evidence, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (kind, sha, target_path, target_function, origin) DO UPDATE SET
                state = excluded.state, title = excluded.title, path = excluded.path,
                target_lines = excluded.target_lines, content = excluded.content,
                evidence = excluded.evidence
            WHERE drafts.state NOT IN ('accepted', 'rejected')
                AND NOT EXISTS (SELECT 1 FROM reviews WHERE draft_id = drafts.id)
            """,
            (
                *(kind, state, commit, title, origin, path, spot.path, spot.function),
                *(json.dumps(spot.lines), content, json.dumps(evidence or {}), now()),
            ),
        )
        (identity,) = db.execute(
            "SELECT id FROM drafts WHERE kind = ? AND sha = ? AND target_path = ?"
            " AND target_function = ? AND origin = ?",
            (kind, commit, spot.path, spot.function, origin),
        ).fetchone()
    return int(identity)


def get(db: Database, identity: int) -> Draft:
    """The draft with that id.

    Raises:
        CopydeskError: There is none.
    """
    row = db.execute(f"SELECT {_COLUMNS} FROM drafts WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise CopydeskError(
            f"there is no draft {identity}",
            slug="no-such-draft",
            hint="`copydesk drafts --all` lists them.",
        )
    return _draft(row)


def listed(
    db: Database,
    states: Sequence[DraftState] = ("ready", "not_run"),
    *,
    kind: DraftKind | None = None,
    commit: Sha | None = None,
) -> list[Draft]:
    """The drafts in these states, oldest first; every state when none is named."""
    where, values = ["1"], list[str]()
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        values += states
    if kind:
        where.append("kind = ?")
        values.append(kind)
    if commit:
        where.append("sha = ?")
        values.append(commit)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM drafts WHERE {' AND '.join(where)} ORDER BY id", values
    )
    return [_draft(row) for row in rows]


def counts(db: Database) -> dict[str, int]:
    """How many drafts there are in each state; every state is there."""
    states = ("ready", "not_run", "discarded", "accepted", "rejected", "superseded")
    found = dict(db.execute("SELECT state, count(*) FROM drafts GROUP BY state").fetchall())
    return {state: int(found.get(state, 0)) for state in states}


def decide(
    db: Database,
    draft: Draft,
    action: str,
    state: DraftState,
    *,
    why: str = "",
    content: str | None = None,
    path: str = "",
    evidence: Json | None = None,
) -> Draft:
    """Record what the editor decided, and the draft as it stands after it."""
    after = dataclasses.replace(
        draft,
        state=state,
        note=why or draft.note,
        content=draft.content if content is None else content,
        evidence=draft.evidence if evidence is None else evidence,
    )
    with transaction(db):
        db.execute(
            "INSERT INTO reviews (draft_id, action, why, before, after, path, decided_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (draft.id, action, why, draft.content, after.content, path, now()),
        )
        db.execute(
            "UPDATE drafts SET state = ?, note = ?, content = ?, evidence = ? WHERE id = ?",
            (after.state, after.note, after.content, json.dumps(after.evidence), draft.id),
        )
        point("drafts.decided")
    return after


def supersede(db: Database, target: Target, keep: Collection[int]) -> int:
    """Retire the waiting test drafts of a function but those with these ids.

    Returns:
        How many were retired.
    """
    with transaction(db):
        return db.execute(
            "UPDATE drafts SET state = 'superseded' WHERE kind = 'test'"
            " AND target_path = ? AND target_function = ? AND state IN ('ready', 'not_run')"
            " AND id NOT IN (SELECT value FROM json_each(?))",
            (target.path, target.function, json.dumps(list(keep))),
        ).rowcount


def as_json(draft: Draft) -> Json:
    """The draft as the command line's --json shows it."""
    target = draft.target
    return {
        "id": draft.id,
        "kind": draft.kind,
        "state": draft.state,
        "commit": draft.commit,
        "title": draft.title,
        "target": None
        if target is None
        else {"path": target.path, "function": target.function, "lines": list(target.lines)},
        "origin": draft.origin,
        "path": draft.path,
        "content": draft.content,
        "evidence": draft.evidence,
        "note": draft.note,
        "created_at": draft.created_at,
    }


def _draft(row: tuple[object, ...]) -> Draft:
    (identity, kind, state, sha, title, origin, path, t_path, t_function, t_lines) = row[:10]
    content, evidence, note, created = row[10:]
    target = Target(str(t_path), str(t_function), tuple(json.loads(str(t_lines))))
    return Draft(
        id=int(str(identity)),
        kind=kind,  # type: ignore[arg-type]  # the column holds only these words
        state=state,  # type: ignore[arg-type]
        commit=str(sha),
        title=str(title),
        origin=str(origin),
        path=str(path),
        content=str(content),
        target=target if target.path else None,
        evidence=json.loads(str(evidence)),
        created_at=str(created),
        note=str(note),
    )
