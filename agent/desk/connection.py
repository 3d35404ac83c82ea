"""Statements and transactions on the database of a desk, for the classes that own its tables."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from copydesk.agent.desk import space
from copydesk.hooks import failpoints


class Connection:
    """A connection to `<desk>/desk.db`, in autocommit mode; write inside `transaction`.

    Args:
        connection: The connection, with its pragmas set.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    @property
    def version(self) -> int:
        """A number that changes when somebody else writes to the desk."""
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def checkpoint(self) -> None:
        """Write SQLite's log back into the database's file, and empty it."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def live_bytes(self) -> int:
        """Bytes of the database that hold something."""
        pages, free, page_size = (
            self.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page_size)

    def compact(self) -> None:
        """Give the room of what was deleted back to the disk."""
        self.execute("VACUUM")
        self.checkpoint()

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters."""
        return self.connection.executemany(sql, parameters)


@contextlib.contextmanager
def transaction(db: Connection) -> Iterator[None]:
    """Write atomically; waits for other writers instead of failing half-way.

    A deferred transaction that reads and then writes fails under contention whatever the
    time-out (https://sqlite.org/rescode.html#busy_snapshot), hence BEGIN IMMEDIATE.
    Inside another transaction it joins that one.
    """
    if db.in_transaction:
        yield
        return
    with exclusive(db.connection):
        yield


def write_many(db: Connection, sql: str, rows: Iterable[Any], *, at_once: int = 500) -> None:
    """Run one statement for each row, a few in a transaction, so that other writers get between.

    For rows that may stand there by themselves when the rest could not be written.

    Args:
        db: The open desk.
        sql: The statement.
        rows: Its parameters, row by row.
        at_once: How many rows a transaction writes.
    """
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, at_once)):
        with transaction(db):
            db.executemany(sql, batch)


@contextlib.contextmanager
def exclusive(db: sqlite3.Connection) -> Iterator[None]:
    """Hold the database's only write lock; commit at the end, roll back on an error."""
    point("store.begin")
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        point("store.commit")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk may have rolled back already
            db.execute("ROLLBACK")
        raise
    point("store.committed")


def point(name: str) -> None:
    """A failpoint of hooks/failpoints.py, with the error that SQLite would raise."""
    try:
        failpoints.failpoint(name)
    except OSError as error:
        message = "database or disk is full" if space.is_full(error) else "disk I/O error"
        raise sqlite3.OperationalError(message) from error


def timestamp() -> str:
    """The current time as the desk keeps it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
