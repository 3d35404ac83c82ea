"""A turn of the daemon that fails costs that turn alone."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.daemon import main_loop
from copydesk.agent.daemon.main_loop import MAX_FAILURES, MainLoop, Pace
from copydesk.agent.daemon.wakeup import WakeUp
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository


class Scanner:
    """Fails so many times, then finds nothing."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.looks = failures, error, 0

    def scan(self, _personal: object) -> bool:
        self.looks += 1
        if self.looks <= self.failures:
            raise self.error
        return False


class Runner:
    """Has nothing to do."""

    deadline = None
    is_idle = True
    paused = ""

    def next_due(self) -> None:
        return None

    def step(self, _personal: object) -> bool:
        return False


@pytest.fixture
def wakeup() -> Iterator[WakeUp]:
    wakeup = WakeUp()
    yield wakeup
    wakeup.close()


def loop_of(found: Repository, wakeup: WakeUp, scanner: Any) -> MainLoop:
    found.desk.mkdir(exist_ok=True)
    pace = Pace(idle_seconds=0.0, rescan_seconds=0.0)
    runner: Any = Runner()
    return MainLoop(found, scanner, runner, wakeup, pace, logging.getLogger("copydesk-test"))


def test_a_turn_that_fails_is_told_whole_and_the_next_one_is_taken(
    found: Repository,
    wakeup: WakeUp,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main_loop, "PAUSE_SECONDS", 0.0)
    scanner = Scanner(2, KeyError("no such worktree"))
    loop_of(found, wakeup, scanner).run(lambda: True)
    assert scanner.looks == 3
    assert caplog.text.count("a turn of the daemon failed; it goes on") == 2
    assert "KeyError: 'no such worktree'" in caplog.text


def test_a_daemon_whose_every_turn_fails_ends(
    found: Repository, wakeup: WakeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_loop, "PAUSE_SECONDS", 0.0)
    scanner = Scanner(MAX_FAILURES, KeyError("no such worktree"))
    with pytest.raises(KeyError):
        loop_of(found, wakeup, scanner).run(lambda: True)
    assert scanner.looks == MAX_FAILURES


def test_what_the_user_can_act_on_ends_the_daemon_at_once(
    found: Repository, wakeup: WakeUp
) -> None:
    scanner = Scanner(1, CopydeskError("it is gone", slug="no-repository"))
    with pytest.raises(CopydeskError):
        loop_of(found, wakeup, scanner).run(lambda: True)


def lock_error(folder: Path) -> sqlite3.OperationalError:
    """What SQLite raises where another connection has held the lock for too long."""
    path = folder / "held.db"
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError) as raised:
            other.execute("BEGIN IMMEDIATE")
        other.close()
        holder.execute("ROLLBACK")
    holder.close()
    return raised.value


def test_a_daemon_waits_for_a_desk_that_another_process_holds_however_long(
    found: Repository,
    wakeup: WakeUp,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(main_loop, "PAUSE_SECONDS", 0.0)
    scanner = Scanner(3 * MAX_FAILURES, lock_error(tmp_path))
    loop_of(found, wakeup, scanner).run(lambda: True)
    assert scanner.looks == 3 * MAX_FAILURES + 1
    assert caplog.text.count("waiting for the desk: database is locked") == 1


def test_a_queue_that_cannot_be_asked_is_waited_for_too(
    found: Repository, wakeup: WakeUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(main_loop, "PAUSE_SECONDS", 0.0)
    errors: list[Exception] = [lock_error(tmp_path)]

    def next_due(_runner: Runner) -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr(Runner, "next_due", next_due)
    scanner = Scanner(0, KeyError())
    loop_of(found, wakeup, scanner).run(lambda: True)
    assert scanner.looks == 2
    errors.append(sqlite3.DatabaseError("file is not a database"))
    with pytest.raises(sqlite3.DatabaseError):
        loop_of(found, wakeup, scanner).run(lambda: True)
