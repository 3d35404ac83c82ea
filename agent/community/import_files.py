"""Bring exported files to the desk."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple, get_args

from copydesk.agent.community.importers import Export, recognise
from copydesk.agent.community.importers.private_data import without_addresses
from copydesk.agent.community.importers.values import UnreadableError
from copydesk.agent.community.message import BadRecord, Message, Record, Source
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import (
    BY_AUTHOR,
    BY_BOT,
    DELETED,
    NOTICE,
    MessageRow,
    Person,
    PollRow,
)
from copydesk.agent.progress import Progress
from copydesk.agent.text import plural

OWN_NAMES_SETTING = "own_names"
_BATCH = 2_000
_REPORTED = 20


@dataclass
class Tally:
    """What was counted so far of a file, or of a page."""

    messages: int = 0
    new: int = 0
    changed: int = 0
    refused: int = 0
    bad: list[BadRecord] = field(default_factory=list)
    bad_count: int = 0
    spans: dict[int, tuple[float, float, float]] = field(default_factory=dict)


class ImportedFile(NamedTuple):
    """What came of one file.

    Attributes:
        path: The file.
        format: What it is in words; "" where it was not recognised.
        messages: How many messages it holds.
        new: How many of them the desk did not have.
        changed: How many have changed since.
        hidden: How many messages of its channels are hidden, since a later export lacks them.
        refused: How many are of people who are to be forgotten.
        bad: The first records that could not be read.
        bad_count: How many could not be read.
        error: Why the file was not read at all; "" if it was.
    """

    path: Path
    format: str = ""
    messages: int = 0
    new: int = 0
    changed: int = 0
    hidden: int = 0
    refused: int = 0
    bad: tuple[BadRecord, ...] = ()
    bad_count: int = 0
    error: str = ""


def import_file(
    db: Database, path: Path, *, names: bool, complete: bool, progress: Progress
) -> ImportedFile:
    """Store the messages of an export. What is on the desk already is brought up to date.

    Args:
        db: The open desk.
        path: The file; its format is recognised by what it holds.
        names: Keep the names that people show, beside the hash of their id.
        complete: A channel that DiscordChatExporter wrote is there whole between its first and
            last message, so that what it lacks was deleted. Not so with `--filter`.
        progress: Told now and then how far it is.

    Returns:
        What came of it. A file that cannot be read is an `error`, no exception.
    """
    try:
        export = recognise(path)
        tally = _store(db, export, path, names, progress)
    except UnreadableError as error:
        return ImportedFile(path, error=str(error))
    except OSError as error:
        return ImportedFile(path, error=f"it cannot be read: {error.strerror or error}")
    hidden = _hide_gone(db, export, tally, complete)
    return ImportedFile(
        path,
        export.format,
        *(tally.messages, tally.new, tally.changed, hidden, tally.refused),
        bad=tuple(tally.bad),
        bad_count=tally.bad_count,
    )


def _store(db: Database, export: Export, path: Path, names: bool, progress: Progress) -> Tally:
    tally = Tally()
    writer = _Writer(db, names)
    records = export.read(path)
    while batch := list(islice(records, _BATCH)):
        with transaction(db):
            writer.write(_messages(batch, tally), tally)
        progress(f"{path.name}: {plural(tally.messages, 'message')}")
    return tally


def store_records(db: Database, records: Sequence[Record]) -> Tally:
    """Store messages that were read otherwise than from a file, in the open transaction.

    Args:
        db: The open desk, inside a transaction.
        records: The messages, and what could not be read.
    """
    tally = Tally()
    _Writer(db, names=False).write(_messages(list(records), tally), tally)
    return tally


def _messages(batch: list[Record], tally: Tally) -> Iterator[Message]:
    for record in batch:
        if isinstance(record, Message):
            tally.messages += 1
            yield record
            continue
        tally.bad_count += 1
        if len(tally.bad) < _REPORTED:
            tally.bad.append(record)


def _hide_gone(db: Database, export: Export, tally: Tally, complete: bool) -> int:
    """Hide what later exports lack; a file with unreadable records may lack what is still there."""
    with transaction(db):
        if complete and export.holds_channel_whole and not tally.bad_count:
            for thread, (first, last, as_of) in tally.spans.items():
                db.feedback.store_span(thread, first, last, as_of)
        return db.feedback.hide_gone(tally.spans)


class _Writer:
    """Turns messages into rows: ids of people into hashes, threads and people into row ids."""

    def __init__(self, db: Database, names: bool) -> None:
        self._db = db
        self._names = names
        self._own_names = own_names(db)
        self._key = db.feedback.hash_key()
        self._threads: dict[tuple[str, ...], int] = {}
        self._people: dict[tuple[str, str, str], Person | None] = {}

    def write(self, messages: Iterator[Message], tally: Tally) -> None:
        """Store messages in the open transaction, and count them."""
        rows: dict[tuple[str, str], MessageRow] = {}
        for message in messages:
            row = self._row(message)
            if row is None:
                tally.refused += 1
                continue
            _widen_span(tally.spans, row)
            same = rows.get((row.source, row.external_id))
            if same is None or (row.as_of, row.version) > (same.as_of, same.version):
                rows[row.source, row.external_id] = row
            if message.poll is not None:
                self._db.feedback.store_poll(_poll_row(message))
        stored = self._db.feedback.store(list(rows.values()))
        tally.new += stored.new
        tally.changed += stored.changed

    def _row(self, message: Message) -> MessageRow | None:
        """The row of a message; None where its author is to be forgotten."""
        author = self._person(message.source, message.author.id, message.author.name)
        if author is not None and author.forgotten:
            return None
        text = "" if message.deleted else without_addresses(message.text)
        return MessageRow(
            source=message.source,
            external_id=message.id,
            thread=self._thread(message),
            parent=message.parent_id,
            person=author.id if author else None,
            created_at=message.created_at.timestamp(),
            edited_at=message.edited_at.timestamp() if message.edited_at else None,
            text=text,
            reactions=self._reactions(message),
            flags=_flags(message),
            as_of=message.as_of.timestamp(),
            version=_version(message),
        )

    def _reactions(self, message: Message) -> str:
        """The reactions as JSON, with rows of people in place of ids; "" for none."""
        if not message.reactions or message.deleted:
            return ""
        listed = []
        for reaction in message.reactions:
            people = [self._person(message.source, person, "") for person in reaction.people]
            ids = [person.id for person in people if person and not person.forgotten]
            listed.append((reaction.emoji, reaction.count, ids))
        return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))

    def _thread(self, message: Message) -> int:
        key = (message.source, *message.thread)
        if key not in self._threads:
            self._threads[key] = self._db.feedback.thread_id(*key)
        return self._threads[key]

    def _person(self, source: str, identity: str, name: str) -> Person | None:
        """The row of a person; None where the export names nobody."""
        if not identity:
            return None
        shown_name = name if self._names else ""
        key = (source, identity, name)
        if key not in self._people:
            hashed = person_hash(self._key, source, identity)
            is_author = bool(self._own_names & {identity.casefold(), name.casefold()})
            self._people[key] = self._db.feedback.person(hashed, shown_name, is_author)
        return self._people[key]


def person_hash(key: bytes, source: str, identity: str) -> str:
    """The keyed hash that stands for a person: HMAC-SHA256, 128 bits of it in hexadecimal."""
    return hmac.new(key, f"{source}\0{identity}".encode(), hashlib.sha256).hexdigest()[:32]


def own_names(db: Database) -> frozenset[str]:
    """The names, logins and ids that you go by, in lower case."""
    stored = json.loads(db.feedback.setting(OWN_NAMES_SETTING) or "[]")
    return frozenset(map(str, stored))


def add_own_names(db: Database, names: Iterable[str]) -> int:
    """Remember names, logins or ids that you go by.

    Names that others see are not on the desk, so that those take effect with the next import.

    Returns:
        How many people on the desk these ids and logins, and names that were kept, belong to.
    """
    given = list(names)
    folded = own_names(db) | {name.casefold() for name in given}
    db.feedback.set_setting(OWN_NAMES_SETTING, json.dumps(sorted(folded)))
    key = db.feedback.hash_key()
    hashes = {person_hash(key, source, name) for source in get_args(Source) for name in given}
    for name in given:
        hashes.update(db.feedback.people_named(name))
    return db.feedback.set_author(hashes)


def forget_author(db: Database, author: str, source: str | None) -> int:
    """Erase what a person wrote, and refuse it from now on.

    Args:
        db: The open desk.
        author: Their id or login as exports have it, or a name that was kept.
        source: Where they wrote; None for everywhere.

    Returns:
        How many messages were erased.
    """
    key = db.feedback.hash_key()
    sources = (source,) if source else get_args(Source)
    hashes = {person_hash(key, one, author) for one in sources}
    if source is None:
        hashes.update(db.feedback.people_named(author))
    return sum(db.feedback.forget(hashed) for hashed in sorted(hashes))


def _version(message: Message) -> int:
    """A hash of what a message says, the same on every desk and in every order of imports."""
    content = repr((message.text, message.parent_id, message.thread.id, message.reactions))
    digest = hashlib.sha256(f"{_flags(message)} {message.edited_at} {content}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _flags(message: Message) -> int:
    return (
        BY_BOT * message.author.is_bot
        | BY_AUTHOR * message.author.is_owner
        | NOTICE * message.is_notice
        | DELETED * message.deleted
    )


def _widen_span(spans: dict[int, tuple[float, float, float]], row: MessageRow) -> None:
    first, last, as_of = spans.get(row.thread, (row.created_at, row.created_at, row.as_of))
    spans[row.thread] = (
        min(first, row.created_at),
        max(last, row.created_at),
        max(as_of, row.as_of),
    )


def _poll_row(message: Message) -> PollRow:
    """The poll that a message asks, or whose end it announces."""
    poll = message.poll
    assert poll is not None
    asked_by = message.parent_id if message.is_notice and message.parent_id else message.id
    return PollRow(
        message.source,
        asked_by,
        without_addresses(poll.question),
        json.dumps([list(option) for option in poll.options], ensure_ascii=False),
        poll.total,
        int(poll.closed),
        int(poll.complete),
        message.as_of.timestamp(),
    )
