from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from copydesk.agent.daemon import lock
from copydesk.hooks import start_daemon


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with lock.try_lock(tmp_path / "copydesk") as first:
        assert first is not None
        assert start_daemon.daemon_runs(str(tmp_path))
        with lock.try_lock(tmp_path / "copydesk") as second:
            assert second is None
    assert not start_daemon.daemon_runs(str(tmp_path))


def test_who_only_asks_does_not_keep_a_daemon_from_starting(tmp_path: Path) -> None:
    wanted = lock.DaemonLock(tmp_path)
    asking = os.open(tmp_path / start_daemon.LOCK, os.O_RDWR)
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.1, os.close, [asking]).start()
    assert wanted.acquire()
    wanted.close()


def test_who_asks_for_ever_is_not_waited_for(tmp_path: Path, monkeypatch: object) -> None:
    wanted = lock.DaemonLock(tmp_path)
    asking = os.open(tmp_path / start_daemon.LOCK, os.O_RDWR)
    fcntl.flock(asking, fcntl.LOCK_SH)
    started = time.monotonic()
    assert not wanted.acquire()
    assert time.monotonic() - started < 5
    os.close(asking)
    wanted.close()


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from copydesk.agent.daemon import lock\n"
        "with lock.try_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "copydesk")], stdout=subprocess.PIPE
    )
    assert holder.stdout
    with holder, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        assert start_daemon.daemon_runs(str(tmp_path))
        holder.kill()
    assert not start_daemon.daemon_runs(str(tmp_path))


def test_a_lock_whose_file_was_replaced_is_not_in_place(tmp_path: Path) -> None:
    with lock.try_lock(tmp_path) as held:
        assert held
        assert held.in_place()
        (tmp_path / start_daemon.LOCK).unlink()
        assert not held.in_place()
        (tmp_path / start_daemon.LOCK).touch()
        assert not held.in_place()


def test_the_note_says_who_holds_it(tmp_path: Path) -> None:
    assert lock.read_note(tmp_path) is None
    written = lock.write_note(tmp_path)
    assert lock.read_note(tmp_path) == written
    assert written.pid == os.getpid()
    assert written.prefix == sys.prefix
    (tmp_path / "daemon.json").write_text("{half")
    assert lock.read_note(tmp_path) is None
    (tmp_path / "daemon.json").write_text('{"pid": 1}')
    assert lock.read_note(tmp_path) is None


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    import importlib.metadata

    assert lock.write_note(tmp_path).version == importlib.metadata.version("copydesk")
