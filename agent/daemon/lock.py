"""One daemon a repository: the lock, and the note beside it that says who holds it.

The lock alone decides; it goes with its process, however that ends. It is never unlinked:
two processes could then each hold the lock of a file of that name.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from copydesk.hooks import failpoints, filesystem, start_daemon

_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: the note in daemon.json. `started` is Unix time."""

    pid: int
    version: str
    prefix: str
    hostname: str
    started: float


class DaemonLock:
    """The daemon's lock on a desk."""

    def __init__(self, desk: Path) -> None:
        desk.mkdir(mode=0o700, exist_ok=True)  # never a repository that is gone
        self._path = desk / start_daemon.LOCK
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self) -> bool:
        """Take the lock; False when another daemon has it.

        Who only asks whether a daemon lives holds a shared lock for a moment; that one is
        waited for.
        """
        until = time.monotonic() + _PATIENCE_SECONDS
        while not filesystem.take_lock(self._file):
            if not filesystem.take_lock(self._file, shared=True):
                return False
            self.release()
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        return True

    def release(self) -> None:
        """Let go of the lock."""
        filesystem.release_lock(self._file)

    def close(self) -> None:
        """Let go of the lock for good."""
        os.close(self._file)

    def in_place(self) -> bool:
        """Whether the file is still the one that others would lock."""
        with contextlib.suppress(OSError):
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        return False


@contextlib.contextmanager
def try_lock(desk: Path) -> Iterator[DaemonLock | None]:
    """Hold the lock of a desk; None when another daemon has it."""
    lock = DaemonLock(desk)
    try:
        yield lock if lock.acquire() else None
    finally:
        lock.close()


def write_note(desk: Path) -> Holder:
    """Say in daemon.json that this process holds the lock."""
    version = start_daemon.VERSION
    holder = Holder(os.getpid(), version, sys.prefix, socket.gethostname(), time.time())
    temporary = desk / (start_daemon.NOTE + ".tmp")
    failpoints.failpoint("lock.note")
    temporary.write_text(json.dumps(asdict(holder)))
    failpoints.failpoint("lock.noted")
    temporary.replace(desk / start_daemon.NOTE)
    return holder


def remove_note(desk: Path) -> None:
    """Take the note away: whoever finds one without a holder knows of an unclean end."""
    failpoints.failpoint("lock.unnote")
    (desk / start_daemon.NOTE).unlink(missing_ok=True)


def read_note(desk: Path) -> Holder | None:
    """Who said last that they hold the lock; whether they still do, only the lock can tell."""
    try:
        return Holder(**json.loads((desk / start_daemon.NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
