"""Decisions that are on their way: those that wait to be carried out, and files being written.

The tables are `queued_decisions` and `pending_writes`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.records import DraftState, Json

QueuedAction = Literal["accept", "undo"]


DECIDED: tuple[DraftState, ...] = ("accepted", "rejected")
"""The states of a draft that was decided on."""

_FIRST_BATCH = "SELECT min(batch) FROM queued_decisions WHERE error = ''"


class QueuedDecision(NamedTuple):
    """A decision that waits to be carried out; with an `error`, one that could not be.

    `batch` is the same for those that were made together.
    """

    draft_id: int
    action: QueuedAction
    batch: int
    error: str = ""
    hint: str = ""


class PendingWrite(NamedTuple):
    """A draft whose decision writes a file: the file's text before and after (None: no file), the
    decision as it is kept once the file is written, and the draft's state and the SHA-256 of its
    text as they were.
    """

    draft_id: int
    path: str
    before: str | None
    after: str | None
    action: str
    state: DraftState
    written_path: str
    evidence: Json
    state_before: DraftState
    text_before: str


class DecisionQueue:
    """The decisions that are on their way, as `Database.decision_queue` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, action: QueuedAction, drafts: Sequence[int]) -> list[int]:
        """Queue a decision on drafts, as one batch; what was asked for last holds.

        The opposite decision is taken out of the queue where nobody has begun with it; one that
        failed before is tried again.

        Returns:
            The drafts that it was queued for: those that are not, or will not be, as it makes
            them.
        """
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM queued_decisions WHERE (error != '' OR (action != ? AND NOT began))"
                " AND draft_id IN (SELECT value FROM json_each(?))",
                (action, json.dumps(list(drafts))),
            )
            (batch,) = self._db.execute(
                "SELECT coalesce(max(batch), 0) + 1 FROM queued_decisions"
            ).fetchone()
            return [draft for draft in drafts if self._insert(action, draft, batch)]

    def _insert(self, action: QueuedAction, draft: int, batch: int) -> bool:
        """Queue a decision unless it would change nothing; whether it was."""
        states = WAITING if action == "accept" else DECIDED
        inserted = self._db.execute(
            "INSERT OR IGNORE INTO queued_decisions (draft_id, action, batch, asked_at)"
            " SELECT id, ?, ?, ? FROM drafts WHERE id = ? AND"
            " (state IN (SELECT value FROM json_each(?)) OR EXISTS"
            " (SELECT 1 FROM queued_decisions WHERE draft_id = drafts.id AND action != ?))",
            (action, batch, timestamp(), draft, json.dumps(states), action),
        )
        return inserted.rowcount > 0

    def begin_next_batch(self) -> list[QueuedDecision]:
        """The decisions to carry out next; empty where none waits.

        Only for whoever carries decisions out alone: what somebody else had begun with was
        interrupted, and waits again.
        """
        with transaction(self._db):
            self._db.execute("UPDATE queued_decisions SET began = 0 WHERE began")
            batch = self._find(f"error = '' AND batch = ({_FIRST_BATCH})")
            self._db.execute(
                "UPDATE queued_decisions SET began = 1"
                f" WHERE error = '' AND batch = ({_FIRST_BATCH})"
            )
        return batch

    def all(self) -> list[QueuedDecision]:
        """Every decision that waits or could not be carried out, in order."""
        return self._find("1")

    def count_waiting(self) -> int:
        """How many decisions wait to be carried out."""
        query = "SELECT count(*) FROM queued_decisions WHERE error = ''"
        return int(self._db.execute(query).fetchone()[0])

    def withdraw(self, action: QueuedAction, drafts: Collection[int]) -> list[int]:
        """Take decisions out of the queue.

        Returns:
            The drafts for which it was there.
        """
        with transaction(self._db):
            rows = self._db.execute(
                "DELETE FROM queued_decisions WHERE action = ?"
                " AND draft_id IN (SELECT value FROM json_each(?)) RETURNING draft_id",
                (action, json.dumps(list(drafts))),
            )
            return [int(draft) for (draft,) in rows.fetchall()]

    def fail(self, action: QueuedAction, draft: int, error: str, hint: str) -> None:
        """Keep why a decision could not be carried out."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE queued_decisions SET error = ?, hint = ? WHERE draft_id = ? AND action = ?",
                (error, hint, draft, action),
            )

    def _find(self, condition: str) -> list[QueuedDecision]:
        rows = self._db.execute(
            "SELECT draft_id, action, batch, error, hint FROM queued_decisions"
            f" WHERE {condition} ORDER BY batch, id"
        )
        return [QueuedDecision(*row) for row in rows]

    def begin_write(self, writes: Sequence[PendingWrite]) -> None:
        """Keep what is about to be written."""
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO pending_writes (draft_id, path, before, after, decision)"
                " VALUES (?, ?, ?, ?, ?)",
                [(*write[:4], json.dumps(write[4:])) for write in writes],
            )

    def pending_writes(self) -> list[PendingWrite]:
        """What was about to be written when somebody was stopped, or is being written now."""
        rows = self._db.execute(
            "SELECT draft_id, path, before, after, decision FROM pending_writes ORDER BY rowid"
        )
        return [PendingWrite(*row[:4], *json.loads(row[4])) for row in rows]

    def end_write(self, drafts: Collection[int]) -> None:
        """Forget what was about to be written: it is, or it will not be."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM pending_writes WHERE draft_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(drafts)),),
            )
