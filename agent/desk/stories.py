"""Stories of spans of commits, and what the author says about them.

The tables are `stories` and `story_notes`; what the editor reads, edits and approves of a story is
a row of `drafts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.records import Draft, Json, Sha

StoryState = Literal["open", "edited", "approved", "sent"]


class Span(NamedTuple):
    """Commits that follow each other: the one before them ("" for none), the first, the last."""

    since: Sha
    first: Sha
    last: Sha


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A row of `stories`; what is JSON there is parsed."""

    id: int
    draft_id: int
    span: Span
    closed_by: str
    state: StoryState
    story: Json
    facts: list[Json]
    problems: list[Json] = field(default_factory=list)
    accepted_red: list[str] = field(default_factory=list)
    offered: list[Json] = field(default_factory=list)
    updated_at: str = ""


class StoryNote(NamedTuple):
    """The author's words about a span, or a question that the desk asks about it.

    state: "asked", "told" or "skipped".
    """

    id: int
    subject: str
    question: str
    text: str
    state: str


_COLUMNS = (
    "id, draft_id, since, first_commit, last_commit, closed_by, state, story, facts, problems,"
    " accepted_red, offered, updated_at"
)


class Stories:
    """The stories on a desk, as `Database.stories` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add_draft(self, draft: Draft, since: Sha) -> int:
        """Put the text of a new story on the desk.

        Args:
            draft: The draft; its `id` and `created_at` are given by the desk.
            since: The commit before the span.

        Returns:
            The draft's id.
        """
        # a story has no function; the column keeps apart two spans that end in one commit
        with transaction(self._db):
            number = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM stories").fetchone()[0]
            (identity,) = self._db.execute(
                "INSERT INTO drafts (kind, state, sha, title, origin, path, target_function,"
                " content, evidence, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " RETURNING id",
                (
                    *(draft.kind, draft.state, draft.commit, draft.title, draft.origin, draft.path),
                    f"story {number} since {since}",
                    *(draft.content, json.dumps(draft.evidence), timestamp()),
                ),
            ).fetchone()
        return int(identity)

    def renew_draft(self, draft: Draft) -> bool:
        """Write the text of a story anew, unless the editor has decided on it or changed it.

        Returns:
            Whether it was written.
        """
        with transaction(self._db):
            changed = self._db.execute(
                "UPDATE drafts SET sha = ?, title = ?, origin = ?, path = ?, content = ?,"
                " evidence = ? WHERE id = ? AND state = 'ready'"
                " AND NOT EXISTS (SELECT 1 FROM reviews WHERE draft_id = drafts.id)",
                (
                    *(draft.commit, draft.title, draft.origin, draft.path, draft.content),
                    *(json.dumps(draft.evidence), draft.id),
                ),
            ).rowcount
        return changed > 0

    def save(self, row: StoryRow) -> int:
        """Keep a story in place of what was kept for its draft before.

        Args:
            row: The story; its `id` and `updated_at` are given by the desk.

        Returns:
            The story's id.
        """
        values = (
            *(row.draft_id, *row.span, row.closed_by, row.state),
            *map(json.dumps, (row.story, row.facts, row.problems, row.accepted_red, row.offered)),
            timestamp(),
        )
        with transaction(self._db):
            (identity,) = self._db.execute(
                f"INSERT INTO stories ({_COLUMNS.removeprefix('id, ')})"
                f" VALUES ({', '.join('?' * len(values))})"
                " ON CONFLICT (draft_id) DO UPDATE SET since = excluded.since,"
                " first_commit = excluded.first_commit, last_commit = excluded.last_commit,"
                " closed_by = excluded.closed_by, state = excluded.state, story = excluded.story,"
                " facts = excluded.facts, problems = excluded.problems,"
                " accepted_red = excluded.accepted_red, offered = excluded.offered,"
                " updated_at = excluded.updated_at RETURNING id",
                values,
            ).fetchone()
        return int(identity)

    def of_draft(self, draft_id: int) -> StoryRow | None:
        """The story of a draft, None where the draft is none of a span."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM stories WHERE draft_id = ?", (draft_id,)
        ).fetchone()
        return None if row is None else _row(row)

    def growing(self) -> StoryRow | None:
        """The story that commits are still added to, if any: it waits and was not closed."""
        row = self._db.execute(
            f"SELECT {_prefixed('s')} FROM stories AS s JOIN drafts AS d ON d.id = s.draft_id"
            " WHERE s.closed_by = '' AND d.state = 'ready' ORDER BY s.id DESC LIMIT 1"
        ).fetchone()
        return None if row is None else _row(row)

    def told_up_to(self) -> list[Sha]:
        """The last commits of the stories that are closed or approved, the newest first.

        A story that the editor rejected tells nothing: its commits belong to the next.
        """
        rows = self._db.execute(
            "SELECT s.last_commit FROM stories AS s JOIN drafts AS d ON d.id = s.draft_id"
            " WHERE d.state = 'accepted' OR (d.state = 'ready' AND s.closed_by <> '')"
            " ORDER BY s.id DESC"
        )
        return [str(sha) for (sha,) in rows]

    def edited_and_approved(self) -> list[StoryRow]:
        """The stories that the editor approved after an edit of the text, the oldest first."""
        rows = self._db.execute(
            f"SELECT {_prefixed('s')} FROM stories AS s JOIN drafts AS d ON d.id = s.draft_id"
            " WHERE d.state = 'accepted' AND EXISTS (SELECT 1 FROM reviews AS r"
            " WHERE r.draft_id = d.id AND r.action = 'edit') ORDER BY s.id"
        )
        return [_row(row) for row in rows]

    def start(self) -> Sha | None:
        """The commit after which the first story begins ("" for the beginning of the history);
        None where that was not settled.
        """
        row = self._db.execute("SELECT since FROM story_start").fetchone()
        return None if row is None else str(row[0])

    def settle_start(self, since: Sha) -> None:
        """Keep where the first story begins, unless that is kept already."""
        with transaction(self._db):
            self._db.execute("INSERT OR IGNORE INTO story_start VALUES (1, ?)", (since,))

    def waiting_of_span(self, span: Span) -> list[int]:
        """The drafts of the stories of just these commits that wait for the editor."""
        rows = self._db.execute(
            "SELECT s.draft_id FROM stories AS s JOIN drafts AS d ON d.id = s.draft_id"
            " WHERE s.since = ? AND s.first_commit = ? AND s.last_commit = ? AND d.state = 'ready'"
            " ORDER BY s.id",
            span,
        )
        return [int(draft_id) for (draft_id,) in rows]

    def set_evidence(self, draft_id: int, evidence: Json) -> None:
        """Show other evidence beside the text of a story that waits."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE drafts SET evidence = ? WHERE id = ? AND state = 'ready'",
                (json.dumps(evidence), draft_id),
            )

    def close(self, draft_id: int, why: str) -> None:
        """Add no more commits to a story; its notes stay with it.

        Args:
            draft_id: Its draft.
            why: What closes it, such as "tag v1.0".
        """
        with transaction(self._db):
            self._db.execute(
                "UPDATE stories SET closed_by = ? WHERE draft_id = ? AND closed_by = ''",
                (why, draft_id),
            )
            self._db.execute(
                "UPDATE story_notes SET story_id = (SELECT id FROM stories WHERE draft_id = ?)"
                " WHERE story_id IS NULL",
                (draft_id,),
            )

    def supersede_single_entries(self, commits: Sequence[Sha]) -> int:
        """Retire the waiting dev log entries of single commits that a story tells now.

        Those that the editor edited stay.

        Returns:
            How many were retired.
        """
        with transaction(self._db):
            return self._db.execute(
                "UPDATE drafts SET state = 'superseded' WHERE kind = 'devlog' AND state = 'ready'"
                " AND sha IN (SELECT value FROM json_each(?))"
                " AND NOT EXISTS (SELECT 1 FROM stories WHERE draft_id = drafts.id)"
                " AND NOT EXISTS (SELECT 1 FROM reviews WHERE draft_id = drafts.id)",
                (json.dumps(list(commits)),),
            ).rowcount

    def add_note(self, text: str, *, subject: str = "", question: str = "") -> int:
        """Keep the author's words, or a question where there are none yet.

        Returns:
            The note's id.
        """
        state = "told" if text else "asked"
        with transaction(self._db):
            (identity,) = self._db.execute(
                "INSERT INTO story_notes (subject, question, text, state, written_at)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (subject, question, text, state, timestamp()),
            ).fetchone()
        return int(identity)

    def answer(self, note_id: int, text: str) -> None:
        """Answer a question; no text skips it."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE story_notes SET text = ?, state = ?, written_at = ? WHERE id = ?",
                (text, "told" if text else "skipped", timestamp(), note_id),
            )

    def note(self, note_id: int) -> StoryNote | None:
        """A note or a question by its number."""
        row = self._db.execute(
            "SELECT id, subject, question, text, state FROM story_notes WHERE id = ?", (note_id,)
        ).fetchone()
        return None if row is None else StoryNote(int(row[0]), *map(str, row[1:]))

    def withdraw(self, note_ids: Iterable[int]) -> None:
        """Take back questions that nobody has answered or skipped."""
        with transaction(self._db):
            for note_id in note_ids:
                self._db.execute(
                    "DELETE FROM story_notes WHERE id = ? AND state = 'asked'", (note_id,)
                )

    def notes(self, story_id: int | None = None) -> list[StoryNote]:
        """The notes and questions of a story, oldest first.

        Args:
            story_id: The story; those of the one that grows when left out.
        """
        rows = self._db.execute(
            "SELECT id, subject, question, text, state FROM story_notes WHERE story_id IS ?"
            " ORDER BY id",
            (story_id,),
        )
        return [StoryNote(int(row[0]), *map(str, row[1:])) for row in rows]


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in _COLUMNS.split(", "))


def _row(values: Sequence[Any]) -> StoryRow:
    identity, draft_id, since, first, last, closed_by, state, *texts, updated_at = values
    span = Span(str(since), str(first), str(last))
    story, facts, problems, accepted_red, offered = (json.loads(text) for text in texts)
    return StoryRow(
        id=int(identity),
        draft_id=int(draft_id),
        span=span,
        closed_by=str(closed_by),
        state=state,
        story=story,
        facts=facts,
        problems=problems,
        accepted_red=accepted_red,
        offered=offered,
        updated_at=str(updated_at),
    )
