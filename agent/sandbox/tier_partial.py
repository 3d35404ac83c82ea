"""Tier partial: a fresh copy in a temporary folder, and a kernel that lets nothing else be written.

Linux: Landlock and a stricter system-call filter, through landlock_launcher.py. macOS:
sandbox-exec with a profile; that way is written after Apple's own profiles and has never been run.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from copydesk.agent.process import end_group
from copydesk.agent.sandbox import landlock_launcher, launch_script, seccomp, tier_off
from copydesk.agent.sandbox.interpreter_folders import SYSTEM
from copydesk.agent.sandbox.records import Limits
from copydesk.agent.sandbox.watchdog import Launch, WatchedRun, pipes, run_watched

_PATIENCE = 6.0  # seconds for the launcher to end what it has started
_FROM_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "alternatives"),
    *("passwd", "group", "hosts", "nsswitch.conf", "ssl", "pki", "crypto-policies"),
    *("services", "protocols", "os-release"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_MAC = (
    *("/usr", "/bin", "/sbin", "/System", "/Library/Frameworks", "/opt/homebrew"),
    *("/private/etc/localtime", "/private/etc/passwd", "/private/var/db/timezone"),
)
_SANDBOX_EXEC = "/usr/bin/sandbox-exec"


def missing() -> str:
    """Why there is no partial tier here, or ""."""
    if sys.platform == "darwin":
        return "" if os.access(_SANDBOX_EXEC, os.X_OK) else "sandbox-exec is missing"
    if sys.platform != "linux":
        return "neither Landlock nor sandbox-exec"
    if os.geteuid() == 0:
        return "Landlock is not enough to hold root"
    if seccomp.program(platform.machine()) is None:
        return f"no system-call filter for {platform.machine()}"
    found = landlock_launcher.abi()
    if found < landlock_launcher.OLDEST:
        return f"Landlock of version {found}, and {landlock_launcher.OLDEST} is needed (Linux 6.12)"
    return ""


def run(
    argv: Sequence[str],
    tree: Path,
    files: Mapping[str, str],
    shown: Sequence[Path],
    environment: Callable[[Path], Mapping[str, str]],
    stdin: bytes,
    limits: Limits,
) -> WatchedRun:
    """Run argv in a fresh copy, confined to that, and end whatever it leaves behind.

    Args:
        argv: The command.
        tree: What to copy.
        files: What to lay over it.
        shown: What it may read besides the system's own folders.
        environment: As for tier_off.run.
        stdin: What it reads.
        limits: What it may use.

    Raises:
        OSError: The copy cannot be made.
    """
    with tier_off.fresh_copy(tree, files) as place, pipes(limits) as streams, _policy() as policy:
        env = dict(environment(place)) | {"COPYDESK_REPORT_FD": str(streams.report.other_end)}
        script = launch_script.plain_script(limits, tier_off.threads())
        words = ["/bin/sh", "-c", script, "sh", *argv]
        if sys.platform == "darwin":
            words = [_SANDBOX_EXEC, "-p", profile(shown, place), *words]
        else:
            policy.write(json.dumps(_rules(shown, place)).encode())
            policy.seek(0)
            number = str(policy.fileno())
            words = [sys.executable, "-I", "-S", landlock_launcher.__file__, number, *words]
        start = Launch(words, env, place / "tree", stdin, (policy.fileno(),))
        return run_watched(
            start, streams, limits, _end, count_processes=True,
            folder=place, room=limits.tree_size + limits.tree_size // 2,
        )  # fmt: skip


@contextlib.contextmanager
def _policy() -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file  # type: ignore[misc]  # on POSIX it is a plain file


def _rules(shown: Sequence[Path], place: Path) -> dict[str, object]:
    program = seccomp.program(platform.machine(), confined=True)
    assert program is not None
    read = [*SYSTEM, *(Path("/etc", name) for name in _FROM_ETC), Path("/proc"), *shown]
    return {
        "read": [*map(str, read), *_DEVICES],
        "write": [str(place), *_DEVICES],
        "filter": program.hex(),
    }


def profile(shown: Sequence[Path], place: Path) -> str:
    """A profile of sandbox-exec that allows what the rules of Landlock allow.

    Args:
        shown: Files and folders to read.
        place: The folder to write to.
    """

    def quoted(path: object) -> str:
        return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

    system = [*_MAC, *map(str, _DEVICES), *map(str, shown)]
    read = " ".join(f"(subpath {quoted(path)})" for path in (*system, place))
    write = " ".join(f"(subpath {quoted(path)})" for path in (place, "/dev/null"))
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow process-fork process-exec)",
            "(allow signal (target same-sandbox))",
            "(allow sysctl-read)",
            "(allow file-read-metadata)",
            f"(allow file-read* {read})",
            f"(allow file-write* {write})",
            "(deny network*)",
        )
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the launcher to end everybody, and make sure of the rest."""
    if sys.platform == "linux":
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
    end_group(child)
    child.wait()
