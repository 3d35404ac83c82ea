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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from copydesk.agent.process import end_group
from copydesk.agent.sandbox import launch_script, processes
from copydesk.agent.sandbox.records import Limits
from copydesk.agent.sandbox.watchdog import Launch, WatchedRun, pipes, run_watched

_MARK = "COPYDESK_RUN"


@contextlib.contextmanager
def fresh_copy(tree: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """A temporary folder with "tree", a copy of the tree with files laid over, and "home".

    Raises:
        OSError: The disk is full, or a file of the tree cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-", ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve()
        copy = place / "tree"
        shutil.copytree(tree, copy, symlinks=True)
        (place / "home").mkdir()
        (place / "tmp").mkdir()
        for name, text in files.items():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink():
                target.unlink()
            target.write_bytes(text.encode())
        yield place


def run(
    argv: Sequence[str],
    tree: Path,
    files: Mapping[str, str],
    environment: Callable[[Path], Mapping[str, str]],
    stdin: bytes,
    limits: Limits,
) -> WatchedRun:
    """Run argv in a fresh copy and end whatever it leaves behind.

    What a process does to the machine is not stopped. A process that left the group is found by
    a variable in its environment, where the system shows those.

    Args:
        argv: The command.
        tree: What to copy.
        files: What to lay over it.
        environment: Given the folder that holds "tree" (where argv runs), "home" and "tmp", all
            the environment it gets.
        stdin: What it reads.
        limits: What it may use.

    Raises:
        OSError: The copy cannot be made.
    """
    mark = secrets.token_hex(8)
    with fresh_copy(tree, files) as place, pipes(limits) as streams:
        env = dict(environment(place))
        env |= {"COPYDESK_REPORT_FD": str(streams.report.other_end), _MARK: mark}
        script = launch_script.plain_script(limits, threads())
        start = Launch(["/bin/sh", "-c", script, "sh", *argv], env, place / "tree", stdin)

        def end(child: subprocess.Popen[bytes]) -> None:
            end_group(child)
            child.wait()
            _sweep(f"{_MARK}={mark}".encode())

        return run_watched(
            start, streams, limits, end, count_processes=True,
            folder=place, room=limits.tree_size + limits.tree_size // 2,
        )  # fmt: skip


def threads() -> int:
    """What the kernel counts for this user already, where it limits the number of processes."""
    return processes.threads_of(os.getuid())


def _sweep(mark: bytes, patience: float = 5.0) -> None:
    """Kill the processes that carry the mark, until a look finds none."""
    deadline = time.monotonic() + patience
    while (left := processes.with_marker(mark)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
