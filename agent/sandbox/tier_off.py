"""Tier off: run a command on a fresh copy without a guard, and still tidily."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from copydesk.agent.process import end_group
from copydesk.agent.sandbox import launch_script, processes
from copydesk.agent.sandbox.pipes import open_pipes
from copydesk.agent.sandbox.records import Command, Limits
from copydesk.agent.sandbox.watchdog import Launch, SoftLimits, WatchedRun, run_watched
from copydesk.agent.source_text import encode_source

_MARKER = "COPYDESK_RUN"


@contextlib.contextmanager
def fresh_copy(tree: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """A temporary folder: "tree", a copy of the tree with files laid over, "home" and "tmp".

    Raises:
        OSError: The disk is full, or a file of the tree cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        copy = folder / "tree"
        shutil.copytree(tree, copy, symlinks=True)
        (folder / "home").mkdir()
        (folder / "tmp").mkdir()
        for path, text in files.items():
            target = copy / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink():
                target.unlink()
            target.write_bytes(encode_source(text))
        yield folder


def run(
    command: Command, tree: Path, environment: Callable[[Path], Mapping[str, str]]
) -> WatchedRun:
    """Run a command in a fresh copy, then kill the processes it left behind.

    What a process does to the machine is not stopped. A process that left the group is found by
    a variable in its environment, where the system shows those.

    Args:
        command: What to run.
        tree: What to copy.
        environment: Given the folder that holds "tree" (where it runs), "home" and "tmp", all
            the environment it gets.

    Raises:
        OSError: The copy cannot be made.
    """
    marker = secrets.token_hex(8)
    limits = command.limits
    with fresh_copy(tree, command.files) as folder, open_pipes(limits) as streams:
        env = dict(environment(folder))
        env |= {"COPYDESK_REPORT_FD": str(streams.report.other_end), _MARKER: marker}
        script = launch_script.plain_script(limits, own_threads())
        argv = ["/bin/sh", "-c", script, "sh", *command.argv]
        launch = Launch(argv, env, folder / "tree", command.stdin)

        def end(child: subprocess.Popen[bytes]) -> None:
            end_group(child)
            child.wait()
            _kill_marked(f"{_MARKER}={marker}".encode())

        return run_watched(launch, streams, limits, end, soft_limits=soft_limits(folder, limits))


def soft_limits(folder: Path, limits: Limits) -> SoftLimits:
    """What a run in a temporary folder may write: the copy, and half as much besides."""
    return SoftLimits(folder, limits.tree_size + limits.tree_size // 2)


def own_threads() -> int:
    """What the kernel counts for this user already, where it limits the number of processes."""
    return processes.threads_of(os.getuid())


def _kill_marked(marker: bytes, patience: float = 5.0) -> None:
    """Kill the processes that carry the marker, until a look finds none."""
    deadline = time.monotonic() + patience
    while (pids := processes.with_marker(marker)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
