"""Opening the desk, the only place that does; and mending it where it is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.desk import backup, space
from copydesk.agent.desk.connection import exclusive
from copydesk.agent.desk.connection import point as point
from copydesk.agent.desk.connection import transaction as transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.ownership import desk_not_writable
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import Progress, silent
from copydesk.hooks import failpoints, filesystem

DAMAGED = "damaged"
"""The folder of the desk into which damaged files are set aside."""

SCHEMA = 34
"""The number of migrations; a database's PRAGMA user_version once it is up to date."""

BUSY_SECONDS = 60.0


@contextlib.contextmanager
def open_desk(desk: Path) -> Iterator[Database]:
    """Open the database of a desk folder, made and brought up to date where needed.

    The connection is in autocommit mode: write inside `transaction`.

    Args:
        desk: The folder `<git common dir>/copydesk`.

    Raises:
        CopydeskError: The folder cannot be written, the file is no database, or it was written
            by a newer copydesk (its data stay untouched).
    """
    path = desk / "desk.db"
    connection = _opened(desk, path)
    try:
        yield Database(connection)
    except sqlite3.OperationalError as error:  # a full disk, a lock held for ever, a damaged file
        raise _unusable(path, error) from error
    finally:
        connection.close()


@contextlib.contextmanager
def empty_desk() -> Iterator[Database]:
    """A desk with nothing in it, in memory: for whoever only looks where there is none yet."""
    from copydesk.agent.desk.migrations import migrate

    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        yield Database(connection)
    finally:
        connection.close()


def _opened(desk: Path, path: Path) -> sqlite3.Connection:
    try:
        desk.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite makes a file with the process's umask, which may let others read it. Only a new
        # file may be opened here: closing an old one drops every lock this process has on it
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            failpoints.failpoint("store.made")
            filesystem.sync_folder(str(desk))
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        if space.is_full(error):
            raise _unusable(path, error) from error
        raise desk_not_writable(path, getattr(error, "strerror", None) or str(error)) from error
    try:
        _prepare(db, path)
    except sqlite3.DatabaseError as error:
        db.close()
        raise _unusable(path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def _unusable(path: Path, error: Exception) -> CopydeskError:
    if space.is_full(error):
        return CopydeskError(
            f"the disk is full: {path} cannot be written",
            slug="disk-full",
            hint="Make room; what was written before is safe, and the work goes on by itself.",
        )
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return desk_not_writable(path, str(error))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return CopydeskError(
            f"can't use {path}: another process has held it for {BUSY_SECONDS:g} s",
            slug="desk-busy",
            hint="Try again in a moment; `copydesk daemon status` names the daemon.",
        )
    return CopydeskError(
        f"can't use {path}: {error}",
        slug="bad-desk",
        hint="`copydesk doctor` checks it. Delete nothing: `copydesk daemon stop`, then"
        " `copydesk daemon start`, sets a damaged desk aside whole and carries over what can be"
        " read.",
    )


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA:
        raise CopydeskError(
            f"{path} was written by a newer copydesk (schema {version}, this one knows {SCHEMA})",
            slug="newer-desk",
            hint="Upgrade copydesk; nothing was changed.",
        )
    db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = full")  # NORMAL loses acknowledged rows in a power cut
    db.execute("PRAGMA foreign_keys = on")
    if version < SCHEMA:
        # sqlite_utils imports pandas where it can: half a second, so only when a step is due
        from copydesk.agent.desk.migrations import migrate

        if version:
            backup.backup(path.parent, why=f"schema{version}")
        with exclusive(db):
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version < SCHEMA:
                migrate(db)
                point("store.migrated")
                db.execute(f"PRAGMA user_version = {SCHEMA:d}")


def mend(desk: Path, say: Progress) -> bool:
    """After an unclean end: check the desk, and if it is damaged begin a new one.

    The damaged files are set aside whole, never deleted. What can still be read of drafts,
    reviews and stories, and of everything else, is carried over; commits are found again in
    git.

    Args:
        desk: The folder of the desk; the caller holds its daemon's lock.
        say: Takes a line about what was done.

    Returns:
        Whether it was damaged.
    """
    path = desk / "desk.db"
    if not path.exists():
        return False
    damage = backup.check(path, quick=True)
    if not damage:
        return False
    aside = desk / DAMAGED / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):  # the log belongs to the file: they go together
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside / part.name)
    say(f"the desk was damaged ({damage}); it was set aside as {aside}")
    rows = _salvage(aside / path.name, desk, say)
    say(f"{rows} rows were carried over into a new desk")
    return True


def _salvage(damaged: Path, desk: Path, say: Progress) -> int:
    """Carry over into a new desk what can still be read; the number of rows.

    What is lost in the damaged file may be in a backup.
    """
    rows = 0
    with open_desk(desk) as db:
        db.execute("PRAGMA foreign_keys = off")
        tables = _tables(db.connection)
        with transaction(db):
            for table in tables:
                rows += _copy_rows(damaged, table, db.connection, say)
        for copy in reversed(backup.listed(desk)):
            with transaction(db):
                for table in tables:
                    rows += _copy_rows(copy, table, db.connection, silent)
        db.measures.delete_without_gaps()
    return rows


def _tables(db: sqlite3.Connection) -> list[str]:
    names = [
        str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    return [name for name in names if not name.startswith(("sqlite_", "_sqlite"))]


def _copy_rows(source: Path, table: str, db: sqlite3.Connection, say: Progress) -> int:
    """Copy the rows of a table that are not there, as far as they can be read; their number."""
    copied = 0
    try:
        with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as old:
            rows = old.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in rows.description]
            if not set(columns) <= {row[1] for row in db.execute(f"PRAGMA table_info({table})")}:
                return 0
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            for row in rows:
                copied += db.execute(insert, row).rowcount
    except sqlite3.DatabaseError as error:
        say(f"table {table}: {error} after {copied} rows")
    return copied
