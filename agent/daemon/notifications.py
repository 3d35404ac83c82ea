"""Reading the notifications that hooks leave in the spool, and removing them.

A notification is a wake-up and says nothing of a commit: what happened is read from git.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from copydesk.hooks import failpoints

STALE_SECONDS = 3600.0
_MAX_BYTES = 8192


class Notification(NamedTuple):
    """What a hook left: its file, the hook's name, and the worktree in which it ran."""

    path: Path
    hook: str
    worktree: str


def folder(desk: Path) -> Path:
    """Where notifications appear."""
    return desk / "spool" / "new"


def prepare(desk: Path) -> None:
    """Make the folders of the spool."""
    for name in ("tmp", "new"):
        (desk / "spool" / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def waiting(desk: Path) -> bool:
    """Whether there is a notification."""
    return bool(_files(desk))


def unread(desk: Path) -> list[Notification]:
    """The notifications there are, the oldest first."""
    readable = [notification for path in _files(desk) if (notification := read(path))]
    if readable:
        failpoints.failpoint("notifications.read")
    return readable


def _files(desk: Path) -> list[Path]:
    """The files in the folder of notifications, the oldest first. What else lies there is nobody's
    notification, and would be waited for without end."""
    with contextlib.suppress(OSError):
        return sorted(path for path in folder(desk).iterdir() if not path.is_dir())
    return []


def read(path: Path) -> Notification | None:
    """A notification from its file; what a shell hook has not written yet stays empty, and so does
    what may not be read: that something was left says enough.

    Args:
        path: The file, whose name ends in that of the hook.

    Returns:
        None when it is gone.
    """
    lines: list[str] = []
    try:
        with path.open("rb") as file:
            lines = os.fsdecode(file.read(_MAX_BYTES)).splitlines()
    except FileNotFoundError:
        return None
    except OSError:
        pass
    hook = path.name.rpartition(".")[2]
    worktree = lines[1] if len(lines) > 1 else ""
    # a path need not be text, what is logged must be
    return Notification(path, hook, worktree.encode("utf-8", "backslashreplace").decode())


def remove(notifications: Iterable[Notification]) -> None:
    """Remove the files of notifications that have been seen to."""
    for notification in notifications:
        notification.path.unlink(missing_ok=True)
        failpoints.failpoint("notifications.removed")


def sweep(desk: Path, now: float | None = None) -> int:
    """Remove what writers that died left half-written.

    Args:
        desk: The folder of the desk.
        now: The Unix time.

    Returns:
        How many files were removed.
    """
    now = time.time() if now is None else now
    removed = 0
    for path in (desk / "spool" / "tmp").iterdir():
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
                removed += 1
    return removed
