"""Run one program and hold it to its limits: wall clock, memory, processes, output, report."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.sandbox import processes
from copydesk.agent.sandbox.records import Ended, Limits

LOOK = 0.1
"""Seconds between two looks at the memory, at most."""

SHORTEST = 0.005
"""Seconds between two looks, at least: looking costs time too."""

FASTEST = 8e9
"""Bytes a second: more than a run can eat, so that it is looked at before it passes its limit.

From half of the limit on it also stands still while it is looked at: thirty processes that eat
would leave the one that looks too little of two cores.
"""

_ANYTHING = 1 << 62

PATIENCE_WITH_OUTPUT = 16
"""A run is ended when it says this many times what is kept of it: chatter is cut, floods end."""

READY = b"ready\n"
"""What the prologue says on its error stream just before it becomes the program."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start: the argument list and environment, where, as whom, and with what open.

    `user` is a uid (and gid) to become first, or None. `inherit` are file descriptors to pass on.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stdin: bytes
    inherit: Sequence[int] = ()
    user: int | None = None


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """How it ended, in the terms of records.Outcome; `ready` tells whether the prologue passed."""

    ended: Ended
    code: int
    reason: str
    output: str
    report: bytes
    complaint: str
    ready: bool
    seconds: float


class PipeReader:
    """The beginning and the end of what comes through a pipe, and how much there was.

    Args:
        keep: Bytes to keep.
        both_ends: Keep the last half of them too, not only the first bytes.
    """

    def __init__(self, keep: int, *, both_ends: bool = False) -> None:
        self.fd, self.other_end = os.pipe()
        os.set_blocking(self.fd, False)
        self.total = 0
        self._room = keep // 2 if both_ends else keep
        self._tail_room = keep - self._room
        self._head = bytearray()
        self._tail = bytearray()

    def read(self) -> bool:
        """Take what is there; False at the end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self.fd, 1 << 16)
            self.total += len(chunk)
            room = self._room - len(self._head)
            self._head += chunk[:room]
            self._tail += chunk[room:] if self._tail_room else b""
            if len(self._tail) > 2 * self._tail_room:
                del self._tail[: -self._tail_room]
            return bool(chunk)
        return True

    def drain(self) -> None:
        """Take what is left, without waiting for whoever still holds the other end."""
        for _ in range(1024):
            before = self.total
            if not self.read() or self.total == before:
                return

    def kept(self) -> bytes:
        """What was kept, with a note where something was left out."""
        tail = bytes(self._tail[-self._tail_room :]) if self._tail_room else b""
        left_out = self.total - len(self._head) - len(tail)
        if left_out > 0 and self._tail_room:
            return bytes(self._head) + b"\n[... %d bytes left out ...]\n" % left_out + tail
        return bytes(self._head) + tail

    def close_other_end(self) -> None:
        """Close our copy of the end that the program writes to; again does nothing."""
        if self.other_end >= 0:
            os.close(self.other_end)
            self.other_end = -1

    def close(self) -> None:
        """Close both ends."""
        self.close_other_end()
        os.close(self.fd)


@dataclass(frozen=True, slots=True)
class RunPipes:
    """The three streams of a run: what it prints, the prologue's complaints, and the report."""

    output: PipeReader
    complaint: PipeReader
    report: PipeReader


@contextlib.contextmanager
def pipes(limits: Limits) -> Iterator[RunPipes]:
    """Make the pipes of a run and close them afterwards."""
    streams = RunPipes(
        PipeReader(limits.output, both_ends=True), PipeReader(4096), PipeReader(limits.report)
    )
    try:
        yield streams
    finally:
        for stream in (streams.output, streams.complaint, streams.report):
            stream.close()


def run_watched(
    start: Launch,
    streams: RunPipes,
    limits: Limits,
    end: Callable[[subprocess.Popen[bytes]], None],
    *,
    stop: threading.Event | None = None,
    count_processes: bool = False,
    folder: Path | None = None,
    room: int = 0,
) -> WatchedRun:
    """Start a program, hold it to its limits, and leave nothing of it alive.

    Blocks in the calling thread, which is also the one that starts it: bubblewrap's
    --die-with-parent kills the run when that *thread* ends.

    Args:
        start: What to start. Its prologue must print READY on its error stream.
        streams: The pipes it was given.
        limits: What it may use.
        end: Ends everything that was started; called whatever happens.
        stop: Set from elsewhere to end the run early.
        count_processes: End it when it has more processes than allowed, for where the kernel
            does not enforce that.
        folder: What it may write to, where that is on a disk, not in a room of its own.
        room: Bytes from which on what is in the folder ends it.

    Raises:
        OSError: The program cannot be started.
    """
    began = time.monotonic()
    child = _start(start, streams)
    watchdog = Watchdog(limits, count_processes, folder, room, {child.pid})
    try:
        ended, reason = _follow(child, streams, limits, stop, watchdog, began)
    finally:
        end(child)
    code = child.wait()
    for stream in (streams.output, streams.complaint, streams.report):
        stream.drain()
    if ended == "exit" and streams.report.total > limits.report:
        ended, reason = "output", _TOO_LONG_A_REPORT
    seconds = time.monotonic() - began
    said = streams.complaint.kept()
    code = 128 - code if code < 0 else code
    if ended == "exit" and (code == 152 or (code == 137 and seconds >= limits.cpu_seconds)):
        ended, reason = "timeout", f"used more than {limits.cpu_seconds} s of CPU time"
    return WatchedRun(
        ended,
        code,
        reason,
        streams.output.kept().decode("utf-8", "replace"),
        streams.report.kept(),
        said.removesuffix(READY).decode("utf-8", "replace"),
        said.endswith(READY),
        seconds,
    )


@dataclass(slots=True)
class Watchdog:
    """What is looked at from time to time; `family` are the processes of the run."""

    limits: Limits
    count_processes: bool
    folder: Path | None
    room: int
    family: set[int]
    pause: float = LOOK
    looks: int = 0
    used: int = 0

    def check(self) -> tuple[Ended, str] | None:
        """Watchdog: which limit is passed, and how to say so."""
        limits = self.limits
        halted = self.used > limits.memory // 2
        self.family = (processes.halt if halted else processes.process_tree)(self.family)
        used = processes.usage(self.family, _ANYTHING)
        if used.memory > limits.memory:
            if not halted:
                self.family = processes.halt(self.family)
                halted = True
            used = processes.usage(self.family, limits.memory)
            if used.memory > limits.memory:  # they stand still until they are ended
                return "memory", f"used more than {limits.memory >> 20:,} MiB of memory"
        if halted:
            processes.resume(self.family)
        self.used = used.memory
        if self.count_processes and used.processes > limits.processes:
            return "memory", f"started more than {limits.processes} processes"
        self.looks += 1
        if self.folder and self.looks % 3 == 0 and _size(self.folder) > self.room:
            return "output", f"wrote more than {self.room >> 20:,} MiB"
        # the sooner the less is left: so a fast eater passes the limit by a tenth, not by a half
        self.pause = min(LOOK, max(SHORTEST, (limits.memory - used.memory) / FASTEST))
        return None


def _size(folder: Path) -> int:
    """Bytes on the disk below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{root}/{name}").st_blocks * 512
    return total


_TOO_LONG_A_REPORT = "wrote too long a report"


def _start(start: Launch, streams: RunPipes) -> subprocess.Popen[bytes]:
    owner = start.user
    with tempfile.TemporaryFile() as stdin:
        stdin.write(start.stdin)
        stdin.seek(0)
        if owner is not None:  # so that it may open /dev/stdout and its like anew
            for fd in (streams.output.other_end, streams.report.other_end):
                os.fchown(fd, owner, owner)
        child = subprocess.Popen(
            start.argv,
            env=dict(start.env),
            cwd=start.cwd,
            stdin=stdin,
            stdout=streams.output.other_end,
            stderr=streams.complaint.other_end,
            pass_fds=(streams.report.other_end, *start.inherit),
            start_new_session=True,
            user=owner,
            group=owner,
            extra_groups=None if owner is None else [],
        )
    for stream in (streams.output, streams.complaint, streams.report):
        stream.close_other_end()
    return child


def _follow(
    child: subprocess.Popen[bytes],
    streams: RunPipes,
    limits: Limits,
    stop: threading.Event | None,
    watchdog: Watchdog,
    began: float,
) -> tuple[Ended, str]:
    deadline = began + limits.wall_seconds
    next_look = began + LOOK
    with selectors.DefaultSelector() as selector, _death_of(child) as death:
        for stream in (streams.output, streams.complaint, streams.report):
            selector.register(stream.fd, selectors.EVENT_READ, stream)
        if death is not None:
            selector.register(death, selectors.EVENT_READ)
        while child.poll() is None:
            now = time.monotonic()
            if now >= deadline:
                return "timeout", f"took longer than {limits.wall_seconds:g} s"
            if stop is not None and stop.is_set():
                return "timeout", "was called off"
            if now >= next_look:
                if found := watchdog.check():
                    return found
                next_look = time.monotonic() + watchdog.pause
            wait = min(deadline, next_look) - time.monotonic()
            if death is None:
                wait = min(wait, 0.02)
            for key, _ in selector.select(max(0.0, wait)):
                if isinstance(key.data, PipeReader) and not key.data.read():
                    selector.unregister(key.fd)
            if streams.report.total > limits.report:
                return "output", _TOO_LONG_A_REPORT
            if streams.output.total > PATIENCE_WITH_OUTPUT * limits.output:
                return "output", f"printed more than {streams.output.total:,} bytes"
    return "exit", ""


@contextlib.contextmanager
def _death_of(child: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A file descriptor that becomes readable when the child ends, where the system has it."""
    try:
        fd = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)
