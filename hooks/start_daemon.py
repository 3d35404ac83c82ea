"""Whether a repository's daemon runs, and starting it."""

from __future__ import annotations

import os
import sys

from copydesk.hooks.failpoints import failpoint
from copydesk.hooks.filesystem import release_lock, take_lock
from copydesk.hooks.spool import DESK, UPGRADE, write_notification

VERSION = "0.2.0"
"""copydesk's version, where a hook can read it without looking for metadata."""

LOCK = "daemon.lock"
"""The file in the desk's folder that a daemon locks as long as it runs."""

NOTE = "daemon.json"
"""The file in which a daemon says which version it is, and which process."""


def daemon_runs(common: str) -> bool:
    """Whether a process holds the daemon's lock.

    Asked with a shared lock, so that two who ask at once do not take each other for a daemon.
    """
    try:
        lock = os.open(os.path.join(common, DESK, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:  # nothing has been here yet
        return False
    try:
        if not take_lock(lock, shared=True):
            return True
        release_lock(lock)
    finally:
        os.close(lock)
    return False


def is_older(common: str) -> bool:
    """Whether the daemon's note names an older copydesk than this one."""
    try:
        with open(os.path.join(common, DESK, NOTE), encoding="utf-8") as file:
            text = file.read(4096)
    except OSError:
        return False
    # json would take 6 ms to import
    version = text.partition('"version": "')[2].partition('"')[0]
    return bool(version) and version_numbers(version) < version_numbers(VERSION)


def version_numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version such as 1.2.3, to compare with another's."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def ensure_daemon(common: str, argv: list[str] | None = None) -> bool:
    """Start a daemon for the repository unless one runs, or this is a CI machine.

    A daemon of an older copydesk is asked to make room.

    Args:
        common: The shared git folder.
        argv: What to start instead of copydesk's daemon.

    Returns:
        Whether one was started.
    """
    common = os.path.realpath(common)
    if os.environ.get("CI"):
        return False
    if daemon_runs(common):
        if is_older(common):
            write_notification(common, UPGRADE, sys.executable)
        return False
    failpoint("notify.start")
    start_detached(argv or daemon_command(common), common)
    return True


def daemon_command(common: str, python: str = sys.executable) -> list[str]:
    """The command that is the daemon of a repository."""
    return [python, "-P", "-m", "copydesk.agent.daemon.service", common]


def start_detached(argv: list[str], folder: str) -> None:
    """Start a program that shares nothing with us: no stream, no session, no parent.

    A child that kept one of the three streams would hang every caller of `git commit` that
    reads from a pipe.

    Args:
        argv: The program and its arguments.
        folder: Where it runs.
    """
    if not hasattr(os, "fork"):
        _start_detached_on_windows(argv, folder)
        return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            os.chdir(folder)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.closerange(3, 1024)
            os.execve(argv[0], argv, _environment())
    finally:
        os._exit(0)


def _start_detached_on_windows(argv: list[str], folder: str) -> None:
    import subprocess  # 10 ms that only Windows pays

    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    flags |= getattr(subprocess, "CREATE_NO_WINDOW", 0)  # DETACHED_PROCESS would pop up windows
    null = subprocess.DEVNULL
    subprocess.Popen(
        argv,
        # an open handle on a folder forbids to rename or delete it
        cwd=os.path.dirname(folder.rstrip("/\\")) or None,
        env=_environment(),
        stdin=null,
        stdout=null,
        stderr=null,
        close_fds=True,
        creationflags=flags,
    )


def _environment() -> dict[str, str]:
    # where a daemon runs already, which is nearly always, nobody waits for this import
    from copydesk.hooks.environment import scrubbed

    environment = scrubbed(os.environ)
    for name in ("PWD", "OLDPWD"):  # it runs in another folder
        environment.pop(name, None)
    return environment
