"""A user's environment, and no daemon left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon import lock
from copydesk.agent.git.repository import Repository, find, set_config


@pytest.fixture(autouse=True)
def _no_daemon_stays(tmp_path: Path) -> Iterator[None]:
    yield
    for path in tmp_path.rglob("copydesk/daemon.lock"):
        _end_daemon(path)


def _end_daemon(path: Path) -> None:
    """End the holder of a lock and keep the lock: a hook may still be about to start another."""
    mine = os.open(path, os.O_RDWR)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        holder = lock.read_note(path.parent)
        if holder and holder.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
        time.sleep(0.01)


@pytest.fixture
def found(repo: Path) -> Repository:
    """The repository, with an interpreter that has what measuring needs."""
    known = find(repo)
    set_config(known, "copydesk.python", sys.executable)
    return known
