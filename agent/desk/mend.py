"""What is done when the desk itself turns out to be damaged."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from copydesk.agent.desk import backup
from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.progress import Progress

DAMAGED = "damaged"


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
    wrong = backup.check(path, quick=True)
    if not wrong:
        return False
    aside = desk / DAMAGED / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):  # the log belongs to the file: they go together
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside / part.name)
    say(f"the desk was damaged ({wrong}); it was set aside as {aside}")
    say(f"{_salvage(aside / path.name, desk, say)} rows were carried over into a new desk")
    return True


def _salvage(damaged: Path, desk: Path, say: Progress) -> int:
    rows = 0
    with open_desk(desk) as db:
        db.execute("PRAGMA foreign_keys = off")
        tables = [
            str(name)
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not str(name).startswith(("sqlite_", "_sqlite"))
        ]
        sources = [damaged, *reversed(backup.listed(desk))]
        for source in sources:  # what is lost in the newest may be in a backup
            with transaction(db):
                for table in tables:
                    rows += _carry(source, table, db.connection, say if source == damaged else None)
    return rows


def _carry(source: Path, table: str, db: sqlite3.Connection, say: Progress | None) -> int:
    carried = 0
    try:
        with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as old:
            reading = old.execute(f"SELECT * FROM {table}")
            theirs = [column[0] for column in reading.description]
            known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            if not set(theirs) <= known:
                return 0
            marks = ", ".join("?" * len(theirs))
            for row in reading:
                carried += db.execute(
                    f"INSERT OR IGNORE INTO {table} ({', '.join(theirs)}) VALUES ({marks})", row
                ).rowcount
    except sqlite3.DatabaseError as error:
        if say:
            say(f"table {table}: {error} after {carried} rows")
    return carried
