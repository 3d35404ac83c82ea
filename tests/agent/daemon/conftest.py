"""Daemons with a worker of the test's own, and none of them left behind."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon import notifications
from copydesk.agent.daemon.service import Service
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.hooks import start_daemon

WORKER = """
import os, signal, sys, time
from copydesk.agent.daemon import worker_main
from copydesk.agent.errors import CopydeskError, Superseded

def note(context, subject):
    pace = context.repo.desk / "pace"
    seconds = float(pace.read_text()) if pace.exists() else 0
    (context.repo.desk / "paced.txt").write_text(subject)
    time.sleep(seconds)
    # what is noted has been done: told to end from here on, it says so
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with (context.repo.desk / "done.txt").open("a") as file:
        file.write(subject + "\\n")

def refuse(context, subject):
    raise CopydeskError("there is no pytest", slug="missing-packages", hint="Install it.")

def later(context, subject):
    error = CopydeskError("the model is busy", slug="model-busy")
    error.retry = True
    raise error

def crash(context, subject):
    raise ValueError("a bug")

def give_up(context, subject):
    raise Superseded

def die(context, subject):
    os.kill(os.getpid(), signal.SIGKILL)

def hang(context, subject):
    time.sleep(600)

STEPS = {"measure": note, "refuse": refuse, "later": later, "crash": crash,
         "give-up": give_up, "die": die, "hang": hang}
if __name__ == "__main__":
    sys.exit(worker_main.main(sys.argv[1:], STEPS))
"""
NOTING = """
from copydesk.agent.daemon import notifications
remove = notifications.remove
def note_and_remove(handled):
    if handled:
        with (handled[0].path.parents[2] / "handled.txt").open("a") as file:
            file.write("".join(one.path.name + "\\n" for one in handled))
    remove(handled)
notifications.remove = note_and_remove
"""
DAEMON = """
import sys
from pathlib import Path
from copydesk.agent.daemon import service
common, worker, idle = sys.argv[1:]
sys.exit(service.run(Path(common), worker_command=[sys.executable, worker],
                     idle_seconds=float(idle), rescan_seconds=2.0))
"""


@pytest.fixture
def worker_script(tmp_path: Path) -> Path:
    """A worker with the steps above."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    return script


@pytest.fixture
def daemon_argv(tmp_path: Path, worker_script: Path) -> Callable[..., list[str]]:
    """The command that runs a daemon with that worker."""
    script = tmp_path / "daemon.py"
    script.write_text(NOTING + DAEMON)

    def argv(common: Path, idle: float = 60.0) -> list[str]:
        return [sys.executable, str(script), str(common), str(worker_script), str(idle)]

    return argv


@pytest.fixture
def noting() -> str:
    """Code that has a daemon note which notifications it has seen to, before their files go."""
    return NOTING


@pytest.fixture
def handled() -> Callable[[Repository], int]:
    """How many notifications such a daemon has seen to, once or more."""

    def count(repo: Repository) -> int:
        path = repo.desk / "handled.txt"
        return len(set(path.read_text().split())) if path.exists() else 0

    return count


@pytest.fixture
def found(repo: Path) -> Repository:
    """The repository, with a desk."""
    known = find(repo)
    with open_desk(known.desk):
        notifications.prepare(known.desk)
    return known


@pytest.fixture
def serving(found: Repository, worker_script: Path) -> Iterator[Callable[..., Service]]:
    """Start a service in a thread: serving(idle_seconds=1) returns it; ended with the test."""
    running: list[tuple[Service, threading.Thread]] = []

    def start(**options: float) -> Service:
        service = Service(
            found.common_dir, worker_command=[sys.executable, str(worker_script)], **options
        )
        thread = threading.Thread(target=service.run)
        thread.start()
        running.append((service, thread))
        until = time.monotonic() + 10
        while not start_daemon.daemon_runs(str(found.common_dir)) and time.monotonic() < until:
            time.sleep(0.005)
        return service

    yield start
    for service, thread in running:
        service.stop()
        thread.join(20)
        assert not thread.is_alive()
        service.close()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until something is true: eventually(lambda: ..., seconds=10)."""

    def wait(true: Callable[[], object], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, "it never became true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def done(found: Repository) -> Callable[[], list[str]]:
    """What the worker has done, in order."""

    def read() -> list[str]:
        path = found.desk / "done.txt"
        return path.read_text().split() if path.exists() else []

    return read
