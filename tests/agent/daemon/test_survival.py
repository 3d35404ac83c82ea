"""What must not be lost: events around the idle exit, and work under SIGKILL."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.daemon import lock, notifications
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository
from copydesk.hooks import spool, start_daemon

Commit = Callable[..., str]
Eventually = Callable[..., None]
Handled = Callable[[Repository], int]
Argv = Callable[..., list[str]]
Done = Callable[[], list[str]]


def wake(repo: Repository, argv: list[str]) -> None:
    spool.write_notification(str(repo.common_dir), "post-commit", "/")
    start_daemon.ensure_daemon(str(repo.common_dir), argv)


def kill_holder(repo: Repository) -> int | None:
    """Kill the daemon. Returns its process id; None when there was none to kill."""
    holder = lock.read_note(repo.desk)
    if holder is None or not start_daemon.daemon_runs(str(repo.common_dir)):
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(holder.pid, signal.SIGKILL)
        return holder.pid
    return None


def let_go(repo: Repository, killed: list[int]) -> bool:
    """Whether none of the killed holds the lock any more, in a thread or a child still dying."""
    holder = lock.read_note(repo.desk)
    return not start_daemon.daemon_runs(str(repo.common_dir)) or bool(
        holder and holder.pid not in killed
    )


def test_a_daemon_killed_in_the_middle_of_a_job_loses_and_repeats_nothing(
    found: Repository,
    repo: Path,
    commit: Commit,
    daemon_argv: Argv,
    eventually: Eventually,
    handled: Handled,
    done: Done,
) -> None:
    argv = daemon_argv(found.common_dir)
    (found.desk / "pace").write_text("0.5")
    sha = commit(repo, {"a.py": "1"})
    wake(found, argv)

    def running() -> bool:
        with open_desk(found.desk) as db:
            return bool(db.execute("SELECT 1 FROM jobs WHERE state = 'running'").fetchone())

    eventually(running)
    assert kill_holder(found)
    eventually(lambda: not start_daemon.daemon_runs(str(found.common_dir)))
    wake(found, argv)
    eventually(lambda: sha in done())
    eventually(lambda: not running())
    time.sleep(0.6)
    assert done() == [sha]


def test_no_event_around_the_idle_exit_is_orphaned(
    found: Repository, daemon_argv: Argv, eventually: Eventually, handled: Handled
) -> None:
    near_the_exit(found, daemon_argv, eventually, handled, rounds=25)


@pytest.mark.slow
def test_no_event_of_hundreds_around_the_idle_exit_is_orphaned(
    found: Repository, daemon_argv: Argv, eventually: Eventually, handled: Handled
) -> None:
    near_the_exit(found, daemon_argv, eventually, handled, rounds=300)


def near_the_exit(
    found: Repository, daemon_argv: Argv, eventually: Eventually, handled: Handled, *, rounds: int
) -> None:
    """Two events a round: one that starts a daemon, one when that daemon is about to go."""
    argv = daemon_argv(found.common_dir, 0.05)
    chance = random.Random(7)
    for _ in range(rounds):
        wake(found, argv)
        eventually(lambda: not notifications.waiting(found.desk))
        time.sleep(chance.uniform(0.0, 0.12))
        wake(found, argv)
        eventually(lambda: not notifications.waiting(found.desk))  # nobody notifies again meanwhile
    assert handled(found) == 2 * rounds


def test_a_storm_of_kills_loses_nothing(
    found: Repository,
    repo: Path,
    commit: Commit,
    daemon_argv: Argv,
    eventually: Eventually,
    handled: Handled,
) -> None:
    storm(found, repo, commit, daemon_argv, eventually, handled, events=40, kills=8)


@pytest.mark.slow
def test_a_thousand_events_under_a_hundred_kills(
    found: Repository,
    repo: Path,
    commit: Commit,
    daemon_argv: Argv,
    eventually: Eventually,
    handled: Handled,
) -> None:
    storm(found, repo, commit, daemon_argv, eventually, handled, events=1000, kills=100)


def storm(
    found: Repository,
    repo: Path,
    commit: Commit,
    daemon_argv: Argv,
    eventually: Eventually,
    handled: Handled,
    *,
    events: int,
    kills: int,
) -> None:
    argv = daemon_argv(found.common_dir, 0.2)
    chance = random.Random(3)
    strikes = set(chance.sample(range(events), kills))
    killed: list[int] = []
    for number in range(events):
        if number % 10 == 0:
            commit(repo, {"a.py": str(number)})
        wake(found, argv)
        if number in strikes:
            time.sleep(chance.uniform(0.05, 0.4))
            if pid := kill_holder(found):
                killed.append(pid)
    # a process killed while it writes to the disk or starts a child keeps the lock a little longer;
    # an event of that moment waits in the spool for the next one, and this is the last
    eventually(lambda: let_go(found, killed))
    wake(found, argv)
    eventually(lambda: not notifications.waiting(found.desk), seconds=60)
    eventually(lambda: not start_daemon.daemon_runs(str(found.common_dir)), seconds=60)
    assert killed
    with open_desk(found.desk) as db:
        assert handled(found) == events + 1
        left = db.execute("SELECT * FROM jobs WHERE state NOT IN ('done', 'dropped')").fetchall()
        assert left == []
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_spool_a_daemon_never_heard_of_is_taken_in(
    found: Repository, daemon_argv: Argv, eventually: Eventually, handled: Handled
) -> None:
    """Watching is only a wake-up: what came while the watcher slept is found by looking."""
    while_stopped(found, daemon_argv, eventually, handled, events=300)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_thousand_events_while_the_watcher_is_stopped(
    found: Repository,
    daemon_argv: Argv,
    eventually: Eventually,
    handled: Handled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than the kernel's queue of 16,384 holds; what it drops it does not tell."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the watcher is what is tried, not the disk
    while_stopped(found, daemon_argv, eventually, handled, events=20_000)


def while_stopped(
    found: Repository, daemon_argv: Argv, eventually: Eventually, handled: Handled, *, events: int
) -> None:
    daemon = subprocess.Popen(daemon_argv(found.common_dir))
    eventually(lambda: start_daemon.daemon_runs(str(found.common_dir)))
    eventually(lambda: handled(found) == 0 and (found.desk / "daemon.log").exists())
    daemon.send_signal(signal.SIGSTOP)
    for _ in range(events):
        spool.write_notification(str(found.common_dir), "post-commit", "/")
    daemon.send_signal(signal.SIGCONT)
    eventually(lambda: handled(found) == events, seconds=300)
    eventually(lambda: not notifications.waiting(found.desk))
    daemon.terminate()
    daemon.wait(20)
