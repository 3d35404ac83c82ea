"""What keeps a desk from being written: no room on the disk, or another process that writes."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from copydesk.hooks import failpoints

BALLAST_BYTES = 2 << 20
LOW_BYTES = 16 << 20
"""Free bytes below which no work is begun: a measure would only fail half-way."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that the disk is full."""
    return any(_says_full(each) for each in _causes(error))


def is_busy(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that another process holds the desk."""
    return any(_says_busy(each) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    if isinstance(error, sqlite3.Error):
        return "disk is full" in str(error)
    return getattr(error, "slug", "") == "disk-full"


def _says_busy(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return getattr(error, "slug", "") == "desk-busy"


def free(folder: Path) -> int:
    """Bytes that are free for us where a folder lies."""
    return shutil.disk_usage(folder).free


def low(folder: Path) -> bool:
    """Whether too little is free to begin any work."""
    with contextlib.suppress(OSError):
        return free(folder) < LOW_BYTES
    return False


def lay_ballast(desk: Path) -> bool:
    """Put a file by that is thrown off when the disk is full, so that the desk can be written.

    Returns:
        Whether it lies there now.
    """
    path = desk / "ballast"
    temporary = desk / "ballast.tmp"
    with contextlib.suppress(OSError):
        if path.exists():
            return True
        failpoints.failpoint("space.ballast")
        # random: a file system that compresses would keep nothing for a file of zeros
        temporary.write_bytes(os.urandom(BALLAST_BYTES))
        temporary.replace(path)
        return True
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
    return False


def throw_ballast(desk: Path) -> bool:
    """Make the room that the ballast took; False when it was gone already."""
    try:
        (desk / "ballast").unlink()
    except OSError:
        return False
    return True
