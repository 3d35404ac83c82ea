from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon import job_runner, lock, log
from copydesk.agent.daemon.job_runner import JobRunner
from copydesk.agent.daemon.service import Service, run
from copydesk.agent.daemon.wakeup import WakeUp
from copydesk.agent.daemon.worker_process import WorkerProcess
from copydesk.agent.desk.store import SCHEMA, open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Job
from copydesk.hooks import start_daemon

Git = Callable[..., str]
Commit = Callable[..., str]
Eventually = Callable[..., None]
Serving = Callable[..., Service]
Done = Callable[[], list[str]]


def states(repo: Repository) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(repo.desk / "desk.db", timeout=20)) as db:
        return dict(db.execute("SELECT kind || ' ' || subject, state FROM jobs"))


def test_a_commit_is_seen_without_any_hook_and_measured(
    found: Repository,
    repo: Path,
    commit: Commit,
    serving: Serving,
    eventually: Eventually,
    done: Done,
) -> None:
    serving()
    eventually(lambda: len(done()) == 1)
    sha = commit(repo, {"a.py": "1"})
    eventually(lambda: sha in done())
    eventually(lambda: states(found)[f"measure {sha}"] == "done")


def test_a_commit_made_while_no_daemon_lived_is_found_at_the_start(
    repo: Path, commit: Commit, serving: Serving, eventually: Eventually, done: Done
) -> None:
    first = serving(idle_seconds=0.1)
    eventually(lambda: len(done()) == 1)
    first.stop()
    sha = commit(repo, {"a.py": "1"})
    eventually(lambda: not start_daemon.daemon_runs(str(repo / ".git")))
    serving()
    eventually(lambda: sha in done())


@pytest.mark.parametrize(("exit_code", "state"), [(0, "done"), (75, "ready")])
def test_a_daemon_that_ends_takes_the_word_of_a_worker_that_has_ended(
    found: Repository, exit_code: int, state: str
) -> None:
    wakeup = WakeUp()
    try:
        with open_desk(found.desk) as db:
            runner = JobRunner(found, db, [], wakeup, log.daemon_logger(found.desk))
            db.jobs.enqueue("measure", "x")
            leased = db.jobs.lease(seconds=60)
            assert leased
            argv = [sys.executable, "-c", f"raise SystemExit({exit_code})"]
            ended = WorkerProcess(argv, found.common_dir, leased, 60, wakeup)
            runner._lanes[0].worker = ended
            until = time.monotonic() + 20
            while ended.running() and time.monotonic() < until:
                time.sleep(0.01)
            runner.stop()
        assert states(found) == {"measure x": state}
    finally:
        wakeup.close()


@pytest.mark.parametrize(
    ("kind", "state", "error"),
    [
        ("refuse", "failed", "there is no pytest\nInstall it."),
        ("give-up", "dropped", "superseded"),
        ("crash", "ready", "ValueError: a bug"),
        ("later", "ready", "the model is busy"),
        ("die", "ready", "ended by signal 9"),
    ],
)
def test_a_job_that_does_not_go_well(
    found: Repository,
    serving: Serving,
    eventually: Eventually,
    kind: str,
    state: str,
    error: str,
) -> None:
    with open_desk(found.desk) as db:
        db.jobs.enqueue(kind, "x", priority=5)
    serving()
    eventually(lambda: log.tail(found.desk, 50) and f"{kind} x: " in text(found, ": started"))
    with contextlib.closing(sqlite3.connect(found.desk / "desk.db", timeout=20)) as db:
        row = db.execute("SELECT state, error FROM jobs WHERE kind = ?", (kind,)).fetchone()
    assert row[0] == state
    assert error in row[1]


def text(repo: Repository, without: str) -> str:
    return "\n".join(line for line in log.tail(repo.desk, 200) if not line.endswith(without))


def test_a_job_past_its_time_is_ended(
    found: Repository, repo: Path, git: Git, serving: Serving, eventually: Eventually
) -> None:
    git(repo, "config", "copydesk.measureSeconds", "0.5")
    with open_desk(found.desk) as db:
        db.jobs.enqueue("hang", "x", priority=5)
    serving()
    eventually(lambda: states(found)["hang x"] == "failed")


def test_a_measure_makes_way_for_that_of_a_newer_commit(
    found: Repository,
    repo: Path,
    commit: Commit,
    serving: Serving,
    eventually: Eventually,
    done: Done,
) -> None:
    (found.desk / "pace").write_text("300")
    older = commit(repo, {"a.py": "x = 1\n"})
    serving()
    paced = found.desk / "paced.txt"
    eventually(lambda: paced.exists() and paced.read_text() == older)
    (found.desk / "pace").write_text("0")
    newer = commit(repo, {"a.py": "x = 2\n"})
    eventually(lambda: newer in done())
    assert done()[0] == newer
    said = "\n".join(log.tail(found.desk, 200))
    assert f"measure {older[:12]}: cut short" in said


def test_not_every_measure_makes_way(found: Repository) -> None:
    with open_desk(found.desk) as db:
        job = Job(1, "measure", "a" * 40, 1)
        runner = JobRunner(found, db, [], lambda: None, log.daemon_logger(found.desk))
        assert not runner.should_make_way(job)  # nothing waits
        db.execute("INSERT INTO tips VALUES (?)", ("b" * 40,))
        db.jobs.enqueue("measure", "b" * 40)
        assert runner.should_make_way(job)
        assert not runner.should_make_way(replace(job, kind="draft"))
        assert not runner.should_make_way(replace(job, sha="b" * 40))
        runner._cuts = job_runner.MAX_CUTS
        assert not runner.should_make_way(job)
        runner.stop()


def test_superseded_drafts_start_no_worker(
    found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runner.resources, "pause_reason", lambda *_: "")
    with open_desk(found.desk) as db:
        shas = [letter * 40 for letter in "ab"]
        for sha in shas:
            db.execute("INSERT INTO commits VALUES (?, '', '', '', '', 0)", (sha,))
            db.jobs.enqueue("draft", sha)
        db.commits.replace_tips(shas[1:])
        no_worker = [sys.executable, "-c", ""]
        wakeup = WakeUp()
        runner = JobRunner(found, db, no_worker, wakeup, log.daemon_logger(found.desk))
        try:
            runner.step(Personal())
            leased = [lane.worker.job.sha for lane in runner._lanes if lane.worker]
            assert leased == shas[1:]
        finally:
            runner.stop()
            wakeup.close()
    assert states(found)[f"draft {shas[0]}"] == "dropped"
    said = "\n".join(log.tail(found.desk, 20))
    assert f"draft {shas[0][:12]}: superseded, not started" in said


def test_told_to_stop_it_gives_the_job_in_hand_back(
    found: Repository, serving: Serving, eventually: Eventually
) -> None:
    with open_desk(found.desk) as db:
        db.jobs.enqueue("hang", "x", priority=5)
    service = serving()
    eventually(lambda: states(found)["hang x"] == "running")
    service.stop()
    eventually(lambda: states(found)["hang x"] == "ready")
    eventually(lambda: not start_daemon.daemon_runs(str(found.common_dir)))


def test_with_nothing_to_do_it_ends(found: Repository, repo: Path, git: Git) -> None:
    git(repo, "config", "copydesk.idleSeconds", "0.2")
    service = Service(found.common_dir, worker_command=[sys.executable, "-c", ""])
    assert service.run() == 0
    service.close()
    assert log.tail(found.desk, 1)[0].endswith("stopped")


def test_a_second_daemon_leaves_at_once(found: Repository) -> None:
    with lock.try_lock(found.desk):
        service = Service(found.common_dir)
        assert service.run() == 0
        service.close()
    assert log.tail(found.desk, 5) == []


def test_it_goes_when_its_repository_goes(
    found: Repository, repo: Path, daemon_argv: Callable[..., list[str]], eventually: Eventually
) -> None:
    daemon = subprocess.Popen(daemon_argv(found.common_dir))
    eventually(lambda: start_daemon.daemon_runs(str(found.common_dir)))
    eventually(lambda: "started" in text(found, "nothing"))
    for _ in range(3):  # the daemon may write while the folder goes
        shutil.rmtree(repo, ignore_errors=True)
    assert daemon.wait(20) in (0, 1)


def test_it_goes_when_copydesk_itself_goes(
    found: Repository, serving: Serving, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serving()
    monkeypatch.setattr(sys, "prefix", "/nowhere/at/all")
    service.wakeup()
    eventually(lambda: not start_daemon.daemon_runs(str(found.common_dir)))


def test_a_desk_of_a_newer_copydesk_is_left_alone(found: Repository, worker_script: Path) -> None:
    with open_desk(found.desk) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    service = Service(found.common_dir, worker_command=[sys.executable, str(worker_script)])
    assert service.run() == 1
    service.close()
    assert "newer copydesk" in "\n".join(log.tail(found.desk, 5))


def test_refs_that_cannot_be_read_are_tried_again(
    found: Repository, serving: Serving, eventually: Eventually, git: Git, repo: Path
) -> None:
    head = (found.common_dir / "HEAD").read_bytes()
    (found.common_dir / "HEAD").write_text("nonsense")
    serving(rescan_seconds=0.1)
    eventually(lambda: "could not be read" in text(found, "nothing"))
    (found.common_dir / "HEAD").write_bytes(head)
    eventually(lambda: "1 new commit" in text(found, "nothing"))


def test_a_signal_ends_it(
    found: Repository, daemon_argv: Callable[..., list[str]], eventually: Eventually
) -> None:
    daemon = subprocess.Popen(daemon_argv(found.common_dir))
    eventually(lambda: "started" in text(found, "nothing"))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert log.tail(found.desk, 1)[0].endswith("stopped")


def test_a_bug_in_the_daemon_is_in_its_log(
    found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(self: Service) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Service, "run", burst)
    former = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    try:
        assert run(found.common_dir) == 1
    finally:
        for number, handler in zip(
            (signal.SIGTERM, signal.SIGINT, signal.SIGHUP), former, strict=True
        ):
            signal.signal(number, handler)
    assert "RuntimeError: a bug" in log.tail(found.desk, 1)[0]


def test_run_is_the_daemon_until_there_is_nothing_to_do(
    found: Repository, worker_script: Path, done: Done
) -> None:
    former = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    command = [sys.executable, str(worker_script)]
    try:
        assert run(found.common_dir, worker_command=command, idle_seconds=0.1) == 0
    finally:
        for number, handler in zip(
            (signal.SIGTERM, signal.SIGINT, signal.SIGHUP), former, strict=True
        ):
            signal.signal(number, handler)
    assert len(done()) == 1


def test_two_worktrees_share_one_daemon(
    repo: Path,
    tmp_path: Path,
    git: Git,
    commit: Commit,
    serving: Serving,
    eventually: Eventually,
    done: Done,
) -> None:
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    serving()
    eventually(lambda: done())
    here, there = commit(repo, {"a.py": "1"}), commit(linked, {"b.py": "1"})
    eventually(lambda: {here, there} <= set(done()))
    assert find(linked).desk == find(repo).desk


def test_a_daemon_at_rest_is_small_and_has_imported_nothing_large(
    found: Repository, eventually: Eventually, tmp_path: Path, worker_script: Path
) -> None:
    script = tmp_path / "probing.py"
    script.write_text(
        "import json, sys\nfrom pathlib import Path\n"
        "from copydesk.agent.daemon import service\n"
        f"code = service.run(Path({str(found.common_dir)!r}), idle_seconds=0.5,"
        f" worker_command=[{sys.executable!r}, {str(worker_script)!r}])\n"
        "print(json.dumps(sorted(sys.modules)))\nsys.exit(code)\n"
    )
    (found.desk / "desk.db").unlink()  # the desk is made in a child, not in the daemon
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=plain()
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    large = {"click", "git", "ollama", "rich", "sqlite_utils", "coverage", "asyncio", "pandas"}
    assert not loaded & (large | {"pydantic", "httpx", "ruamel", "email", "catboost"})
    assert {"watchdog", "sqlite3"} <= loaded


def plain() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}


def test_the_daemon_sleeps_when_there_is_nothing_to_do(
    found: Repository, daemon_argv: Callable[..., list[str]], eventually: Eventually, done: Done
) -> None:
    daemon = subprocess.Popen(daemon_argv(found.common_dir))
    stat = Path(f"/proc/{daemon.pid}/stat")
    if not stat.exists():
        pytest.skip("needs /proc")
    eventually(lambda: done() and "measure" in text(found, "started"))
    time.sleep(0.2)

    def ticks() -> int:
        fields = stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1.0)
    assert ticks() - before <= 5
    rss = next(
        int(line.split()[1])
        for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    assert rss < 40_000
    daemon.terminate()
    daemon.wait(20)


def test_a_repository_that_is_gone_is_not_made_again(tmp_path: Path, worker_script: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from copydesk.agent.daemon import service;"
        "sys.exit(service.run(Path(sys.argv[1])))"
    )
    gone = tmp_path / "gone" / ".git"
    assert subprocess.run([sys.executable, "-c", code, str(gone)]).returncode == 1
    assert not gone.exists()
