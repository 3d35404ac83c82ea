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
from copydesk.agent.sandbox.pipes import open_pipes
from copydesk.agent.sandbox.records import Command
from copydesk.agent.sandbox.watchdog import Launch, WatchedRun, run_watched

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
        return "Landlock cannot confine root"
    if seccomp.program(platform.machine()) is None:
        return f"no system-call filter for {platform.machine()}"
    version = landlock_launcher.abi()
    if version < landlock_launcher.OLDEST:
        needed = landlock_launcher.OLDEST
        return f"Landlock of version {version}, and {needed} is needed (Linux 6.12)"
    return ""


def run(
    command: Command,
    tree: Path,
    shown: Sequence[Path],
    environment: Callable[[Path], Mapping[str, str]],
) -> WatchedRun:
    """Run a command confined to a fresh copy, then kill the processes it left behind.

    Args:
        command: What to run.
        tree: What to copy.
        shown: What it may read besides the system's own folders.
        environment: As for tier_off.run.

    Raises:
        OSError: The copy cannot be made.
    """
    limits = command.limits
    with (
        tier_off.fresh_copy(tree, command.files) as folder,
        open_pipes(limits) as streams,
        _policy_file() as policy,
    ):
        env = dict(environment(folder)) | {"COPYDESK_REPORT_FD": str(streams.report.other_end)}
        script = launch_script.plain_script(limits, tier_off.own_threads())
        words = ["/bin/sh", "-c", script, "sh", *command.argv]
        if sys.platform == "darwin":
            words = [_SANDBOX_EXEC, "-p", profile(shown, folder), *words]
        else:
            policy.write(json.dumps(_rules(shown, folder)).encode())
            policy.seek(0)
            number = str(policy.fileno())
            words = [sys.executable, "-I", "-S", landlock_launcher.__file__, number, *words]
        launch = Launch(words, env, folder / "tree", command.stdin, (policy.fileno(),))
        soft_limits = tier_off.soft_limits(folder, limits)
        return run_watched(launch, streams, limits, _end, soft_limits=soft_limits)


@contextlib.contextmanager
def _policy_file() -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file  # type: ignore[misc]  # on POSIX it is a plain file


def _rules(shown: Sequence[Path], folder: Path) -> dict[str, object]:
    program = seccomp.program(platform.machine(), confined=True)
    assert program is not None
    read = [*SYSTEM, *(Path("/etc", name) for name in _FROM_ETC), Path("/proc"), *shown]
    return {
        "read": [*map(str, read), *_DEVICES],
        "write": [str(folder), *_DEVICES],
        "filter": program.hex(),
    }


def profile(shown: Sequence[Path], folder: Path) -> str:
    """A profile of sandbox-exec that allows what the rules of Landlock allow.

    Args:
        shown: Files and folders to read.
        folder: The folder to write to.
    """

    def quoted(path: object) -> str:
        return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

    system = [*_MAC, *map(str, _DEVICES), *map(str, shown)]
    read = " ".join(f"(subpath {quoted(path)})" for path in (*system, folder))
    write = " ".join(f"(subpath {quoted(path)})" for path in (folder, "/dev/null"))
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
    """Ask the launcher to kill its processes, then kill the process group."""
    if sys.platform == "linux":
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
    end_group(child)
    child.wait()
