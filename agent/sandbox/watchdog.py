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
from typing import NamedTuple

from copydesk.agent.sandbox import processes
from copydesk.agent.sandbox.pipes import PipeReader, RunPipes
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
"""What the launch script says on its error stream just before it becomes the program."""


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
    """How it ended, in the terms of records.Outcome; `ready`: the launch script went through."""

    ended: Ended
    code: int
    reason: str
    output: str
    report: bytes
    complaint: str
    ready: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class SoftLimits:
    """What only the watchdog keeps, in the tiers where the kernel does not.

    The number of processes, and `disk_bytes`: what may come to lie in `folder`.
    """

    folder: Path
    disk_bytes: int


def run_watched(
    launch: Launch,
    streams: RunPipes,
    limits: Limits,
    end: Callable[[subprocess.Popen[bytes]], None],
    *,
    stop: threading.Event | None = None,
    soft_limits: SoftLimits | None = None,
) -> WatchedRun:
    """Start a program, enforce its limits while it runs, and kill what is left of it.

    Blocks in the calling thread, which is also the one that starts it: bubblewrap's
    --die-with-parent kills the run when that *thread* ends.

    Args:
        launch: What to start. Its launch script must print READY on its error stream.
        streams: The pipes it was given.
        limits: What it may use.
        end: Ends everything that was started; called whatever happens.
        stop: Set from elsewhere to end the run early.
        soft_limits: What to watch besides, where the kernel does not enforce it.

    Raises:
        OSError: The program cannot be started.
    """
    began = time.monotonic()
    child = _start(launch, streams)
    watchdog = Watchdog(limits, soft_limits, {child.pid})
    run = _Run(child, streams, limits, watchdog, began)
    try:
        ending = run.follow(stop)
    finally:
        end(child)
    code = child.wait()
    for stream in (streams.output, streams.complaint, streams.report):
        stream.drain()
    return run.outcome(ending, 128 - code if code < 0 else code)


class Ending(NamedTuple):
    """How a run ended, and in words why when it was ended."""

    ended: Ended
    reason: str


_BY_ITSELF = Ending("exit", "")
_REPORT_TOO_LONG = Ending("output", "wrote too long a report")


@dataclass(slots=True)
class Watchdog:
    """Looks at memory, processes and disk from time to time.

    `family` are the processes of the run, `pause` the seconds until the next look, `memory` what
    the last look found.
    """

    limits: Limits
    soft_limits: SoftLimits | None
    family: set[int]
    pause: float = LOOK
    looks: int = 0
    memory: int = 0

    def check(self) -> Ending | None:
        """Look once; the limit that is passed, or None."""
        usage = self._usage()
        if usage is None:
            return Ending("memory", f"used more than {self.limits.memory >> 20:,} MiB of memory")
        self.memory = usage.memory
        self.looks += 1
        # the sooner the less is left: so a fast eater passes the limit by a tenth, not by a half
        self.pause = min(LOOK, max(SHORTEST, (self.limits.memory - usage.memory) / FASTEST))
        return self._check_soft_limits(usage) if self.soft_limits else None

    def _usage(self) -> processes.Usage | None:
        """What the run uses; None, its processes stopped, when that is over the limit."""
        halted = self.memory > self.limits.memory // 2
        self.family = (processes.halt if halted else processes.process_tree)(self.family)
        usage = processes.usage(self.family, _ANYTHING)
        if usage.memory > self.limits.memory:
            if not halted:
                self.family = processes.halt(self.family)
                halted = True
            usage = processes.usage(self.family, self.limits.memory)
            if usage.memory > self.limits.memory:  # they stand still until they are ended
                return None
        if halted:
            processes.resume(self.family)
        return usage

    def _check_soft_limits(self, usage: processes.Usage) -> Ending | None:
        assert self.soft_limits is not None
        if usage.processes > self.limits.processes:
            return Ending("memory", f"started more than {self.limits.processes} processes")
        most = self.soft_limits.disk_bytes
        if self.looks % 3 == 0 and _disk_usage(self.soft_limits.folder) > most:
            return Ending("output", f"wrote more than {most >> 20:,} MiB")
        return None


def _disk_usage(folder: Path) -> int:
    """Bytes on the disk below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{root}/{name}").st_blocks * 512
    return total


def _start(launch: Launch, streams: RunPipes) -> subprocess.Popen[bytes]:
    owner = launch.user
    with tempfile.TemporaryFile() as stdin:
        stdin.write(launch.stdin)
        stdin.seek(0)
        if owner is not None:  # so that it may open /dev/stdout and its like anew
            for fd in (streams.output.other_end, streams.report.other_end):
                os.fchown(fd, owner, owner)
        child = subprocess.Popen(
            launch.argv,
            env=dict(launch.env),
            cwd=launch.cwd,
            stdin=stdin,
            stdout=streams.output.other_end,
            stderr=streams.complaint.other_end,
            pass_fds=(streams.report.other_end, *launch.inherit),
            start_new_session=True,
            user=owner,
            group=owner,
            extra_groups=None if owner is None else [],
        )
    for stream in (streams.output, streams.complaint, streams.report):
        stream.close_other_end()
    return child


@dataclass(frozen=True, slots=True)
class _Run:
    """A program that was started, at `began` on the monotonic clock, and what is watched of it."""

    child: subprocess.Popen[bytes]
    streams: RunPipes
    limits: Limits
    watchdog: Watchdog
    began: float

    def follow(self, stop: threading.Event | None) -> Ending:
        """Read its pipes until it ends, passes a limit or is called off."""
        deadline = self.began + self.limits.wall_seconds
        next_look = self.began + LOOK
        with selectors.DefaultSelector() as selector, _death_of(self.child) as death:
            for stream in (self.streams.output, self.streams.complaint, self.streams.report):
                selector.register(stream.fd, selectors.EVENT_READ, stream)
            if death is not None:
                selector.register(death, selectors.EVENT_READ)
            while self.child.poll() is None:
                if ending := self._out_of_time(deadline, stop):
                    return ending
                if time.monotonic() >= next_look:
                    if ending := self.watchdog.check():
                        return ending
                    next_look = time.monotonic() + self.watchdog.pause
                wait = min(deadline, next_look) - time.monotonic()
                _read_pipes(selector, wait if death is not None else min(wait, 0.02))
                if ending := self._flooded():
                    return ending
        return _BY_ITSELF

    def _out_of_time(self, deadline: float, stop: threading.Event | None) -> Ending | None:
        if time.monotonic() >= deadline:
            return Ending("timeout", f"took longer than {self.limits.wall_seconds:g} s")
        if stop is not None and stop.is_set():
            return Ending("timeout", "was called off")
        return None

    def _flooded(self) -> Ending | None:
        if self.streams.report.total > self.limits.report:
            return _REPORT_TOO_LONG
        printed = self.streams.output.total
        if printed > PATIENCE_WITH_OUTPUT * self.limits.output:
            return Ending("output", f"printed more than {printed:,} bytes")
        return None

    def outcome(self, ending: Ending, code: int) -> WatchedRun:
        """What came of it, once it has ended and its pipes are read to their end."""
        seconds = time.monotonic() - self.began
        if ending == _BY_ITSELF and self.streams.report.total > self.limits.report:
            ending = _REPORT_TOO_LONG
        # killed by the kernel: 128 + SIGXCPU, or SIGKILL where that was caught
        out_of_cpu = code == 152 or (code == 137 and seconds >= self.limits.cpu_seconds)
        if ending == _BY_ITSELF and out_of_cpu:
            ending = Ending("timeout", f"used more than {self.limits.cpu_seconds} s of CPU time")
        complaint = self.streams.complaint.kept()
        return WatchedRun(
            ending.ended,
            code,
            ending.reason,
            self.streams.output.kept().decode("utf-8", "replace"),
            self.streams.report.kept(),
            complaint.removesuffix(READY).decode("utf-8", "replace"),
            complaint.endswith(READY),
            seconds,
        )


def _read_pipes(selector: selectors.BaseSelector, seconds: float) -> None:
    """Wait for something to read, at most so long, and read it."""
    for key, _ in selector.select(max(0.0, seconds)):
        if isinstance(key.data, PipeReader) and not key.data.read():
            selector.unregister(key.fd)


@contextlib.contextmanager
def _death_of(child: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A pidfd, which becomes readable when the child ends; None where there is none."""
    try:
        fd = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)
