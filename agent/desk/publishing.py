"""What left the desk: the parts of stories that were sent, and the files that were exported.

The tables are `sent_parts` and `exported_files`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.records import Json


class PlannedPart(NamedTuple):
    """A part of a thread that is to be sent: what it is, its JSON, and the bytes of its picture."""

    kind: str
    payload: Json
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class SentPart:
    """A row of `sent_parts`; see there."""

    id: int
    round: int
    number: int
    kind: str
    state: str
    payload: Json
    picture: bytes | None
    thread_id: str
    message_id: str
    sent_at: str


_COLUMNS = (
    "id, round, number, kind, state, payload, picture, thread_id, message_id, sent_at, draft_id,"
    " channel"
)


class SentParts:
    """The parts of stories that were sent or are to be, as `Database.sent_parts` hands them out.

    A part goes from planned to sending before its request leaves, and to sent when the answer is
    here, each in a transaction of its own. One that is found sending may have arrived.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def plan(self, draft_id: int, channel: str, parts: Sequence[PlannedPart]) -> None:
        """Begin a new round of sending a story: these parts, in this order."""
        with transaction(self._db):
            (before,) = self._db.execute(
                "SELECT coalesce(max(round), 0) FROM sent_parts WHERE draft_id = ? AND channel = ?",
                (draft_id, channel),
            ).fetchone()
            self._db.executemany(
                "INSERT INTO sent_parts (draft_id, channel, round, number, kind, payload, picture)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        draft_id,
                        channel,
                        before + 1,
                        n,
                        p.kind,
                        json.dumps(p.payload),
                        p.picture,
                    )
                    for n, p in enumerate(parts, 1)
                ],
            )

    def last_round(self, draft_id: int, channel: str) -> list[SentPart]:
        """The parts of the last round of a story, in order; empty where none was planned."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM sent_parts AS s WHERE draft_id = ? AND channel = ?"
            " AND round = (SELECT max(round) FROM sent_parts WHERE draft_id = s.draft_id"
            " AND channel = s.channel) ORDER BY number",
            (draft_id, channel),
        )
        return [_part(row) for row in rows]

    def begin(self, part: SentPart) -> bool:
        """Note that a part is about to be sent.

        Returns:
            False where somebody else has begun with it: it must not be sent.
        """
        with transaction(self._db):
            changed = self._db.execute(
                "UPDATE sent_parts SET state = 'sending' WHERE id = ? AND state = 'planned'",
                (part.id,),
            ).rowcount
        return changed == 1

    def not_sent(self, part: SentPart) -> None:
        """Note that a part that was begun did certainly not arrive."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE sent_parts SET state = 'planned' WHERE id = ? AND state = 'sending'",
                (part.id,),
            )

    def sent(self, part: SentPart, *, thread_id: str, message_id: str) -> None:
        """Note that a part arrived, and where."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE sent_parts SET state = 'sent', thread_id = ?, message_id = ?, sent_at = ?,"
                " picture = NULL WHERE id = ?",
                (thread_id, message_id, timestamp(), part.id),
            )

    def of_message(self, channel: str, message_id: str) -> tuple[int, SentPart] | None:
        """The story (its draft's id) and the part that a message of a channel is, if it is one."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM sent_parts WHERE channel = ? AND message_id = ?",
            (channel, message_id),
        ).fetchone()
        return None if row is None else (int(row[10]), _part(row))

    def threads(self, channel: str) -> list[tuple[int, str]]:
        """The threads of a channel that stories went to: each story (its draft's id) and thread."""
        rows = self._db.execute(
            "SELECT DISTINCT draft_id, thread_id FROM sent_parts WHERE channel = ?"
            " AND state = 'sent' ORDER BY draft_id, thread_id",
            (channel,),
        )
        return [(int(draft), str(thread)) for draft, thread in rows]


class ExportedFile(NamedTuple):
    """A file that was exported; see the columns of `exported_files`."""

    path: str
    draft_id: int
    channel: str
    exported_at: str


class ExportedFiles:
    """The files that were exported, as `Database.exported_files` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def sha256(self, path: str, draft_id: int) -> str | None:
        """The hash of what was written to a file of a story, None where nothing was."""
        row = self._db.execute(
            "SELECT sha256 FROM exported_files WHERE path = ? AND draft_id = ?", (path, draft_id)
        ).fetchone()
        return None if row is None else str(row[0])

    def of_draft(self, draft_id: int, channel: str) -> list[str]:
        """The paths of the files that were written of a story for a channel."""
        rows = self._db.execute(
            "SELECT path FROM exported_files WHERE draft_id = ? AND channel = ? ORDER BY path",
            (draft_id, channel),
        )
        return [str(path) for (path,) in rows]

    def all(self) -> list[ExportedFile]:
        """Every file that was written, the first one first."""
        rows = self._db.execute(
            "SELECT path, draft_id, channel, exported_at FROM exported_files"
            " ORDER BY exported_at, path"
        )
        return [ExportedFile(*row) for row in rows]

    def keep(self, draft_id: int, channel: str, files: Sequence[tuple[str, str]]) -> None:
        """Note what was written.

        Args:
            draft_id: The story's draft.
            channel: The channel that it was written for.
            files: The absolute path of each file, and the SHA-256 of its content.
        """
        with transaction(self._db):
            self._db.executemany(
                "INSERT INTO exported_files (path, draft_id, channel, sha256, exported_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
                " draft_id = excluded.draft_id, channel = excluded.channel,"
                " sha256 = excluded.sha256, exported_at = excluded.exported_at",
                [(path, draft_id, channel, sha256, timestamp()) for path, sha256 in files],
            )


def _part(row: Sequence[object]) -> SentPart:
    identity, turn, number, kind, state, payload, picture, thread, message, sent_at = row[:10]
    return SentPart(
        id=int(str(identity)),
        round=int(str(turn)),
        number=int(str(number)),
        kind=str(kind),
        state=str(state),
        payload=json.loads(str(payload)),
        picture=picture if isinstance(picture, bytes) else None,
        thread_id=str(thread),
        message_id=str(message),
        sent_at=str(sent_at),
    )
