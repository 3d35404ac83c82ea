"""Folders in which exported files are dropped, to be imported once each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from copydesk.agent.community.import_files import ImportedFile, import_file
from copydesk.agent.community.inbox_folders import files_in
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback_state import InboxFile
from copydesk.agent.progress import Progress

MOST_ATTEMPTS = 2
"""A file whose import was begun so often without an end is refused: it ended the worker."""
_SETTLED_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0


def waiting_files(db: Database, folders: Sequence[Path]) -> list[Path]:
    """The files that are new, or have changed since they were seen, in the order of their names."""
    seen = db.feedback_state.files()
    return [path for path in files_in(folders) if _is_waiting(path, seen.get(str(path)))]


def import_waiting(
    db: Database, folders: Sequence[Path], progress: Progress
) -> Iterator[ImportedFile]:
    """Import the files that wait; each is written down, so that none is tried for ever.

    A file that cannot be read is refused with its reason until it changes. One that is still
    written to waits for the next time.

    Args:
        db: The open desk.
        folders: Where files are dropped.
        progress: Told now and then how far it is.

    Yields:
        What came of each file.
    """
    for path in waiting_files(db, folders):
        begun = _begin(db, path)
        if begun is None:
            continue
        if begun.attempts > MOST_ATTEMPTS:
            imported = ImportedFile(path, error="its import was begun twice and never ended")
        else:
            imported = import_file(db, path, names=False, complete=True, progress=progress)
        state = "refused" if imported.error else "imported"
        db.feedback_state.set_file(
            begun._replace(state=state, reason=imported.error, messages=imported.messages)
        )
        yield imported


def _is_waiting(path: Path, seen: InboxFile | None) -> bool:
    if seen is None:
        return True
    try:
        stat = path.stat()
    except OSError:
        return False
    is_same = (stat.st_size, stat.st_mtime) == (seen.size, seen.modified)
    return not is_same or seen.state == "importing"


def _begin(db: Database, path: Path) -> InboxFile | None:
    """Write down that the import of a file begins; None while the file is still written to."""
    settled = _settled(path)
    if settled is None:
        return None
    size, modified = settled
    seen = db.feedback_state.files().get(str(path))
    is_same = seen is not None and (size, modified) == (seen.size, seen.modified)
    attempts = seen.attempts + 1 if seen is not None and is_same else 1
    begun = InboxFile(str(path), size, modified, attempts, "importing", "", 0, time.time())
    db.feedback_state.set_file(begun)
    return begun


def _settled(path: Path) -> tuple[int, float] | None:
    """Size and time of a file once they stay as they are; None if they do not, or it is gone."""
    until = time.monotonic() + _PATIENCE_SECONDS
    before: tuple[int, float] | None = None
    while time.monotonic() < until:
        try:
            stat = path.stat()
        except OSError:
            return None
        now = stat.st_size, stat.st_mtime
        if now == before or time.time() - stat.st_mtime > _PATIENCE_SECONDS:
            return now
        before = now
        time.sleep(_SETTLED_SECONDS)
    return None
