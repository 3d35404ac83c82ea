from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.git.repository import Repository
from copydesk.hooks import spool

Git = Callable[..., str]


class Bell:
    def __init__(self) -> None:
        self.rung = threading.Event()

    def __call__(self) -> None:
        self.rung.set()

    def within(self, seconds: float) -> bool:
        rang = self.rung.wait(seconds)
        time.sleep(0.05)
        self.rung.clear()
        return rang


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def watcher(found: Repository, bell: Bell) -> Iterator[FileWatcher]:
    made = FileWatcher(found.common_dir, bell)
    yield made
    made.stop()


def test_a_notification_wakes(found: Repository, watcher: FileWatcher, bell: Bell) -> None:
    spool.write_notification(str(found.common_dir), "post-commit", "/")
    assert bell.within(5)


def test_taking_an_event_in_does_not(found: Repository, watcher: FileWatcher, bell: Bell) -> None:
    name = spool.write_notification(str(found.common_dir), "post-commit", "/")
    assert bell.within(5)
    (found.desk / "spool" / "new" / name).unlink()
    assert not bell.within(0.3)


@pytest.mark.parametrize(
    "command",
    [
        ("commit", "-q", "--allow-empty", "-m", "x"),
        ("branch", "deep/er"),
        ("checkout", "-q", "-b", "other"),
    ],
    ids=lambda words: words[0],
)
def test_a_moved_ref_wakes_without_any_hook(
    repo: Path, git: Git, watcher: FileWatcher, bell: Bell, command: tuple[str, ...]
) -> None:
    git(repo, *command)
    assert bell.within(5)


def test_a_linked_worktree_that_comes_later_is_watched(
    repo: Path, tmp_path: Path, git: Git, watcher: FileWatcher, bell: Bell
) -> None:
    git(repo, "worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked"))
    assert bell.within(5)
    assert watcher.refresh()
    bell.within(0.3)
    git(tmp_path / "linked", "checkout", "-q", "--detach")
    assert bell.within(5)


def test_reading_and_staging_do_not_wake(
    repo: Path, git: Git, watcher: FileWatcher, bell: Bell
) -> None:
    bell.within(0.2)
    (repo / "a.py").write_text("1")
    git(repo, "add", "a.py")
    git(repo, "status")
    git(repo, "for-each-ref")
    assert not bell.within(0.3)


def test_a_place_made_anew_is_watched_anew(
    found: Repository, watcher: FileWatcher, bell: Bell
) -> None:
    new = found.desk / "spool" / "new"
    new.rmdir()
    watcher.refresh()
    new.mkdir()
    watcher.refresh()
    bell.within(0.3)
    spool.write_notification(str(found.common_dir), "post-commit", "/")
    assert bell.within(5)


def test_without_inotify_it_polls(
    found: Repository, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchdog.observers

    def refuse(*_: object, **__: object) -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(watchdog.observers.Observer, "schedule", refuse)
    made = FileWatcher(found.common_dir, bell)
    try:
        assert made.polling
        time.sleep(0.2)
        spool.write_notification(str(found.common_dir), "post-commit", "/")
        assert bell.within(8)
    finally:
        made.stop()
