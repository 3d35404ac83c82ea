"""Room on the disk: knowing that there is none left, and a ballast to throw off then."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path

from copydesk.hooks import failpoints

BALLAST_BYTES = 2 << 20
LOW_BYTES = 16 << 20
"""Free bytes below which no work is begun: a measure would only fail half-way."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if isinstance(error, sqlite3.Error) and "disk is full" in str(error):
            return True
        if getattr(error, "slug", "") == "disk-full":
            return True
        error = error.__cause__
    return False


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
