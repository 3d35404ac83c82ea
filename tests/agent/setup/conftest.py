"""A user's environment, and no daemon left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon import lock
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.hooks import knock


@pytest.fixture(autouse=True)
def _no_daemon_stays(tmp_path: Path) -> Iterator[None]:
    yield
    until = time.monotonic() + 10
    for note in tmp_path.rglob("copydesk/daemon.lock"):
        while knock.daemon_lives(str(note.parents[1])) and time.monotonic() < until:
            holder = lock.read_note(note.parent)
            if holder:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder.pid, signal.SIGKILL)
            time.sleep(0.01)


@pytest.fixture
def found(repo: Path) -> Repository:
    """The repository, with an interpreter that has what measuring needs."""
    known = find(repo)
    set_config(known, "copydesk.python", sys.executable)
    return known
