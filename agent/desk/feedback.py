"""What readers said: the tables `feedback_*`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction

BY_BOT, BY_AUTHOR, NOTICE, DELETED = 1, 2, 4, 8
"""The bits of `flags`."""


class MessageRow(NamedTuple):
    """A message as it is stored; see the columns of `feedback_messages`."""

    source: str
    external_id: str
    thread: int
    parent: str
    person: int | None
    created_at: float
    edited_at: float | None
    text: str
    reactions: str
    flags: int
    as_of: float
    version: int


class PollRow(NamedTuple):
    """A poll as it is stored; see the columns of `feedback_polls`."""

    source: str
    external_id: str
    question: str
    options: str
    total: int | None
    closed: int
    complete: int
    as_of: float


class Stored(NamedTuple):
    """How many messages were new, and how many have changed."""

    new: int
    changed: int


class Person(NamedTuple):
    """A person by row id, and whether they are to be forgotten."""

    id: int
    forgotten: bool


class FeedbackMessage(NamedTuple):
    """A message as it is listed.

    `reactions` holds the emoji, the count and the known people of each; `person` is 0 where
    the export names nobody.
    """

    id: int
    source: str
    external_id: str
    parent: str
    thread: int
    thread_title: str
    url: str
    person: int
    name: str
    created_at: float
    text: str
    reactions: tuple[tuple[str, int, tuple[int, ...]], ...]
    flags: int
    tone: str
    tone_probability: float
    kind: str
    kind_reason: str
    answered: bool


class FeedbackThread(NamedTuple):
    """A channel, thread, discussion or page that messages stand in; see `feedback_threads`."""

    id: int
    source: str
    external_id: str
    title: str
    url: str


class UnlabelledMessage(NamedTuple):
    """A message without tone and kind; `title` is that of the thread that it opens."""

    id: int
    text: str
    title: str
    is_reply: bool
    flags: int


class FeedbackPoll(NamedTuple):
    """A poll as it is listed; `options` are the texts with their votes, None if not known."""

    source: str
    external_id: str
    question: str
    options: tuple[tuple[str, int | None], ...]
    total: int | None
    closed: bool
    complete: bool


_FLAGS = f"m.flags | {BY_AUTHOR} * coalesce(p.is_author, 0)"
_LISTED = (
    "m.id, m.source, m.external_id, m.parent, m.thread, t.title, t.url, coalesce(m.person, 0),"
    " coalesce(p.name, ''), m.created_at, m.text, m.reactions,"
    f" {_FLAGS}, coalesce(m.tone, ''),"
    " coalesce(m.tone_probability, 0), coalesce(m.kind, ''), coalesce(m.kind_reason, ''),"
    " m.answered"
)
_FROM = (
    " FROM feedback_messages AS m JOIN feedback_threads AS t ON t.id = m.thread"
    " LEFT JOIN feedback_people AS p ON p.id = m.person"
)
_SHOWN = f" m.flags & {NOTICE | DELETED} = 0 AND NOT m.gone"


class Feedback:
    """Messages of readers as rows.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def hash_key(self) -> bytes:
        """The key that ids of people are hashed with; made on first use, and kept here alone."""
        row = self._db.execute(
            "SELECT value FROM feedback_settings WHERE name = 'hash_key'"
        ).fetchone()
        if row is None:
            with transaction(self._db):
                self._db.execute(
                    "INSERT OR IGNORE INTO feedback_settings VALUES ('hash_key', ?)",
                    (secrets.token_hex(32),),
                )
            return self.hash_key()
        return bytes.fromhex(row[0])

    def setting(self, name: str) -> str:
        """What was stored under a name; "" for nothing."""
        row = self._db.execute(
            "SELECT value FROM feedback_settings WHERE name = ?", (name,)
        ).fetchone()
        return str(row[0]) if row else ""

    def set_setting(self, name: str, value: str) -> None:
        """Store a value under a name."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO feedback_settings VALUES (?, ?)", (name, value)
            )

    def thread_id(self, source: str, external_id: str, title: str, url: str) -> int:
        """The row of a thread, made if it is new; a title or address that was missing is added."""
        (row,) = self._db.execute(
            "INSERT INTO feedback_threads (source, external_id, title, url) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (source, external_id) DO UPDATE SET"
            " title = CASE title WHEN '' THEN excluded.title ELSE max(title, excluded.title) END,"
            " url = CASE url WHEN '' THEN excluded.url ELSE max(url, excluded.url) END"
            " RETURNING id",
            (source, external_id, title, url),
        ).fetchall()
        return int(row[0])

    def person(self, hashed: str, name: str, is_author: bool) -> Person:
        """The row of a person, made if they are new.

        Args:
            hashed: The keyed hash of the person.
            name: The name that they show; "" unless it may be kept.
            is_author: Whether it is the project's author.
        """
        (row,) = self._db.execute(
            "INSERT INTO feedback_people (hash, name, is_author) VALUES (?, ?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET name ="
            " CASE WHEN forgotten THEN '' ELSE max(name, excluded.name) END,"
            " is_author = max(is_author, excluded.is_author) RETURNING id, forgotten",
            (hashed, name, int(is_author)),
        ).fetchall()
        return Person(int(row[0]), bool(row[1]))

    def store(self, rows: Sequence[MessageRow]) -> Stored:
        """Store messages: the version that was exported last counts, in whatever order they come.

        What was worked out of a text (tone, kind) is cleared where the text has changed.
        """
        before = self._versions(rows)
        self._db.executemany(
            "INSERT INTO feedback_messages (source, external_id, thread, parent, person,"
            " created_at, edited_at, text, reactions, flags, as_of, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (source, external_id) DO UPDATE SET thread = excluded.thread,"
            " parent = excluded.parent, person = excluded.person,"
            " created_at = excluded.created_at, edited_at = excluded.edited_at,"
            " tone = CASE WHEN text = excluded.text THEN tone END,"
            " kind = CASE WHEN text = excluded.text THEN kind END,"
            " text = excluded.text, reactions = excluded.reactions, flags = excluded.flags,"
            " as_of = excluded.as_of, version = excluded.version"
            " WHERE (excluded.as_of, excluded.version) > (as_of, version)",
            rows,
        )
        after = self._versions(rows)
        changed = sum(after[key] != version for key, version in before.items())
        return Stored(len(after) - len(before), changed)

    def _versions(self, rows: Sequence[MessageRow]) -> dict[tuple[str, str], int]:
        """The stored versions of messages, by source and id."""
        keys = [(row.source, row.external_id) for row in rows]
        return {
            (source, external_id): version
            for source, external_id, version in self._db.execute(
                "SELECT m.source, m.external_id, m.version FROM json_each(?) AS k"
                " JOIN feedback_messages AS m ON m.source = k.value ->> 0"
                " AND m.external_id = k.value ->> 1",
                (json.dumps(keys),),
            )
        }

    def store_poll(self, poll: PollRow) -> None:
        """Store a poll: the one whose votes are known whole counts, then the latest."""
        self._db.execute(
            "INSERT INTO feedback_polls VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (source, external_id) DO UPDATE SET question = excluded.question,"
            " options = excluded.options, total = excluded.total, closed = excluded.closed,"
            " complete = excluded.complete, as_of = excluded.as_of"
            " WHERE (excluded.complete, excluded.as_of, excluded.options)"
            " > (complete, as_of, options)",
            poll,
        )

    def store_span(self, thread: int, first: float, last: float, as_of: float) -> None:
        """Remember that an export holds a stretch of a thread whole."""
        self._db.execute(
            "INSERT OR IGNORE INTO feedback_spans VALUES (?, ?, ?, ?)", (thread, first, last, as_of)
        )

    def hide_gone(self, threads: Iterable[int]) -> int:
        """Hide messages that a later export of the same stretch lacks, and show those it has.

        Args:
            threads: The threads to look at.

        Returns:
            How many messages are hidden in them.
        """
        chosen = json.dumps(list(threads))
        self._db.execute(
            "UPDATE feedback_messages AS m SET gone = expected FROM ("
            " SELECT one.id AS id, EXISTS (SELECT 1 FROM feedback_spans AS s"
            " WHERE s.thread = one.thread AND s.first <= one.created_at"
            " AND s.last >= one.created_at AND s.as_of > one.as_of) AS expected"
            " FROM feedback_messages AS one"
            " WHERE one.thread IN (SELECT value FROM json_each(?))) AS state"
            " WHERE m.id = state.id AND m.gone <> expected",
            (chosen,),
        )
        (row,) = self._db.execute(
            "SELECT count(*) FROM feedback_messages WHERE gone"
            " AND thread IN (SELECT value FROM json_each(?))",
            (chosen,),
        ).fetchall()
        return int(row[0])

    def set_author(self, hashes: Iterable[str]) -> int:
        """Remember who of the people on the desk is the author.

        Args:
            hashes: Keyed hashes of people.

        Returns:
            How many of them there are.
        """
        with transaction(self._db):
            changed = self._db.execute(
                "UPDATE feedback_people SET is_author = 1"
                " WHERE hash IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(hashes)),),
            )
            return changed.rowcount

    def forget(self, hashed: str) -> int:
        """Erase what a person wrote, and refuse it from now on.

        Args:
            hashed: The keyed hash of the person.

        Returns:
            How many messages were erased.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO feedback_people (hash, forgotten) VALUES (?, 1)"
                " ON CONFLICT (hash) DO UPDATE SET forgotten = 1, name = ''",
                (hashed,),
            )
            erased = self._db.execute(
                "DELETE FROM feedback_messages WHERE person ="
                " (SELECT id FROM feedback_people WHERE hash = ?)",
                (hashed,),
            )
            return erased.rowcount

    def people_named(self, name: str) -> list[str]:
        """The hashes of the people whose stored name is this one."""
        return [
            str(hashed)
            for (hashed,) in self._db.execute(
                "SELECT hash FROM feedback_people WHERE name = ? AND name <> ''", (name,)
            )
        ]

    def messages(self, since: float = 0.0) -> list[FeedbackMessage]:
        """The messages that are shown, the oldest first.

        Args:
            since: Only those written at this Unix time and later.
        """
        return self._select(
            "AND m.created_at >= ? ORDER BY m.created_at, m.source, m.external_id", (since,)
        )

    def latest(self, limit: int) -> list[FeedbackMessage]:
        """The newest messages by others than bots, the newest first; at most `limit`."""
        return self._select(
            f"AND m.flags & {BY_BOT} = 0"
            " ORDER BY m.created_at DESC, m.source, m.external_id LIMIT ?",
            (limit,),
        )

    def search(self, words: Sequence[str], limit: int) -> list[FeedbackMessage]:
        """The messages that hold all of these words, the best match first; at most `limit`."""
        query = " ".join('"' + word.replace('"', '""') + '"' for word in words)
        return self._select(
            "AND m.id IN (SELECT rowid FROM feedback_search WHERE feedback_search MATCH ?"
            " ORDER BY rank LIMIT ?) ORDER BY m.created_at DESC",
            (query, limit),
        )

    def ids_with(self, phrases: Sequence[str]) -> set[int]:
        """The ids of the messages that hold any of these words or phrases."""
        query = " OR ".join('"' + phrase.replace('"', '""') + '"' for phrase in phrases)
        if not query:
            return set()
        rows = self._db.execute(
            "SELECT rowid FROM feedback_search WHERE feedback_search MATCH ?", (query,)
        )
        return {int(identity) for (identity,) in rows}

    def message(self, identity: int) -> FeedbackMessage | None:
        """One message that is shown; None if there is none of that id."""
        rows = self._select("AND m.id = ?", (identity,))
        return rows[0] if rows else None

    def answers_to(self, message: FeedbackMessage) -> list[FeedbackMessage]:
        """The messages that answer one, the oldest first."""
        return self._select(
            "AND m.source = ? AND m.parent = ? ORDER BY m.created_at",
            (message.source, message.external_id),
        )

    def _select(self, rest: str, parameters: Sequence[object]) -> list[FeedbackMessage]:
        rows = self._db.execute(f"SELECT {_LISTED}{_FROM} WHERE{_SHOWN} {rest}", parameters)
        return [_listed(row) for row in rows]

    def threads(self) -> list[FeedbackThread]:
        """The threads of all messages, in the order in which they came in."""
        rows = self._db.execute(
            "SELECT id, source, external_id, title, url FROM feedback_threads ORDER BY id"
        )
        return [FeedbackThread(*row) for row in rows]

    def thread_starts(self) -> dict[int, float]:
        """When the first message of each thread was written, by the thread's row id."""
        rows = self._db.execute(
            f"SELECT m.thread, min(m.created_at) FROM feedback_messages AS m WHERE{_SHOWN}"
            " GROUP BY m.thread"
        )
        return {int(thread): float(first) for thread, first in rows}

    def polls(self) -> list[FeedbackPoll]:
        """All polls, in the order of their ids."""
        rows = self._db.execute(
            "SELECT source, external_id, question, options, total, closed, complete"
            " FROM feedback_polls ORDER BY source, external_id"
        )
        return [
            FeedbackPoll(
                *(source, external_id, question),
                tuple((text, votes) for text, votes in json.loads(options)),
                *(total, bool(closed), bool(complete)),
            )
            for source, external_id, question, options, total, closed, complete in rows
        ]

    def unlabelled(self, limit: int) -> list[UnlabelledMessage]:
        """Messages whose tone and kind were not worked out yet; at most `limit`."""
        rows = self._db.execute(
            "SELECT m.id, m.text, CASE WHEN m.source = 'github' AND m.parent = '' THEN t.title"
            f" ELSE '' END, m.parent <> '', {_FLAGS} FROM feedback_messages AS m"
            " JOIN feedback_threads AS t ON t.id = m.thread"
            " LEFT JOIN feedback_people AS p ON p.id = m.person WHERE m.kind IS NULL LIMIT ?",
            (limit,),
        )
        return [UnlabelledMessage(*row) for row in rows]

    def set_labels(self, labels: Iterable[tuple[str, float, str, str, int]]) -> None:
        """Store tone, its probability, kind and the reason of the kind, for message ids."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE feedback_messages SET tone = ?, tone_probability = ?, kind = ?,"
                " kind_reason = ? WHERE id = ?",
                labels,
            )

    def clear_labels(self) -> None:
        """Let tone and kind of all messages be worked out again."""
        with transaction(self._db):
            self._db.execute("UPDATE feedback_messages SET tone = NULL, kind = NULL")

    def set_answered(self, identity: int, answered: bool) -> None:
        """Remember whether you have answered a message."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE feedback_messages SET answered = ? WHERE id = ?", (int(answered), identity)
            )

    def count(self) -> int:
        """How many messages are shown."""
        (row,) = self._db.execute(
            f"SELECT count(*) FROM feedback_messages AS m WHERE{_SHOWN}"
        ).fetchall()
        return int(row[0])


def _listed(row: Sequence[object]) -> FeedbackMessage:
    values = list(row)
    reactions = json.loads(str(values[11])) if values[11] else []
    values[11] = tuple((emoji, count, tuple(people)) for emoji, count, people in reactions)
    values[17] = bool(values[17])
    return FeedbackMessage(*values)  # type: ignore[arg-type]  # the columns of _LISTED, in order
