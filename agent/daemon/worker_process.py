"""One job in a child process: started, watched, ended as a group."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from copydesk.agent.process import end_group, scrubbed_environment
from copydesk.agent.records import Job
from copydesk.hooks import environment

DONE, SUPERSEDED, FINAL, FULL, BUSY, RETRY = 0, 3, 70, 73, 74, 75
"""Exit codes of a worker, from 70 on as in sysexits.h; FULL: no room on the disk, BUSY: another
process holds the desk. Any other: try again."""

Outcome = Literal["done", "superseded", "final", "full", "busy", "retry", "cut short"]
_OUTCOMES: dict[int, Outcome] = {
    DONE: "done",
    SUPERSEDED: "superseded",
    FINAL: "final",
    FULL: "full",
    BUSY: "busy",
    RETRY: "retry",
}
TAIL_BYTES = 4000
END_SECONDS = 5.0
"""How long a worker that is told to end has time for it."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def command() -> list[str]:
    """What runs copydesk's own jobs: takes the shared git folder and a job's id."""
    return [sys.executable, "-P", "-m", "copydesk.agent.daemon.worker_main"]


class WorkerProcess:
    """A running job.

    Its standard input is a pipe that nobody writes to: when it ends, the daemon is dead, and
    the worker ends itself and all that it started.

    Args:
        argv: What to run.
        cwd: Where.
        job: The job it does.
        seconds: How long it may take.
        wake: Called, from another thread, when it has ended.
    """

    def __init__(
        self, argv: Sequence[str], cwd: Path, job: Job, seconds: float, wake: Callable[[], None]
    ) -> None:
        self.job = job
        self.deadline = time.monotonic() + seconds
        self._errors = bytearray()
        self._timed_out = self._told_to_end = False
        self._child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=worker_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._waiter = threading.Thread(target=self._wait, args=(wake,), daemon=True)
        self._reader.start()
        self._waiter.start()

    @property
    def pid(self) -> int:
        """The process id of the child, which leads its group."""
        return self._child.pid

    def _read(self) -> None:
        assert self._child.stderr
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._child.stderr.fileno(), 1 << 16):
                self._errors = (self._errors + chunk)[-TAIL_BYTES:]

    def _wait(self, wake: Callable[[], None]) -> None:
        self._child.wait()
        end_group(self._child)
        wake()

    def running(self) -> bool:
        """Whether it still runs; one that is past its time is ended."""
        if time.monotonic() > self.deadline and self._waiter.is_alive():
            self._timed_out = True
            self.kill()
        return self._child.returncode is None

    def kill(self) -> None:
        """End it and everything in its group, and wait for that."""
        end_group(self._child)
        self._waiter.join(10.0)

    def end(self) -> None:
        """Let it end what it has started; kill it when that takes too long."""
        self._told_to_end = True
        with contextlib.suppress(OSError):
            self._child.terminate()
        self._waiter.join(END_SECONDS)
        if self._waiter.is_alive():
            self.kill()

    def result(self) -> tuple[Outcome, str]:
        """How it ended and, where it failed, the end of what it said on standard error."""
        self._waiter.join(10.0)
        self._reader.join(1.0)  # a grandchild outside the group may keep the pipe open
        for stream in (self._child.stdin, self._child.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        code = self._child.returncode
        message = bytes(self._errors).decode("utf-8", "replace").strip()
        if self._timed_out:
            return "final", "took longer than it may (git config copydesk.measureSeconds)"
        if self._told_to_end and code != DONE:
            return "cut short", "a newer commit waits"
        if code not in _OUTCOMES:
            message = f"{message}\n{_ending(code)}".strip()
        return _OUTCOMES.get(code, "retry"), message


def worker_environment() -> dict[str, str]:
    """What a worker's environment is."""
    return scrubbed_environment(dict.fromkeys(_ONE_THREAD, "1"), keep=environment.KEPT)


def _ending(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
