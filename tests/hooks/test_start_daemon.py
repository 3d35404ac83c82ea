from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

import pytest

from copydesk.hooks import start_daemon


def test_a_held_lock_is_a_daemon_and_two_who_ask_are_none(repo: Path) -> None:
    common = str(repo / ".git")
    (repo / ".git/copydesk").mkdir()
    lock = os.open(repo / ".git/copydesk/daemon.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    assert not start_daemon.daemon_runs(common)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert start_daemon.daemon_runs(common)
    assert not start_daemon.ensure_daemon(common, ["/bin/false"])
    os.close(lock)
    assert not start_daemon.daemon_runs(common)


def spy(tmp_path: Path) -> tuple[list[str], Path]:
    """A program that writes down what it was started with."""
    out = tmp_path / "spied"
    code = (
        "import os, sys; fds = os.listdir('/proc/self/fd')\n"
        "lines = [os.getcwd(), str(os.getsid(0) == os.getpid()), os.readlink('/proc/self/fd/1'),"
        " str(len(fds)), str(os.getppid()),"
        " *(f'{k}={v}' for k, v in os.environ.items())]\n"
        f"open({str(out)!r} + '.tmp', 'w').write('\\n'.join(lines))\n"
        f"os.rename({str(out)!r} + '.tmp', {str(out)!r})\n"
    )
    return [sys.executable, "-I", "-S", "-c", code], out


def test_what_is_started_shares_nothing_with_git(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/x")
    monkeypatch.setenv("GIT_INDEX_FILE", "/x/index")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/home/config")
    monkeypatch.setenv("VIRTUAL_ENV", "/hook/env")
    monkeypatch.setenv("PRE_COMMIT", "1")
    own = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"/hook/env/bin:{own}:/usr/bin:/bin")
    argv, out = spy(tmp_path)
    (repo / ".git/copydesk").mkdir()
    assert start_daemon.ensure_daemon(str(repo / ".git"), argv)
    until = time.monotonic() + 20
    while not out.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    cwd, leader, stdout, fds, parent, *rest = out.read_text().split("\n")
    environment = dict(line.split("=", 1) for line in rest)
    assert (cwd, leader, stdout) == (str(repo / ".git"), "False", "/dev/null")
    assert int(fds) <= 4
    assert int(parent) != os.getpid()
    assert environment["PATH"] == "/usr/bin:/bin"
    assert environment["GIT_CONFIG_GLOBAL"] == "/home/config"
    gone = {"GIT_DIR", "GIT_INDEX_FILE", "VIRTUAL_ENV", "PRE_COMMIT"}
    assert not gone & set(environment)
