"""What the command line asks of the daemon: start, stop, status, wait, logs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from copydesk.agent.daemon import lock, log, notifications, reconcile
from copydesk.agent.daemon.reconcile import MEASURE
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import MODEL_KINDS
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.model.activity import activity_words, current_activity
from copydesk.agent.process import run, scrubbed_environment
from copydesk.agent.progress import Progress
from copydesk.agent.text import plural
from copydesk.hooks import environment, notify, spool, start_daemon

START_SECONDS = 10.0
ENSURE_SECONDS = 2.0
"""How long a command that only wants work done in the background waits for the daemon."""

STOP_SECONDS = 15.0

Goal = Literal["measured", "drafted", "all"]
GOALS: Final = get_args(Goal)
"""How far the work can be waited for."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a daemon lives for this repository and, if so, which. `started` is Unix time."""

    running: bool
    pid: int | None = None
    version: str | None = None
    prefix: str | None = None
    started: float | None = None


def status(repo: Repository) -> Status:
    """Whether a daemon lives; the lock alone decides, daemon.json says which it is."""
    if not start_daemon.daemon_runs(str(repo.common_dir)):
        return Status(False)
    note = lock.read_note(repo.desk)
    if note is None:
        return Status(True)
    return Status(True, note.pid, note.version, note.prefix, note.started)


def start(repo: Repository) -> Status:
    """Start the daemon because the user asked for it, on a CI machine too.

    Raises:
        CopydeskError: It did not come up.
    """
    ensure(repo, explicit=True)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        now = status(repo)
        if now.running and now.pid and _alive(now.pid):
            return now
        time.sleep(0.02)
    raise CopydeskError(
        "the daemon did not start",
        slug="daemon-not-started",
        hint=f"{repo.desk / log.NAME} may say why; `copydesk daemon run` shows it here.",
    )


def ensure(repo: Repository, *, explicit: bool = False) -> bool:
    """Wake the daemon, or start one; one of another version or installation is replaced.

    Args:
        repo: The repository.
        explicit: The user asked for it: start one even where CI is set.

    Returns:
        Whether one was started.
    """
    common = str(repo.common_dir)
    spool.write_notification(common, "command", str(repo.top or repo.common_dir))
    if os.environ.get("CI") and not explicit:
        return False
    note = lock.read_note(repo.desk)
    if note and _foreign(note) and start_daemon.daemon_runs(common):
        stop(repo)
    if start_daemon.daemon_runs(common):
        return False
    # in a process of its own: a fork of this one would copy threads it may have
    env = scrubbed_environment(keep=environment.KEPT)
    env.pop("CI", None)
    script = Path(notify.__file__)
    run([sys.executable, "-I", "-S", script, "--ensure", common], env=env, cwd=Path("/"))
    until = time.monotonic() + ENSURE_SECONDS
    while not start_daemon.daemon_runs(common) and time.monotonic() < until:
        time.sleep(0.01)
    return True


def _foreign(note: lock.Holder) -> bool:
    return (note.version, note.prefix) != (start_daemon.VERSION, sys.prefix)


def stop(repo: Repository, timeout: float = STOP_SECONDS) -> bool:
    """Ask the daemon to end and wait until it has. A job in hand goes back to the queue.

    Returns:
        Whether there was one.

    Raises:
        CopydeskError: It does not end, or cannot be reached from here.
    """
    now = status(repo)
    if not now.running:
        return False
    until = time.monotonic() + timeout
    told_to_end: set[int] = set()
    while time.monotonic() < until:
        note = lock.read_note(repo.desk)
        if note and note.pid not in told_to_end and _is_daemon(note.pid, repo):
            told_to_end.add(note.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(note.pid, signal.SIGTERM)
        if not start_daemon.daemon_runs(str(repo.common_dir)):
            return True
        time.sleep(0.02)
    raise CopydeskError(
        f"the daemon{f' (process {now.pid})' if now.pid else ''} does not stop",
        slug="daemon-not-stopped",
        hint="It may belong to another user or container; `copydesk daemon status` names it.",
    )


def _is_daemon(pid: int, repo: Repository) -> bool:
    """Whether that process is this repository's daemon, and not one that got its number."""
    if not Path("/proc/self/fd").is_dir():
        return _alive(pid)
    lock_file = str(repo.desk.resolve() / start_daemon.LOCK)
    with contextlib.suppress(OSError):  # it has ended, or is somebody else's
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(opened.readlink()) == lock_file:
                    return True
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def logs(repo: Repository, count: int = 50) -> list[str]:
    """The last lines of the daemon's log."""
    return log.tail(repo.desk, count)


def wait(repo: Repository, timeout: float, progress: Progress, goal: Goal = "all") -> bool:
    """Wait until notifications, commits and jobs have all been seen to.

    Starts a daemon when none lives. Jobs that were given up are nothing left to do, nor is what
    waits for a model that does not answer, or whose time in this hour is used up.

    Args:
        repo: The repository.
        timeout: Seconds.
        progress: Takes a line whenever what is left has changed.
        goal: How far the work shall be.

    Returns:
        False when time ran out first.
    """
    until = time.monotonic() + timeout
    reported, checked_at = "", 0.0
    with open_desk(repo.desk) as db:
        while True:
            jobs = _open_jobs(db, goal)
            if not jobs and not _has_unseen(repo, db):
                # what a job asked for between these looks is caught by the second count
                if not _open_jobs(db, goal):
                    return True
                continue
            line = _words(repo, db, jobs)
            if line != reported:
                progress(line)
                reported = line
            now = time.monotonic()
            if now > until:
                return False
            if now - checked_at > 1.0:
                checked_at = now
                if not start_daemon.daemon_runs(str(repo.common_dir)):
                    ensure(repo, explicit=True)
            time.sleep(0.05)


def _words(repo: Repository, db: Database, jobs: int) -> str:
    """What is left, and what a model does."""
    words = f"{plural(jobs, 'job')} left" if jobs else "looking for commits"
    activity = current_activity(db, repo.desk)
    return f"{words}; {activity_words(activity)}" if activity else words


def _open_jobs(db: Database, goal: Goal) -> int:
    kinds = db.jobs.open_kinds()
    return sum(count for kind, count in kinds.items() if _belongs(kind, goal))


def _belongs(kind: str, goal: Goal) -> bool:
    """Whether jobs of a kind have to be done for a goal."""
    if goal == "measured":
        return kind == MEASURE
    return goal == "all" or kind not in MODEL_KINDS


def _has_unseen(repo: Repository, db: Database) -> bool:
    return notifications.waiting(repo.desk) or reconcile.pending(repo, db)
