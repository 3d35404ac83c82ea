"""Drafts, what they rest on, and the editor's decisions on them.

The tables are `drafts` and `reviews`, and `climbs` and `climb_runs` (test
drafts that are being verified, and the finished runs of each).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, point, timestamp, transaction
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import (
    Candidate,
    Draft,
    DraftKind,
    DraftState,
    Gap,
    Json,
    Sha,
    Target,
)
from copydesk.agent.text import text_hash

WAITING: tuple[DraftState, ...] = ("ready", "asks", "not_run")
"""The states of a draft that waits for the editor."""

_STATES = (*WAITING, "discarded", "accepted", "rejected", "superseded")
_NO_TARGET = Target("", "", ())
_COLUMNS = (
    "id, kind, state, sha, title, origin, path, target_path, target_function, target_lines,"
    " content, evidence, note, created_at"
)


class Decision(NamedTuple):
    """What the editor did with a draft, and the state that it is in after that.

    `why` is the editor's reason, `path` the file that was written.
    """

    action: str
    state: DraftState
    why: str = ""
    path: str = ""


class Decided(NamedTuple):
    """A decision that stands: what was done, and the draft's text and evidence from before it.

    `evidence` is None where that was not kept.
    """

    action: str
    content: str
    evidence: Json | None


class Drafts:
    """The drafts on a desk, as `Database.drafts` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, draft: Draft) -> int:
        """Put a draft on the desk; one a commit, target and origin.

        A draft that is made again replaces the former one unless the editor has decided on that,
        or has changed it.

        Args:
            draft: The draft; its `id` and `created_at` are given by the desk.

        Returns:
            The draft's id.
        """
        target = draft.target or _NO_TARGET
        with transaction(self._db):
            self._db.execute(
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
                    *(draft.kind, draft.state, draft.commit, draft.title, draft.origin),
                    *(draft.path, target.path, target.function, json.dumps(target.lines)),
                    *(draft.content, json.dumps(draft.evidence), timestamp()),
                ),
            )
            (identity,) = self._db.execute(
                "SELECT id FROM drafts WHERE kind = ? AND sha = ? AND target_path = ?"
                " AND target_function = ? AND origin = ?",
                (draft.kind, draft.commit, target.path, target.function, draft.origin),
            ).fetchone()
        return int(identity)

    def get(self, identity: int) -> Draft:
        """The draft with that id.

        Raises:
            CopydeskError: There is none.
        """
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM drafts WHERE id = ?", (identity,)
        ).fetchone()
        if row is None:
            raise CopydeskError(
                f"there is no draft {identity}",
                slug="no-such-draft",
                hint="`copydesk drafts --all` lists them.",
            )
        return _draft(row)

    def find(
        self,
        states: Sequence[DraftState] = WAITING,
        *,
        kind: DraftKind | None = None,
        commit: Sha | None = None,
    ) -> list[Draft]:
        """The drafts in these states, oldest first.

        Args:
            states: Every state when none is named.
            kind: Only tests, or only dev log entries.
            commit: Only those of this commit.
        """
        conditions = ["1"]
        values: list[str] = []
        if states:
            conditions.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        if kind:
            conditions.append("kind = ?")
            values.append(kind)
        if commit:
            conditions.append("sha = ?")
            values.append(commit)
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM drafts WHERE {' AND '.join(conditions)} ORDER BY id", values
        )
        return [_draft(row) for row in rows]

    def yes_to(self, text: str) -> Json:
        """The editor's last yes to a draft of exactly this text, at whatever commit.

        Returns:
            Who gave it, when, for which names, as it is kept in a draft's evidence, and the
            draft's id as "draft"; empty where there is none that stands.
        """
        row = self._db.execute(
            "SELECT id, json_extract(evidence, '$.yes') FROM drafts"
            " WHERE json_extract(evidence, '$.yes.sha256') = ? AND state != 'rejected'"
            " ORDER BY id DESC LIMIT 1",
            (text_hash(text),),
        ).fetchone()
        return {"draft": row[0], **json.loads(row[1])} if row else {}

    def waiting_commits(self) -> set[Sha]:
        """The commits whose drafts wait for the editor."""
        rows = self._db.execute(
            "SELECT DISTINCT sha FROM drafts WHERE state IN ('ready', 'asks', 'not_run')"
        )
        return {str(sha) for (sha,) in rows}

    def count_by_state(self) -> dict[str, int]:
        """How many drafts there are in each state; every state is there."""
        rows = self._db.execute("SELECT state, count(*) FROM drafts GROUP BY state")
        counts = dict(rows.fetchall())
        return {state: int(counts.get(state, 0)) for state in _STATES}

    def decide(
        self,
        draft: Draft,
        decision: Decision,
        *,
        content: str | None = None,
        evidence: Json | None = None,
    ) -> Draft:
        """Record what the editor decided.

        Args:
            draft: The draft as it was.
            decision: What was done with it.
            content: Its new text, where the editor changed it.
            evidence: Its new evidence, where that changed.

        Returns:
            The draft as it stands after the decision.
        """
        after = dataclasses.replace(
            draft,
            state=decision.state,
            note=decision.why or draft.note,
            content=draft.content if content is None else content,
            evidence=draft.evidence if evidence is None else evidence,
        )
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO reviews (draft_id, action, why, before, after, path, decided_at,"
                " evidence_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(draft.id, decision.action, decision.why, draft.content, after.content),
                    *(decision.path, timestamp(), json.dumps(draft.evidence)),
                ),
            )
            self._db.execute(
                "UPDATE drafts SET state = ?, note = ?, content = ?, evidence = ? WHERE id = ?",
                (after.state, after.note, after.content, json.dumps(after.evidence), draft.id),
            )
            point("drafts.decided")
        return after

    def decisions(self, limit: int) -> list[Json]:
        """The last decisions on drafts, the newest first, at most so many."""
        rows = self._db.execute(
            "SELECT r.id, r.draft_id, d.kind, d.title, r.action, r.why, r.path, r.decided_at"
            " FROM reviews AS r JOIN drafts AS d ON d.id = r.draft_id ORDER BY r.id DESC LIMIT ?",
            (limit,),
        )
        names = ("id", "draft", "kind", "title", "action", "why", "path", "decided_at")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def last_standing(self, identity: int) -> Decided | None:
        """The last decision on a draft that was not taken back, or None."""
        rows = self._db.execute(
            "SELECT action, before, evidence_before FROM reviews WHERE draft_id = ? ORDER BY id",
            (identity,),
        )
        standing: list[Decided] = []
        for action, before, evidence in rows:
            if action != "undo":
                kept = json.loads(evidence) if evidence else None
                standing.append(Decided(str(action), str(before), kept))
            elif standing:
                standing.pop()
        return standing[-1] if standing else None

    def last_decisions(self) -> dict[int, int]:
        """The number of the last decision on each draft, by the draft's id; later ones are
        higher.
        """
        rows = self._db.execute("SELECT draft_id, max(id) FROM reviews GROUP BY draft_id")
        return {int(draft): int(number) for draft, number in rows}

    def supersede_tests(self, target: Target, keep: Collection[int]) -> int:
        """Retire the waiting test drafts of a function but those with these ids.

        Returns:
            How many were retired.
        """
        with transaction(self._db):
            return self._db.execute(
                "UPDATE drafts SET state = 'superseded' WHERE kind = 'test'"
                " AND target_path = ? AND target_function = ?"
                " AND state IN ('ready', 'asks', 'not_run')"
                " AND id NOT IN (SELECT value FROM json_each(?))",
                (target.path, target.function, json.dumps(list(keep))),
            ).rowcount


def draft_as_json(draft: Draft) -> Json:
    """The draft as the command line's --json shows it."""
    return {
        "id": draft.id,
        "kind": draft.kind,
        "state": draft.state,
        "commit": draft.commit,
        "title": draft.title,
        "target": _target_as_json(draft.target),
        "origin": draft.origin,
        "path": draft.path,
        "content": draft.content,
        "evidence": draft.evidence,
        "note": draft.note,
        "created_at": draft.created_at,
    }


def _target_as_json(target: Target | None) -> Json | None:
    if target is None:
        return None
    return {"path": target.path, "function": target.function, "lines": list(target.lines)}


def _draft(row: tuple[object, ...]) -> Draft:
    """A draft of a row with the columns of _COLUMNS."""
    identity, kind, state, sha, title, origin, path, *target_columns = row[:10]
    content, evidence, note, created = row[10:]
    target_path, function, lines = map(str, target_columns)
    return Draft(
        id=int(str(identity)),
        kind=kind,  # type: ignore[arg-type]  # the column holds only these words
        state=state,  # type: ignore[arg-type]
        commit=str(sha),
        title=str(title),
        origin=str(origin),
        path=str(path),
        content=str(content),
        target=Target(target_path, function, tuple(json.loads(lines))) if target_path else None,
        evidence=json.loads(str(evidence)),
        created_at=str(created),
        note=str(note),
    )


@dataclass(frozen=True, slots=True)
class Verification:
    """A draft that is being verified. `calls` are the numbers of the model's calls behind it."""

    id: int
    candidate: Candidate
    calls: tuple[int, ...]


class Verifications:
    """The verifications of a desk, as `Database.verifications` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def begin(self, candidate: Candidate, calls: Sequence[int] = ()) -> Verification:
        """Keep a candidate, in the place of the former one of its commit, function and writer.

        Args:
            candidate: The draft as written.
            calls: The numbers of the model's calls behind it.
        """
        key = _key(candidate.gap, candidate.origin)
        fields = {
            "content": candidate.content,
            "tests": candidate.tests,
            "recorded": candidate.recorded,
            "notes": candidate.notes,
            "calls": list(calls),
        }
        with transaction(self._db):
            self._forget(key)
            (identity,) = self._db.execute(
                "INSERT INTO climbs (sha, path, function, origin, candidate, begun_at)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (*key, json.dumps(fields), timestamp()),
            ).fetchone()
        return Verification(int(identity), candidate, tuple(calls))

    def unfinished(self, gap: Gap, origin: str) -> Verification | None:
        """The verification of a writer's draft for a gap that was cut short, if any."""
        row = self._db.execute(
            "SELECT id, candidate FROM climbs"
            " WHERE sha = ? AND path = ? AND function = ? AND origin = ?",
            _key(gap, origin),
        ).fetchone()
        if row is None:
            return None
        fields = json.loads(row[1])
        lists = {name: tuple(fields[name]) for name in ("tests", "recorded", "notes")}
        candidate = Candidate(gap, origin, fields["content"], **lists)
        return Verification(int(row[0]), candidate, tuple(fields["calls"]))

    def end(self, gap: Gap, origin: str) -> None:
        """Forget the verification of a draft that is on the desk now."""
        with transaction(self._db):
            self._forget(_key(gap, origin))

    def end_all(self, sha: Sha) -> None:
        """Forget a commit's verifications: its gaps are done, or wanted no longer."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE sha = ?)",
                (sha,),
            )
            self._db.execute("DELETE FROM climbs WHERE sha = ?", (sha,))

    def _forget(self, key: tuple[str, str, str, str]) -> None:
        where = "sha = ? AND path = ? AND function = ? AND origin = ?"
        self._db.execute(
            f"DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE {where})", key
        )
        self._db.execute(f"DELETE FROM climbs WHERE {where}", key)

    def outcome(self, verification: int, request: str) -> bytes | None:
        """What came of a run before, as `add_run` was given it; None when it has not ended.

        Args:
            verification: The verification's id.
            request: SHA-256 of what was run.
        """
        row = self._db.execute(
            "SELECT outcome FROM climb_runs WHERE climb = ? AND request = ?",
            (verification, request),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def count_runs(self, verification: int) -> int:
        """How many runs of a verification have ended."""
        row = self._db.execute(
            "SELECT count(*) FROM climb_runs WHERE climb = ?", (verification,)
        ).fetchone()
        return int(row[0])

    def add_run(self, verification: int, request: str, outcome: bytes) -> None:
        """Keep what came of a run; see `outcome`."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO climb_runs (climb, request, outcome) VALUES (?, ?, ?)",
                (verification, request, outcome),
            )


def _key(gap: Gap, origin: str) -> tuple[str, str, str, str]:
    return gap.commit, gap.path, gap.function, origin
