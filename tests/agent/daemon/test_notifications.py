from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.config import Personal
from copydesk.agent.daemon import notifications
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.log import daemon_logger, tail
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository
from copydesk.hooks import spool


def test_a_notification_is_read_and_stays_until_it_is_removed(found: Repository) -> None:
    spool.write_notification(str(found.common_dir), "post-commit", "/some where/else")
    assert notifications.waiting(found.desk)
    (read,) = notifications.unread(found.desk)
    assert (read.hook, read.worktree) == ("post-commit", "/some where/else")
    assert notifications.unread(found.desk) == [read]
    notifications.remove([read])
    assert not notifications.waiting(found.desk)
    assert notifications.unread(found.desk) == []
    notifications.remove([read])  # who is ended in between removes it again


@pytest.fixture
def scanner(found: Repository) -> Iterator[Scanner]:
    """What the daemon looks with."""
    watcher = FileWatcher(found.common_dir, lambda: None)
    with open_desk(found.desk) as db:
        logger = daemon_logger(found.desk)
        yield Scanner(found, db, watcher, logger, lambda python: None)
    watcher.stop()


def test_a_crash_before_the_file_goes_repeats_nothing(
    found: Repository, scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = spool.write_notification(str(found.common_dir), "post-merge", "/x")
    monkeypatch.setenv("COPYDESK_FAIL", "notifications.reconciled:exception")
    with pytest.raises(RuntimeError):
        scanner.scan(Personal())
    assert (notifications.folder(found.desk) / name).exists()
    assert desk_rows(found) == [("measure", "ready")]  # what it announced is on the desk
    monkeypatch.delenv("COPYDESK_FAIL")
    assert scanner.scan(Personal())
    assert not notifications.waiting(found.desk)
    assert desk_rows(found) == [("measure", "ready")]
    assert not scanner.scan(Personal())


def desk_rows(found: Repository) -> list[tuple[str, str]]:
    with open_desk(found.desk) as db:
        return db.execute("SELECT kind, state FROM jobs").fetchall()


def test_refs_that_cannot_be_read_keep_no_notification_for_ever(
    found: Repository, scanner: Scanner
) -> None:
    spool.write_notification(str(found.common_dir), "post-merge", "/x")
    (found.common_dir / "HEAD").write_text("nonsense")
    assert scanner.scan(Personal())
    assert not notifications.waiting(found.desk)


def test_a_process_number_that_comes_back_is_another_event(
    found: Repository, scanner: Scanner
) -> None:
    path = notifications.folder(found.desk) / "4711.post-commit"
    scanner.scan(Personal())
    for moment in (1_000, 2_000):
        path.write_text("post-commit\n/x\n")
        os.utime(path, ns=(moment, moment))
        assert scanner.scan(Personal())


def test_notifications_are_logged_by_hook_and_worktree(found: Repository, scanner: Scanner) -> None:
    for hook in ("post-commit", "post-merge", "post-commit"):
        spool.write_notification(str(found.common_dir), hook, "/x")
    scanner.scan(Personal())
    lines = [line.split(" ", 1)[1] for line in tail(found.desk, 2)]
    assert lines == ["notified by post-commit in /x (2 times)", "notified by post-merge in /x"]


def test_a_shell_hook_that_has_not_written_yet_counts_all_the_same(found: Repository) -> None:
    (notifications.folder(found.desk) / "4711.post-commit").touch()
    (read,) = notifications.unread(found.desk)
    assert (read.hook, read.worktree) == ("post-commit", "")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(content=st.binary(max_size=200))
def test_whatever_is_in_a_notification_it_can_be_logged(
    found: Repository, scanner: Scanner, content: bytes
) -> None:
    (notifications.folder(found.desk) / "1.post-commit").write_bytes(content)
    assert scanner.scan(Personal())
    assert "notified by post-commit in " in tail(found.desk, 1)[0]


def test_what_cannot_be_read_is_left(found: Repository) -> None:
    (notifications.folder(found.desk) / "folder.x").mkdir()
    (notifications.folder(found.desk) / "dangling").symlink_to("nowhere")
    assert notifications.unread(found.desk) == []


def test_half_written_files_are_swept_when_they_are_old(found: Repository) -> None:
    tmp = found.desk / "spool" / "tmp"
    (tmp / "young").touch()
    (tmp / "old").touch()
    os.utime(tmp / "old", (1, 1))
    assert notifications.sweep(found.desk) == 1
    assert [path.name for path in tmp.iterdir()] == ["young"]
    assert notifications.sweep(found.desk, now=time.time() + 2 * notifications.STALE_SECONDS) == 1


def test_no_spool_has_nothing(tmp_path: Path) -> None:
    assert not notifications.waiting(tmp_path)
    assert notifications.unread(tmp_path) == []


def test_what_is_no_notification_is_not_waited_for(tmp_path: Path) -> None:
    notifications.prepare(tmp_path)
    (notifications.folder(tmp_path) / "left.here").mkdir()
    assert not notifications.waiting(tmp_path)
    assert notifications.unread(tmp_path) == []
