"""Every place that writes, failed on purpose in four ways: nothing acknowledged may be lost.

A failing run drops an event, decides on a draft, makes a backup, prunes and then is the daemon,
with one failpoint set. A second run without it must find everything that the first said was done,
and do what it left undone.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlite_utils import Database

from copydesk.agent.desk.migrations import STEPS, migrations
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import SCHEMA, open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.review import decisions
from copydesk.hooks import failpoints

ROOT = Path(__file__).parents[3]
HOWS = ("kill", "enospc", "eio", "exception")
QUICK = (
    *(("notifications.reconciled", "kill"), ("jobs.leased", "enospc")),
    *(("drafts.decided", "eio"), ("work.done", "kill")),
)
"""Tried in the quick suite; the whole matrix is slow."""

MARKING = """
import os, sys
from copydesk.hooks import failpoints, spool, start_daemon
fail = failpoints._fail
def marking(name, how):
    open(os.environ["MARK"], "a").close()
    fail(name, how)
failpoints._fail = marking
"""
DRIVER = """
from pathlib import Path
from copydesk.agent.daemon import prune, service
from copydesk.agent.desk.backup import backup
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.review import decisions

repo = find(Path(sys.argv[1]))
common = str(repo.common_dir)

def step(name, call):
    try:
        call()
    except Exception as error:
        print("failed", name, repr(error), flush=True)
    else:
        print("acked", name, flush=True)

def desk(call):
    with open_desk(repo.desk) as db:
        call(db)

for number in range(3):
    step("event", lambda: spool.write_notification(common, "post-commit", f"/{number}"))
step("ensure", lambda: start_daemon.ensure_daemon(common, [sys.executable, "-c", ""]))
step("review", lambda: desk(lambda db: decisions.accept(repo, db, 1)))
step("reject", lambda: desk(lambda db: decisions.reject(repo, db, 2, "no")))
step("backup", lambda: backup(repo.desk))
step("prune", lambda: desk(lambda db: prune.prune(repo, db, 0.001)))
print("serving", flush=True)
sys.exit(service.run(repo.common_dir, worker_command=[sys.executable, sys.argv[2]],
                     idle_seconds=0.05, rescan_seconds=0.5))
"""


ELSEWHERE = {
    "review.announced": "writes of test files: tests/agent/review/test_together.py",
    "review.reverted": "writes of test files: tests/agent/review/test_together.py",
    "send.answered": "a command alone sends, never the daemon",
    "send.begun": "a command alone sends, never the daemon",
}
"""Failpoints that the driver does not come by, and why."""


def all_failpoints() -> list[str]:
    """The names of all failpoints that the driver comes by, read from the source."""
    asked = re.compile(r'\b(?:failpoint|point)\("([a-z.]+)"\)')
    return sorted(
        {
            name
            for room in ("agent", "hooks")
            for path in (ROOT / room).rglob("*.py")
            for name in asked.findall(path.read_text("utf-8"))
        }
        - ELSEWHERE.keys()
    )


class Scene(NamedTuple):
    repo: Repository
    driver: list[str]
    mark: Path
    noting: str


@pytest.fixture
def scene(
    repo: Path, tmp_path: Path, worker_script: Path, commit: Callable[..., str], noting: str
) -> Scene:
    """A repository with a commit that nobody has seen, and a desk of an older copydesk."""
    found = find(repo)
    found.desk.mkdir(mode=0o700)
    with contextlib.closing(sqlite3.connect(found.desk / "desk.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = wal")
        migrations.apply(Database(db), stop_before=STEPS[-1].__name__)
        db.execute(f"PRAGMA user_version = {SCHEMA - 1}")
        for number in (1, 2):
            db.execute(
                "INSERT INTO drafts (kind, state, sha, title, origin, path, target_function,"
                " content, created_at) VALUES ('devlog', 'ready', 'x', 't', 'template', ?, ?,"
                " 'words', '2026')",
                (f"outbox/{number}.md", str(number)),
            )
        # a waiting measure of a commit that nothing reaches any more, for the daemon to give up
        db.execute(
            "INSERT INTO jobs (kind, subject, state, priority, not_before, added_at)"
            " VALUES ('measure', ?, 'ready', 0, 1e12, 0)",
            ("e" * 40,),
        )
        # a waiting draft of a commit that is no tip, which nobody would start
        db.execute("INSERT INTO commits VALUES (?, '', 'Ada', '2026', 'no tip', 0)", ("f" * 40,))
        db.execute(
            "INSERT INTO jobs (kind, subject, state, priority, not_before, added_at)"
            " VALUES ('draft', ?, 'ready', 0, 1e12, 0)",
            ("f" * 40,),
        )
        # an old map for the pruning to drop
        db.execute(
            "INSERT INTO measures VALUES ('old', NULL, 'all', '', '', 0, 1, 1, 1, 0, 0, 1, 1, 100,"
            " 1, ?, ?, '2026')",
            (compress_ids([]), compress_ids([])),
        )
    commit(repo, {"a.py": "1"})
    driver = tmp_path / "driver.py"
    driver.write_text(MARKING + noting + DRIVER)
    worker_script.write_text(MARKING + worker_script.read_text())
    argv = [sys.executable, str(driver), str(repo), str(worker_script)]
    return Scene(found, argv, tmp_path / "mark", noting)


def test_there_are_at_least_twenty_five() -> None:
    assert len(all_failpoints()) >= 25


@pytest.mark.parametrize(("point", "how"), QUICK)
def test_a_fault_where_something_is_written(scene: Scene, point: str, how: str) -> None:
    fail(scene, point, how)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("point", all_failpoints())
def test_every_fault_everywhere(scene: Scene, point: str, how: str) -> None:
    fail(scene, point, how)


def fail(scene: Scene, point: str, how: str) -> None:
    fresh = point == "store.made"  # met only where there is no desk yet
    if fresh:
        for path in scene.repo.desk.glob("desk.db*"):
            path.unlink()
    acked = run(scene, f"{point}:{how}")
    assert scene.mark.exists(), "the failpoint was not reached"
    if acked["review"]:
        (scene.repo.desk / "outbox/1.md").unlink()  # it may not be needed again
    with (
        sqlite3.connect(scene.repo.desk / "desk.db", timeout=20) as db,
        contextlib.suppress(
            sqlite3.OperationalError  # a desk that was not even begun
        ),
    ):
        db.execute("UPDATE jobs SET not_before = 0")
    db.close()
    again(scene)
    check(scene, acked, fresh)


def environment(scene: Scene, failing: str) -> dict[str, str]:
    import os

    return {**os.environ, failpoints.FAIL: failing, "MARK": str(scene.mark)}


def run(scene: Scene, failing: str) -> dict[str, int]:
    """The failing run, ended when it has met its failpoint; what it acknowledged."""
    child = subprocess.Popen(
        scene.driver, env=environment(scene, failing), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < until:
        if scene.mark.exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(1.5)
            break
        time.sleep(0.02)
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    said, _ = child.communicate(timeout=60)
    words = [line.split()[:2] for line in said.splitlines()]
    return {name: words.count(["acked", name]) for name in ("event", "review", "reject", "backup")}


def again(scene: Scene) -> None:
    """The daemon once more, undisturbed."""
    code = scene.noting + (
        "import sys; from pathlib import Path; from copydesk.agent.daemon import service;"
        "sys.exit(service.run(Path(sys.argv[1]), worker_command=[sys.executable, sys.argv[2]],"
        " idle_seconds=0.05))"
    )
    argv = [sys.executable, "-c", code, str(scene.repo.common_dir), scene.driver[-1]]
    assert subprocess.run(argv, timeout=120).returncode == 0


def check(scene: Scene, acked: dict[str, int], fresh: bool) -> None:
    desk = scene.repo.desk
    with open_desk(desk) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        handled = desk / "handled.txt"
        events = set(handled.read_text().split()) if handled.exists() else set()
        assert acked["event"] <= len(events) <= 3
        assert not list((desk / "spool/new").iterdir())
        states = db.execute("SELECT state FROM jobs WHERE kind = 'measure'")
        assert sorted(states) == [("done",)] + [("dropped",)] * (not fresh)
        assert db.execute("SELECT count(*) FROM tips").fetchone() == (1,)
        reviews = dict(db.execute("SELECT draft_id, action FROM reviews"))
        drafts = dict(db.execute("SELECT id, state FROM drafts"))
        assert reviews.keys() == {i for i, state in drafts.items() if state != "ready"}
        assert (not acked["review"]) or reviews[1] == "accept"
        assert (not acked["reject"]) or reviews[2] == "reject"
        for number, state in drafts.items():  # what was not acknowledged can be done again
            if state == "ready":
                decisions.accept(scene.repo, db, number)
                assert json.loads(
                    db.execute("SELECT evidence FROM drafts WHERE id = ?", (number,)).fetchone()[0]
                )["accepted"]
    assert (desk / "done.txt").read_text().split() == [
        subprocess.check_output(
            ["git", "rev-parse", "HEAD"], cwd=scene.repo.worktree, text=True
        ).strip()
    ] * len((desk / "done.txt").read_text().split())
    for copy in (desk / "backups").glob("desk-*.db"):
        with contextlib.closing(sqlite3.connect(copy)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM drafts").fetchone() == (0 if fresh else 2,)


def test_a_fault_is_named_by_what_the_system_would_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(failpoints.FAIL, "a.b:enospc,store.begin:eio")
    with pytest.raises(OSError, match="No space left"):
        failpoints.failpoint("a.b")
    failpoints.failpoint("a")
    with pytest.raises(CopydeskError, match="I/O error"), open_desk(tmp_path):
        pass
    monkeypatch.setenv(failpoints.FAIL, "store.begin:enospc")
    with pytest.raises(CopydeskError, match="disk is full"), open_desk(tmp_path):
        pass
    monkeypatch.setenv(failpoints.FAIL, "x:exception")
    with pytest.raises(RuntimeError, match="failpoint x"):
        failpoints.failpoint("x")
