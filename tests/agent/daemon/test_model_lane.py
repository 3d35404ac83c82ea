"""Nothing waits for a model: what it does has a worker of its own, after and beside the others."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon.service import Service
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.hooks import start_daemon

Commit = Callable[..., str]
Eventually = Callable[..., None]
Serving = Callable[..., Service]
Done = Callable[[], list[str]]

STEPS = """
def event(context, what):
    with (context.repo.desk / "events.txt").open("a") as file:
        file.write(what + "\\n")

def ask(context, subject):
    event(context, "asked")
    (context.repo.desk / "asking.pid").write_text(str(os.getpid()))
    try:
        while not (context.repo.desk / "answer").exists():
            time.sleep(0.01)
        event(context, "answered")
    except SystemExit:
        event(context, "cancelled")
        raise

def measure(context, subject):
    event(context, "measure")
    note(context, subject)
    event(context, "measured")

STEPS |= {"measure": measure, "work": measure, "model": ask, "model-story": ask}
if __name__"""


@pytest.fixture
def lane(found: Repository, worker_script: Path) -> Iterator[Callable[[], list[str]]]:
    """What began and ended in both lanes, in order; a model answers when `answer` is there."""
    worker_script.write_text(worker_script.read_text().replace("if __name__", STEPS.lstrip(), 1))

    def read() -> list[str]:
        path = found.desk / "events.txt"
        return path.read_text().split() if path.exists() else []

    yield read
    (found.desk / "answer").touch()


def ready(repo: Repository, kind: deferred_work.WorkKind, sha: str) -> None:
    with open_desk(repo.desk) as db:
        deferred_work.defer(db, kind, sha, "no model yet")
        assert deferred_work.retry_due(db, lambda: "")


def state(repo: Repository, kind: str) -> str:
    with contextlib.closing(sqlite3.connect(repo.desk / "desk.db", timeout=20)) as db:
        row = db.execute("SELECT state FROM jobs WHERE kind = ?", (kind,)).fetchone()
    return str(row[0]) if row else ""


def test_commits_are_measured_while_a_model_has_not_answered_yet(
    found: Repository,
    repo: Path,
    commit: Commit,
    serving: Serving,
    eventually: Eventually,
    done: Done,
    lane: Callable[[], list[str]],
) -> None:
    ready(found, "story", "a" * 40)
    serving()
    eventually(lambda: "asked" in lane())
    shas = []
    for number in range(5):
        shas.append(commit(repo, {"a.py": str(number)}))
        eventually(lambda sha=shas[-1]: sha in done())
    eventually(lambda: lane().count("measured") >= 6)
    assert "answered" not in lane()  # all that began and ended, did so while the model was asked
    assert lane().count("measure") == lane().count("measured")
    assert state(found, "model-story") == "running"
    (found.desk / "answer").touch()
    eventually(lambda: state(found, "model-story") == "done")


def test_a_model_is_only_asked_when_nothing_is_to_be_measured(
    found: Repository, serving: Serving, eventually: Eventually, lane: Callable[[], list[str]]
) -> None:
    (found.desk / "answer").touch()
    ready(found, "story", "a" * 40)
    with open_desk(found.desk) as db:
        for number in range(4):
            db.jobs.enqueue("work", str(number))
    serving()
    eventually(lambda: "answered" in lane())
    assert lane() == [*["measure", "measured"] * 5, "asked", "answered"]


def test_a_job_that_waits_to_be_tried_again_holds_no_model_up(
    found: Repository, serving: Serving, eventually: Eventually, lane: Callable[[], list[str]]
) -> None:
    (found.desk / "answer").touch()
    ready(found, "draft", "a" * 40)
    with open_desk(found.desk) as db:
        db.execute("INSERT INTO tips VALUES (?)", ("a" * 40,))
        db.jobs.enqueue("crash", "x", priority=5)
    serving()
    eventually(lambda: "answered" in lane())
    assert state(found, "crash") == "ready"


def test_one_model_job_runs_at_a_time(
    found: Repository, serving: Serving, eventually: Eventually, lane: Callable[[], list[str]]
) -> None:
    for letter in "ab":
        ready(found, "story", letter * 40)
    serving()
    eventually(lambda: "asked" in lane())
    (found.desk / "answer").touch()
    eventually(lambda: lane().count("answered") == 2)
    asked = [what for what in lane() if what != "measure" and what != "measured"]
    assert asked == ["asked", "answered"] * 2


def test_a_model_that_drafts_for_a_commit_that_is_no_tip_any_more_is_stopped(
    found: Repository,
    repo: Path,
    commit: Commit,
    serving: Serving,
    eventually: Eventually,
    lane: Callable[[], list[str]],
) -> None:
    sha = commit(repo, {"a.py": "1"})
    service = serving()
    eventually(lambda: "measured" in lane())
    ready(found, "draft", sha)
    service.wakeup()
    eventually(lambda: "asked" in lane())
    commit(repo, {"a.py": "2"})
    eventually(lambda: state(found, "model") == "dropped")
    assert "answered" not in lane()


def test_a_daemon_that_ends_has_the_model_stop_and_asks_it_later(
    found: Repository, serving: Serving, eventually: Eventually, lane: Callable[[], list[str]]
) -> None:
    ready(found, "story", "a" * 40)
    first = serving()
    eventually(lambda: "asked" in lane())
    first.stop()
    eventually(lambda: not start_daemon.daemon_runs(str(found.common_dir)))
    assert state(found, "model-story") == "ready"
    assert "cancelled" in lane()
    (found.desk / "answer").touch()
    serving()
    eventually(lambda: state(found, "model-story") == "done")


def test_a_killed_worker_that_asks_a_model_is_replaced(
    found: Repository, serving: Serving, eventually: Eventually, lane: Callable[[], list[str]]
) -> None:
    ready(found, "story", "a" * 40)
    service = serving()
    eventually(lambda: "asked" in lane())
    with open_desk(found.desk) as db:
        db.execute("UPDATE jobs SET attempts = 0")
    eventually((found.desk / "asking.pid").exists)
    os.kill(int((found.desk / "asking.pid").read_text()), signal.SIGKILL)
    eventually(lambda: state(found, "model-story") == "ready")
    with open_desk(found.desk) as db:
        db.execute("UPDATE jobs SET not_before = 0")
    (found.desk / "answer").touch()
    service.wakeup()
    eventually(lambda: state(found, "model-story") == "done")
