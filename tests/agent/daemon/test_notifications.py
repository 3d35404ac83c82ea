from __future__ import annotations

import os
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.daemon import notifications
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository
from copydesk.hooks import spool


def test_an_event_becomes_a_row_and_its_file_goes(found: Repository) -> None:
    spool.write_notification(str(found.common_dir), "post-commit", "/some where/else")
    assert notifications.waiting(found.desk)
    with open_desk(found.desk) as db:
        (event,) = notifications.take_in(db, found.desk)
        assert (event.hook, event.worktree) == ("post-commit", "/some where/else")
        assert not notifications.waiting(found.desk)
        assert notifications.take_in(db, found.desk) == []
        rows = db.execute("SELECT hook, worktree FROM events").fetchall()
        assert rows == [("post-commit", "/some where/else")]


def test_a_crash_before_the_file_goes_repeats_nothing(found: Repository) -> None:
    name = spool.write_notification(str(found.common_dir), "post-merge", "/x")
    path = notifications.folder(found.desk) / name
    kept = found.desk / "kept"
    os.link(path, kept)
    with open_desk(found.desk) as db:
        assert len(notifications.take_in(db, found.desk)) == 1
        os.link(kept, path)  # as if the file had not gone
        assert notifications.take_in(db, found.desk) == []
        assert not path.exists()
        assert db.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_process_number_that_comes_back_is_another_event(found: Repository) -> None:
    path = notifications.folder(found.desk) / "4711.post-commit"
    with open_desk(found.desk) as db:
        for moment in (1_000, 2_000):
            path.write_text("post-commit\n/x\n")
            os.utime(path, ns=(moment, moment))
            assert len(notifications.take_in(db, found.desk)) == 1


def test_a_shell_hook_that_has_not_written_yet_counts_all_the_same(found: Repository) -> None:
    (notifications.folder(found.desk) / "4711.post-commit").touch()
    with open_desk(found.desk) as db:
        (event,) = notifications.take_in(db, found.desk)
    assert (event.hook, event.worktree) == ("post-commit", "")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(content=st.binary(max_size=200))
def test_whatever_is_in_an_event_it_can_be_stored(found: Repository, content: bytes) -> None:
    (notifications.folder(found.desk) / "1.post-commit").write_bytes(content)
    with open_desk(found.desk) as db:
        assert len(notifications.take_in(db, found.desk)) == 1


def test_what_cannot_be_read_is_left(found: Repository) -> None:
    (notifications.folder(found.desk) / "folder.x").mkdir()
    (notifications.folder(found.desk) / "dangling").symlink_to("nowhere")
    with open_desk(found.desk) as db:
        assert notifications.take_in(db, found.desk) == []


def test_half_written_files_are_swept_when_they_are_old(found: Repository) -> None:
    tmp = found.desk / "spool" / "tmp"
    (tmp / "young").touch()
    (tmp / "old").touch()
    os.utime(tmp / "old", (1, 1))
    assert notifications.sweep(found.desk) == 1
    assert [path.name for path in tmp.iterdir()] == ["young"]
    assert notifications.sweep(found.desk, now=time.time() + 2 * notifications.STALE_SECONDS) == 1


def test_no_spool_has_nothing(tmp_path: Path, found: Repository) -> None:
    assert not notifications.waiting(tmp_path)
    with open_desk(found.desk) as db:
        assert notifications.take_in(db, tmp_path) == []
