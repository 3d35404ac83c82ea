from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.daemon import step_context, worker_main, worker_process
from copydesk.agent.daemon.log import tail
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Job

Git = Callable[..., str]


class Busy(CopydeskError):
    retry = True


def greet(given: StepContext, subject: str) -> None:
    given.say(f"hello {subject} in {given.repo.top}")


def refuse(given: StepContext, subject: str) -> None:
    raise CopydeskError("no pytest", slug="missing-packages", hint="Install it.")


def later(given: StepContext, subject: str) -> None:
    raise Busy("the model is busy", slug="model-busy")


def give_up(given: StepContext, subject: str) -> None:
    raise Superseded


def crash(given: StepContext, subject: str) -> None:
    raise ValueError("a bug")


def wait_in_vain(given: StepContext, subject: str) -> None:
    given.db.execute("PRAGMA busy_timeout = 0")
    with open_desk(given.repo.desk) as other, transaction(other), transaction(given.db):
        raise AssertionError("two held the lock")


STEPS = {
    "busy": wait_in_vain,
    "greet": greet,
    "refuse": refuse,
    "later": later,
    "give-up": give_up,
    "crash": crash,
}


def job(repo: Repository, kind: str) -> str:
    with open_desk(repo.desk) as db:
        db.jobs.enqueue(kind, "x")
        (identity,) = db.execute("SELECT id FROM jobs WHERE kind = ?", (kind,)).fetchone()
    return str(identity)


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("greet", worker_process.DONE, ""),
        ("refuse", worker_process.FINAL, "no pytest\nInstall it.\n"),
        ("later", worker_process.RETRY, "the model is busy\n"),
        ("give-up", worker_process.SUPERSEDED, ""),
        ("unheard-of", worker_process.FINAL, "there is no kind of job named 'unheard-of'"),
        ("crash", worker_process.RETRY, "ValueError: a bug"),
        ("busy", worker_process.BUSY, "another process has held it"),
    ],
)
def test_how_a_step_ends_is_the_exit_code(
    found: Repository,
    kind: str,
    code: int,
    said: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_main, "lower_priority", lambda: None)  # it would last for all tests
    assert worker_main.main([str(found.common_dir), job(found, kind)], STEPS) == code
    assert said in capfd.readouterr().err
    if kind == "greet":
        assert tail(found.desk, 1)[0].endswith(f"hello x in {found.top}")


def test_a_job_that_is_gone_is_superseded(
    found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_main, "lower_priority", lambda: None)
    assert worker_main.main([str(found.common_dir), "4711"], STEPS) == worker_process.SUPERSEDED


def test_without_a_job_the_desk_is_made_ready(repo: Path) -> None:
    known = find(repo)
    assert worker_main.main([str(known.common_dir)], STEPS) == worker_process.DONE
    assert (known.desk / "desk.db").exists()


def test_two_workers_never_work_at_once(
    found: Repository, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker_main, "lower_priority", lambda: None)
    monkeypatch.setattr(worker_main, "_PATIENCE_SECONDS", 0.05)
    other = os.open(found.desk / "work.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert (
        worker_main.main([str(found.common_dir), job(found, "greet")], STEPS)
        == worker_process.RETRY
    )
    assert "not ended yet" in capfd.readouterr().err
    os.close(other)


def test_the_module_runs_as_a_program(found: Repository) -> None:
    argv = [*worker_process.command(), str(found.common_dir), job(found, "unheard-of")]
    done = subprocess.run(argv, stdin=subprocess.PIPE, capture_output=True, text=True)
    assert done.returncode == worker_process.FINAL
    assert "there is no kind of job named" in done.stderr


TOLD_TO_END = """
import os, signal, sys
from copydesk.agent.daemon import worker_main

def told(name):
    if name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGTERM)

worker_main.failpoints.failpoint = told
sys.exit(worker_main.main(sys.argv[2:], {"greet": lambda given, subject: None}))
"""


@pytest.mark.parametrize(
    ("when", "code"), [("work.step", 128 + signal.SIGTERM), ("work.done", worker_process.DONE)]
)
def test_a_worker_that_is_told_to_end_says_whether_its_job_is_done(
    found: Repository, when: str, code: int
) -> None:
    argv = [sys.executable, "-c", TOLD_TO_END, when, str(found.common_dir), job(found, "greet")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True) as child:
        assert child.wait(30) == code


def test_the_repository_is_seen_from_its_main_worktree(
    repo: Path, tmp_path: Path, git: Git
) -> None:
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    assert step_context.repository(find(linked).common_dir).top == repo


def test_a_bare_repository_is_seen_from_a_linked_worktree(
    repo: Path, tmp_path: Path, git: Git
) -> None:
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    assert step_context.repository(bare).top is None
    git(bare, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    assert step_context.repository(bare).top == tmp_path / "linked"


def test_a_submodule_is_seen_where_it_is(repo: Path, tmp_path: Path, git: Git) -> None:
    (tmp_path / "outer").mkdir()
    git(tmp_path / "outer", "init", "-q")
    git(
        tmp_path / "outer",
        *("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "inner"),
    )
    inner = find(tmp_path / "outer" / "inner")
    assert step_context.repository(inner.common_dir).top == tmp_path / "outer" / "inner"


def run(code: str, seconds: float = 30.0) -> tuple[worker_process.WorkerProcess, threading.Event]:
    ended = threading.Event()
    argv = [sys.executable, "-c", code]
    return worker_process.WorkerProcess(
        argv, Path("/"), Job(1, "k", "s", 1), seconds, ended.set
    ), ended


@pytest.mark.parametrize(
    ("code", "how", "said"),
    [
        ("", "done", ""),
        ("raise SystemExit(3)", "superseded", ""),
        ("import sys; print('why', file=sys.stderr); sys.exit(70)", "final", "why"),
        ("import sys; sys.exit(75)", "retry", ""),
        ("import sys; sys.exit(9)", "retry", "ended with exit code 9"),
        ("import os; os.kill(os.getpid(), 9)", "retry", "ended by signal 9"),
    ],
)
def test_what_becomes_of_a_worker(code: str, how: str, said: str) -> None:
    child, ended = run(code)
    assert ended.wait(20)
    assert not child.running()
    assert child.result() == (how, said)


def test_only_the_end_of_what_a_worker_says_is_kept() -> None:
    child, ended = run("import sys; sys.stderr.write('x' * 10**6 + 'end'); sys.exit(75)")
    assert ended.wait(20)
    _, said = child.result()
    assert said.endswith("end")
    assert len(said) <= worker_process.TAIL_BYTES


def test_a_worker_that_takes_too_long_is_ended_for_good() -> None:
    child, ended = run("import time; time.sleep(60)", seconds=0.2)
    assert not ended.wait(0.3)
    child.running()
    assert ended.wait(20)
    how, said = child.result()
    assert (how, "longer" in said) == ("final", True)


def test_a_killed_worker_takes_its_children_along(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    child, _ = run(
        "import subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r}, 'w').write(str(inner.pid) + '\\n'); time.sleep(60)"
    )
    until = time.monotonic() + 20
    while not (pids.exists() and pids.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.01)
    child.kill()
    assert child.result()[0] == "retry"
    assert ended_soon(int(pids.read_text()))


def ended_soon(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_worker_ends_when_its_daemon_is_gone(found: Repository, worker_script: Path) -> None:
    identity = job(found, "hang")
    child = subprocess.Popen(
        [sys.executable, str(worker_script), str(found.common_dir), identity],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdin
    time.sleep(0.5)
    assert child.poll() is None
    child.stdin.close()
    assert child.wait(20) == -signal.SIGKILL
