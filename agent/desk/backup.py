"""Copies of the desk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.hooks import failpoints, filesystem

KEEP = 3
"""How many automatic backups are kept."""

FOLDER = "backups"


def backup(desk: Path, to: Path | None = None, *, why: str = "hand", keep: int = KEEP) -> Path:
    """Copy the desk as it is at one moment, checked, while others go on writing.

    Args:
        desk: The folder of the desk.
        to: The file to write; by default one in the desk's folder `backups`, of which only
            `keep` are kept.
        why: A word for the file's name.
        keep: How many backups that were made for the same reason stay.

    Returns:
        The file.

    Raises:
        CopydeskError: It cannot be written, or the desk is damaged.
    """
    folder = desk / FOLDER
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    path = to or folder / f"desk-{stamp}-{why}-{os.getpid()}.db"
    temporary = path.with_name(f".{path.name}.partial")
    try:
        if to is None:
            folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
        _copy(desk / "desk.db", temporary)
        failpoints.failpoint("backup.copied")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        failpoints.failpoint("backup.replaced")
        filesystem.sync_folder(str(path.parent))
    except (OSError, sqlite3.Error) as error:
        raise CopydeskError(
            f"no backup could be made at {path}: {getattr(error, 'strerror', None) or error}",
            slug="no-backup",
            hint="`copydesk backup FILE` writes it elsewhere; `copydesk doctor` looks at the disk.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    if to is None:
        for old in listed(desk, why)[:-keep]:
            old.unlink(missing_ok=True)
    return path


def _copy(source: Path, target: Path) -> None:
    # not by SQLite's backup API: that starts again whenever somebody writes meanwhile
    with contextlib.closing(sqlite3.connect(source, timeout=20, isolation_level=None)) as db:
        db.execute("VACUUM INTO ?", (str(target),))
    damage = check(target)
    if damage:
        raise sqlite3.DatabaseError(damage)


def listed(desk: Path, why: str = "*") -> list[Path]:
    """The backups in the desk's own folder, the oldest first."""
    return sorted((desk / FOLDER).glob(f"desk-*-{why}-*.db"))


def check(path: Path, *, quick: bool = False) -> str:
    """What SQLite finds wrong with a database file; "" when it is well.

    Args:
        path: The file.
        quick: Leave the indexes out, which takes most of the time.
    """
    pragma = "quick_check" if quick else "integrity_check"
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as db:
            rows = [str(row[0]) for row in db.execute(f"PRAGMA {pragma}(3)")]
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "unable to open" in str(error):
            return ""  # nothing was found, for nothing could be looked at
        return str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if rows == ["ok"] else "; ".join(rows)
