"""Taking in the events that hooks drop.

An event is a row before its file goes, so a crash in between repeats it and the row's key
makes that harmless.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import point, transaction
from copydesk.hooks import failpoints

STALE_SECONDS = 3600.0
_MAX_BYTES = 8192


class Event(NamedTuple):
    """A knock of a hook. `id` stays the same when the file is read again."""

    id: str
    hook: str
    worktree: str


def folder(desk: Path) -> Path:
    """Where events appear."""
    return desk / "spool" / "new"


def prepare(desk: Path) -> None:
    """Make the folders of the spool."""
    for name in ("tmp", "new"):
        (desk / "spool" / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def waiting(desk: Path) -> bool:
    """Whether an event has not been taken in yet."""
    with contextlib.suppress(OSError):
        return any(list(folder(desk).iterdir()))  # a list: an open scan would leak
    return False


def take_in(db: Database, desk: Path) -> list[Event]:
    """Turn the waiting events into rows, then remove their files.

    Returns:
        Those that were new.
    """
    paths = sorted(folder(desk).iterdir()) if folder(desk).is_dir() else []
    found = [(path, event) for path in paths if (event := read(path))]
    if not found:
        return []
    new = []
    failpoints.failpoint("spool.read")
    with transaction(db):
        for _, event in found:
            added = db.execute(
                "INSERT OR IGNORE INTO events (id, hook, worktree, received_at)"
                " VALUES (?, ?, ?, ?)",
                (*event, time.time()),
            )
            if added.rowcount:
                new.append(event)
        point("spool.inserted")
    failpoints.failpoint("spool.committed")
    for path, _ in found:
        path.unlink(missing_ok=True)
    failpoints.failpoint("spool.unlinked")
    return new


def read(path: Path) -> Event | None:
    """An event from its file; what a shell hook has not written yet stays empty.

    The name alone is no key: the shell hook names its file by its process id, and those
    come back.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            lines = os.fsdecode(file.read(_MAX_BYTES)).splitlines()
    except OSError:
        return None
    hook = path.name.rpartition(".")[2]
    worktree = lines[1] if len(lines) > 1 else ""
    # a path need not be text; SQLite's TEXT must
    worktree = worktree.encode("utf-8", "backslashreplace").decode()
    return Event(f"{path.name}@{status.st_mtime_ns}", hook, worktree)


def sweep(desk: Path, now: float | None = None) -> int:
    """Remove what writers that died left half-written. Returns how many files."""
    now = time.time() if now is None else now
    gone = 0
    for path in (desk / "spool" / "tmp").iterdir():
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
                gone += 1
    return gone
