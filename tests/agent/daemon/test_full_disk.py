"""A disk that fills up: nothing is lost, it is said, and the work goes on by itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon import log, resources
from copydesk.agent.daemon.service import Service
from copydesk.agent.desk import space
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.hooks import failpoints, spool

Eventually = Callable[..., None]
Git = Callable[..., str]


def text(found: Repository) -> str:
    return "\n".join(log.tail(found.desk, 200))


def test_a_full_disk_is_told_from_other_troubles() -> None:
    assert space.is_full(OSError(28, "x"))
    assert space.is_full(sqlite3.OperationalError("database or disk is full"))
    assert not space.is_full(sqlite3.OperationalError("disk I/O error"))
    assert not space.is_full(None)
    outer = ValueError("x")
    outer.__cause__ = OSError(122, "quota")
    assert space.is_full(outer)


def test_the_ballast_is_laid_once_and_thrown_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert space.lay_ballast(tmp_path)
    assert space.lay_ballast(tmp_path)
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= space.BALLAST_BYTES
    assert space.throw_ballast(tmp_path)
    assert not space.throw_ballast(tmp_path)
    monkeypatch.setenv(failpoints.FAIL, "space.ballast:enospc")
    assert not space.lay_ballast(tmp_path)
    assert not space.lay_ballast(tmp_path / "nowhere")
    assert not space.low(tmp_path / "nowhere")
    assert not list(tmp_path.glob("ballast*"))


def test_a_daemon_that_cannot_write_pauses_and_goes_on(
    found: Repository,
    serving: Callable[..., Service],
    eventually: Eventually,
    done: Callable[[], list[str]],
    repo: Path,
    commit: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = serving(rescan_seconds=0.2)
    eventually(lambda: len(done()) == 1)
    eventually(lambda: (found.desk / "ballast").exists())
    monkeypatch.setattr(space, "LOW_BYTES", 1 << 60)
    monkeypatch.setenv(failpoints.FAIL, "store.commit:enospc")
    sha = commit(repo, {"a.py": "1"})
    eventually(lambda: "the disk is full: paused" in text(found))
    assert not (found.desk / "ballast").exists()
    monkeypatch.delenv(failpoints.FAIL)
    monkeypatch.setattr(space, "LOW_BYTES", 1)
    service.wakeup()
    eventually(lambda: sha in done(), seconds=60)
    eventually(lambda: (found.desk / "ballast").exists())
    assert "there is room on the disk again" in text(found)


def test_a_job_that_found_no_room_is_not_counted_against(
    found: Repository,
    serving: Callable[..., Service],
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(failpoints.FAIL, "work.step:enospc")
    serving()
    eventually(lambda: ": full" in text(found))
    with open_desk(found.desk) as db:
        assert db.execute("SELECT state, attempts FROM jobs").fetchone() == ("ready", 0)


def test_a_failure_while_the_disk_is_full_is_not_counted_against(
    found: Repository,
    serving: Callable[..., Service],
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_desk(found.desk) as db:
        db.jobs.enqueue("crash", "x", priority=5)
    monkeypatch.setattr(resources, "pause_reason", lambda *_: "")
    monkeypatch.setattr(space, "LOW_BYTES", 1 << 60)
    serving()
    eventually(lambda: "crash x: full" in text(found))


@pytest.mark.parametrize("ballast", [True, False])
def test_a_daemon_that_starts_on_a_full_disk(
    found: Repository, worker_script: Path, monkeypatch: pytest.MonkeyPatch, ballast: bool
) -> None:
    if ballast:
        space.lay_ballast(found.desk)
    monkeypatch.setenv(failpoints.FAIL, "lock.note:enospc")
    throw = space.throw_ballast

    def thrown(desk: Path) -> bool:
        monkeypatch.delenv(failpoints.FAIL)
        return throw(desk)

    monkeypatch.setattr(space, "throw_ballast", thrown)
    service = Service(
        found.common_dir, worker_command=[sys.executable, str(worker_script)], idle_seconds=0.05
    )
    assert service.run() == (0 if ballast else 1)
    service.close()
    said = "threw off the ballast to be able to start" if ballast else "cannot go on: "
    assert said in text(found)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB."""
    where = tmp_path / "disk"
    where.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount")
    if not made or subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(where)], stderr=subprocess.DEVNULL
    ):
        pytest.skip("mounting needs root")
    yield where
    subprocess.call(["umount", "-l", str(where)])


def fill(disk: Path) -> None:
    """Use up every byte, as another program would."""
    with contextlib.suppress(OSError), (disk / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\xff" * size):
                    pass


def test_a_disk_that_is_really_full(
    handled: Callable[[Repository], int],
    disk: Path,
    git: Git,
    commit: Callable[..., str],
    daemon_argv: Callable[..., list[str]],
    eventually: Eventually,
) -> None:
    repo = disk / "repo"
    git(disk, "init", "-q", str(repo))
    commit(repo, {"a.py": "0"})
    found = find(repo)
    daemon = subprocess.Popen(daemon_argv(found.common_dir))

    def done() -> list[str]:
        path = found.desk / "done.txt"
        return path.read_text().split() if path.exists() else []

    shas = []
    eventually(lambda: len(done()) == 1 and (found.desk / "ballast").exists(), seconds=60)
    for number in range(3):
        daemon.send_signal(signal.SIGSTOP)
        shas.append(commit(repo, {"a.py": f"a{number}"}))
        spool.write_notification(str(found.common_dir), "post-commit", str(repo))
        with contextlib.closing(sqlite3.connect(found.desk / "desk.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # its log must grow again
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            spool.write_notification(str(found.common_dir), "post-commit", str(repo) * 5000)
        daemon.send_signal(signal.SIGCONT)
        eventually(lambda n=number: text(found).count("the disk is full") > n, seconds=60)
        assert daemon.poll() is None
        assert "the disk is full" in resources.pause_reason(Personal(), found.desk)
        assert not set(shas[-1:]) & set(done())
        (disk / "filler").unlink()
        eventually(lambda s=shas[-1]: s in done(), seconds=90)
        eventually(lambda: (found.desk / "ballast").exists(), seconds=60)
    daemon.terminate()
    assert daemon.wait(60) == 0
    with open_desk(found.desk) as db:
        assert handled(found) == 3
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
