"""The daemon and its worker are killed at every rung of a draft: it is there after, and once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.daemon import lock
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.hooks import failpoints, start_daemon

RUNS = 4
"""Sandbox runs of a draft on its way up."""

POINTS = [f"climb.{when}-{n}" for n in range(1, RUNS + 1) for when in ("begun", "stored")]
SAME = ("verdict", "rungs", "tests", "gained_lines", "mutants_killed", "mutants_total")
"""What of the evidence does not follow from the clock or the history."""
FILES = {
    "shop.py": "def price(amount, rate=2):\n    if amount < 0:\n        return 0\n"
    "    return amount * rate\n",
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}
WORKER = """
import os, sys
from copydesk.agent.daemon import worker_main
from copydesk.hooks import failpoints, start_daemon
fail = failpoints._fail
def marking(name, how):
    open(os.environ["MARK"], "a").close()
    fail(name, how)
failpoints._fail = marking
sys.exit(worker_main.main(sys.argv[1:]))
"""
DAEMON = """
import sys
from pathlib import Path
from copydesk.agent.daemon import service
sys.exit(service.run(Path(sys.argv[1]), worker_command=[sys.executable, sys.argv[2]],
                     idle_seconds=600, rescan_seconds=0.5))
"""


def until(ready: Callable[[], bool], seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def start(repo: Repository, worker: Path, mark: Path, failing: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "MARK": str(mark), failpoints.FAIL: failing}
    argv = [sys.executable, "-c", DAEMON, str(repo.common_dir), str(worker)]
    return subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(repo: Repository) -> list[dict[str, Any]]:
    """What the drafts of a repository hold once the daemon has nothing left to do."""
    with open_desk(repo.desk) as db:
        counts = db.jobs.counts()
        known = db.execute("SELECT count(*) FROM jobs WHERE kind = 'draft'").fetchone()[0]
        if not known or counts.ready or counts.running:
            return []
        assert counts.failed == 0
        assert db.execute("SELECT count(*) FROM climbs").fetchone() == (0,)
        return [
            {name: draft.evidence[name] for name in SAME} | {"content": draft.content}
            for draft in db.drafts.find(kind="test")
        ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_draft_survives_a_kill_at_every_rung(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    found = find(repo)
    set_config(found, "copydesk.python", sys.executable)
    commit(repo, FILES)
    worker, mark = tmp_path / "worker.py", tmp_path / "mark"
    worker.write_text(WORKER)
    whole: list[dict[str, Any]] = []
    for number, point in enumerate(["", *POINTS]):
        if point:
            set_back(found)
            commit(repo, {"other.py": f"X = {number}\n"})
            failing = start(found, worker, mark, f"{point}:kill")
            until(mark.exists)
            mark.unlink()
            failing.send_signal(signal.SIGKILL)
            failing.wait()
            until(lambda: lock.read_note(found.desk) is None or not alive(found))
        daemon = start(found, worker, mark, "")
        try:
            until(lambda: bool(finished(found)))
        finally:
            daemon.terminate()
            daemon.wait(60)
        evidence = finished(found)
        assert len(evidence) == 1, point
        assert evidence[0]["verdict"] == "verified"
        whole = whole or evidence
        assert evidence == whole, point
        assert not mark.exists()


def alive(repo: Repository) -> bool:
    return start_daemon.daemon_runs(str(repo.common_dir))


def set_back(repo: Repository) -> None:
    """Forget the desk, so that all is to be done again."""
    for path in repo.desk.glob("desk.db*"):
        path.unlink()
