from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.daemon import control, lock
from copydesk.agent.daemon.control import Status
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, find
from copydesk.hooks import spool, start_daemon

Commit = Callable[..., str]
Eventually = Callable[..., None]
Argv = Callable[..., list[str]]


@pytest.fixture
def no_commits(tmp_path: Path, git: Callable[..., str]) -> Repository:
    """A repository in which copydesk's own daemon finds nothing to do."""
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "init", "-q")
    return find(tmp_path / "fresh")


def test_start_status_stop(no_commits: Repository) -> None:
    assert control.status(no_commits) == Status(False)
    assert not control.stop(no_commits)
    started = control.start(no_commits)
    assert started.running
    assert started.prefix == sys.prefix
    assert control.start(no_commits).pid == started.pid
    assert not control.ensure(no_commits)
    assert control.stop(no_commits)
    assert not control.status(no_commits).running
    assert any(line.endswith("stopped") for line in control.logs(no_commits))


def test_on_a_ci_machine_only_the_user_starts_it(
    no_commits: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert not control.ensure(no_commits)
    assert not control.status(no_commits).running
    assert control.start(no_commits).running


def test_the_daemon_of_another_installation_is_replaced(
    found: Repository, daemon_argv: Argv, eventually: Eventually
) -> None:
    other = subprocess.Popen(daemon_argv(found.common_dir))
    eventually(lambda: control.status(found).pid == other.pid)
    note = json.loads((found.desk / "daemon.json").read_text())
    (found.desk / "daemon.json").write_text(json.dumps(note | {"version": "0.0.1"}))
    assert control.ensure(found)
    assert other.wait(20) == 0
    eventually(lambda: control.status(found).pid not in (None, other.pid))


def test_a_daemon_that_does_not_end_is_named(
    found: Repository, daemon_argv: Argv, eventually: Eventually
) -> None:
    daemon = subprocess.Popen(daemon_argv(found.common_dir))
    eventually(lambda: control.status(found).pid == daemon.pid)
    eventually(lambda: control.logs(found))
    daemon.send_signal(signal.SIGSTOP)
    with pytest.raises(CopydeskError, match=f"process {daemon.pid}") as error:
        control.stop(found, timeout=0.3)
    assert error.value.slug == "daemon-not-stopped"
    daemon.kill()
    daemon.wait(20)


def test_a_process_that_got_the_number_of_a_daemon_is_left_alone(found: Repository) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with lock.try_lock(found.desk):
        note = dataclasses.replace(lock.write_note(found.desk), pid=other.pid)
        (found.desk / "daemon.json").write_text(json.dumps(dataclasses.asdict(note)))
        with pytest.raises(CopydeskError):
            control.stop(found, timeout=0.2)
        (found.desk / "daemon.json").unlink()
    assert other.poll() is None
    other.kill()
    other.wait(20)


def test_a_lock_without_a_note_is_a_daemon_all_the_same(found: Repository) -> None:
    with lock.try_lock(found.desk):
        assert control.status(found) == Status(True)


def test_a_daemon_that_does_not_come_up_is_an_error(
    found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "START_SECONDS", 0.2)
    monkeypatch.setattr(control, "ensure", lambda *_, **__: True)
    with pytest.raises(CopydeskError) as error:
        control.start(found)
    assert error.value.slug == "daemon-not-started"


def test_waiting_ends_when_all_is_done(
    found: Repository, repo: Path, commit: Commit, daemon_argv: Argv, eventually: Eventually
) -> None:
    (found.desk / "pace").write_text("0.3")
    start_daemon.ensure_daemon(str(found.common_dir), daemon_argv(found.common_dir))
    sha = commit(repo, {"a.py": "1"})
    eventually(lambda: control.status(found).running)
    said: list[str] = []
    assert control.wait(found, 30, said.append)
    with open_desk(found.desk) as db:
        assert db.execute("SELECT state FROM jobs WHERE subject = ?", (sha,)).fetchone() == (
            "done",
        )
    assert said


def test_waiting_gives_up_in_time(
    found: Repository, daemon_argv: Argv, eventually: Eventually
) -> None:
    with open_desk(found.desk) as db:
        db.jobs.enqueue("hang", "x", priority=9)
    start_daemon.ensure_daemon(str(found.common_dir), daemon_argv(found.common_dir))
    eventually(lambda: control.status(found).running)
    began = time.monotonic()
    assert not control.wait(found, 0.5, print)
    assert time.monotonic() - began < 10


def test_waiting_starts_a_daemon(no_commits: Repository) -> None:
    spool.write_notification(str(no_commits.common_dir), "post-commit", "/")
    assert control.wait(no_commits, 30, print)
    assert control.status(no_commits).running


def test_nothing_to_wait_for_needs_no_daemon(no_commits: Repository) -> None:
    assert control.wait(no_commits, 5, print)
    assert not control.status(no_commits).running


def test_a_newer_copydesk_replaces_an_older_daemon_by_a_notification(
    repo: Path, found: Repository, eventually: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook of the new version asks; the old daemon makes room and starts the new one."""
    control.start(found)
    old = control.status(found)
    note = json.loads((found.desk / start_daemon.NOTE).read_text())
    (found.desk / start_daemon.NOTE).write_text(json.dumps(note | {"version": "0.0.9"}))
    assert start_daemon.is_older(str(found.common_dir))
    assert not start_daemon.ensure_daemon(str(found.common_dir))

    def replaced() -> bool:
        now = control.status(found)
        return (
            now.running and now.version == start_daemon.VERSION and now.pid not in (None, old.pid)
        )

    eventually(replaced)
    assert "making room for a newer copydesk" in "\n".join(control.logs(found))
    assert not start_daemon.is_older(str(found.common_dir))
    control.stop(found)
    assert not start_daemon.is_older(str(found.common_dir))


def test_a_newer_copydesk_that_is_not_there_replaces_nobody(
    found: Repository, eventually: Callable[..., None]
) -> None:
    control.start(found)
    pid = control.status(found).pid
    spool.write_notification(str(found.common_dir), spool.UPGRADE, "/no/such/python")
    eventually(lambda: not (any((found.desk / "spool/new").iterdir())))
    assert control.status(found).pid == pid
    control.stop(found)


@pytest.mark.parametrize(
    ("one", "other"), [("0.9.9", "0.10.0"), ("1.0", "1.0.1"), ("0.1.0rc1", "0.1.1")]
)
def test_versions_are_compared_by_their_numbers(one: str, other: str) -> None:
    assert start_daemon.version_numbers(one) < start_daemon.version_numbers(other)
