"""What is known of feedback besides its messages: files, cursors of pulls, decided offers."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction

FEEDBACK_STATE = """
CREATE TABLE feedback_files (
    -- A row per file of an inbox, in the version that was seen last.
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    modified REAL NOT NULL,                  -- Unix time; with the size it tells versions apart
    attempts INTEGER NOT NULL,               -- how often its import was begun
    state TEXT NOT NULL,                     -- importing, imported, refused
    reason TEXT NOT NULL DEFAULT '',         -- why it was refused
    messages INTEGER NOT NULL DEFAULT 0,
    at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE feedback_cursors (
    -- A row per place that is pulled: up to where it was read.
    place TEXT PRIMARY KEY,                  -- such as discord:123 or github:owner/name
    cursor TEXT NOT NULL,
    at REAL NOT NULL,                        -- when it was read last
    problem TEXT NOT NULL DEFAULT ''         -- why it was not read to its end, if it was not
) WITHOUT ROWID;

CREATE TABLE feedback_offers (
    -- A row per offer for the next story that you took or dropped.
    kind TEXT NOT NULL,                      -- topic, hook, question, poll, done, answer
    about TEXT NOT NULL,                     -- what it is about; the same in every wording
    decision TEXT NOT NULL,                  -- taken, dropped
    text TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (kind, about)
) WITHOUT ROWID;
"""


class InboxFile(NamedTuple):
    """A file of an inbox as it was seen; see the columns of `feedback_files`."""

    path: str
    size: int
    modified: float
    attempts: int
    state: str
    reason: str
    messages: int
    at: float


class Cursor(NamedTuple):
    """Up to where a place was read; see the columns of `feedback_cursors`."""

    place: str
    cursor: str
    at: float
    problem: str


class FeedbackState:
    """The tables `feedback_files`, `feedback_cursors` and `feedback_offers`.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def files(self) -> dict[str, InboxFile]:
        """The files of inboxes that were seen, by path."""
        rows = self._db.execute(
            "SELECT path, size, modified, attempts, state, reason, messages, at"
            " FROM feedback_files ORDER BY path"
        )
        return {row[0]: InboxFile(*row) for row in rows}

    def set_file(self, file: InboxFile) -> None:
        """Write down what became of a file."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO feedback_files"
                " (path, size, modified, attempts, state, reason, messages, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                file,
            )

    def cursors(self) -> dict[str, Cursor]:
        """Up to where each place was read."""
        rows = self._db.execute(
            "SELECT place, cursor, at, problem FROM feedback_cursors ORDER BY place"
        )
        return {row[0]: Cursor(*row) for row in rows}

    def set_cursor(self, cursor: Cursor) -> None:
        """Write down up to where a place was read; inside the transaction of its messages."""
        self._db.execute("INSERT OR REPLACE INTO feedback_cursors VALUES (?, ?, ?, ?)", cursor)

    def decisions(self) -> dict[tuple[str, str], str]:
        """What was decided on offers, by kind and what they are about."""
        rows = self._db.execute("SELECT kind, about, decision FROM feedback_offers")
        return {(kind, about): decision for kind, about, decision in rows}

    def decide(self, kind: str, about: str, decision: str, text: str, at: float) -> None:
        """Remember that an offer was taken or dropped."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO feedback_offers VALUES (?, ?, ?, ?, ?)",
                (kind, about, decision, text, at),
            )

    def undecide(self, kind: str, about: str) -> None:
        """Forget what was decided on an offer, so that it is made again."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM feedback_offers WHERE kind = ? AND about = ?", (kind, about)
            )
