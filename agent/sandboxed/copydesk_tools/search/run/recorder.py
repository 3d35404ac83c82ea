"""Record one call in a fork of a process that never made another."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import sys
import time
from typing import Any, List, Optional, Tuple

from ..values.call import Call, Json, Subject
from . import fake_clock, invoke, observations, side_effects

PATIENCE = 10.0
"""CPU seconds of a child without a word from it, after which it is ended."""
_IDLE = 0.005
"""CPU seconds within PATIENCE that tell a child which works from one that waits."""
_SILENT = 12
"""Times PATIENCE without a word after which a child is ended, however little it got done."""

Recorded = Tuple[Optional[Json], List[Tuple[int, int]], bool]


class Recorder:
    """Makes one call in a fork of the fresh parent and says what a test may assert about it."""

    def __init__(self, subject: Subject, top: str, watch: side_effects.Guard) -> None:
        self.subject = subject
        self.top = top
        self.guard = watch

    def record(self, call: Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The observation and the arcs, or None when the call may not become a test."""
        first, arcs, asked_the_time = self._forked(call, 0.0)
        # what asked for the time has to give the same result on other days
        other_days = fake_clock.SHIFTS if first is not None and asked_the_time else ()
        if any(self._forked(call, seconds)[0] != first for seconds in other_days):
            return None, []
        return first, arcs

    def twice(self, call: Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The same, when two fresh processes agree, the second one started with other words."""
        first, arcs = self.record(call)
        again = first is not None and in_child(lambda: self._started_otherwise(call))
        if not again or again[0] != first:
            return None, []
        return first, arcs

    def _started_otherwise(self, call: Call) -> Recorded:
        sys.argv = ["python", "-x", "other", "3"]
        sys.stdin = io.StringIO("another text\n7\n")
        return self._once(call, 0.0)

    def _forked(self, call: Call, seconds: float) -> Recorded:
        recorded = in_child(lambda: self._once(call, seconds))
        return tuple(recorded) if recorded else (None, [], False)

    def _once(self, call: Call, seconds: float) -> Recorded:
        if seconds:
            fake_clock.shift(seconds)
        state = side_effects.State(self.top)
        with invoke.folder_with_files(call.uses_files) as folder:
            self.guard.folder = os.path.realpath(folder)
            self.guard.patched = call.names_patched
            self.guard.active = True
            sys.setprofile(self.guard.profile)
            run = invoke.invoke(self.subject, call, folder)
            sys.setprofile(None)
            self.guard.active = False
            if self.guard.touched or state.changed():
                return None, [], False
            observed = observations.observation(self.subject, call, run, folder)
        return observed, sorted(run.arcs), self.guard.clock


def in_child(work: Any) -> Any:
    """Run a function in a fork and return its JSON-able result; None when it dies or hangs."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            with os.fdopen(writer, "w") as out:
                json.dump(work(), out)
        finally:
            os._exit(0)
    os.close(writer)
    chunks = []
    while has_more(reader, pid):
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        chunks.append(chunk)
    os.close(reader)
    end(pid)
    try:
        return json.loads(b"".join(chunks))
    except ValueError:
        return None


def has_more(reader: int, pid: int) -> bool:
    """Wait for a word of a child, or its end; False when it is not worth waiting any longer.

    Its patience is counted in the child's own CPU seconds where the system tells them, so that
    a busy machine gives the same tests as an idle one.
    """
    began = last = _cpu(pid)
    for _ in range(_SILENT):
        if select.select([reader], [], [], PATIENCE)[0]:
            return True
        now = _cpu(pid)
        if now - last < _IDLE or now - began > PATIENCE:
            return False
        last = now
    return False


def _cpu(pid: int) -> float:
    """The CPU seconds of a process; 0.0 where the system does not tell them of another one."""
    clock = (~pid << 3) | 2  # what clock_getcpuclockid(3) makes of it on Linux
    try:
        return time.clock_gettime(clock)
    except (OSError, OverflowError, AttributeError):
        return 0.0


def end(pid: int) -> None:
    """Kill a child and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
