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
from typing import Any, List, NamedTuple, Tuple

from ...elsewhere.places import PLACES
from ...elsewhere.reads import EVERY, NotedArguments, Reads
from ...elsewhere.settle import flip, repository_around, settle, take_over_variables
from ..values.call import Call, Json, Subject
from . import fake_clock, invoke, observations, side_effects

PATIENCE = 10.0
"""CPU seconds of a child without a word from it, after which it is ended."""
_IDLE = 0.005
"""CPU seconds within PATIENCE that tell a child which works from one that waits."""
_SILENT = 12
"""Times PATIENCE without a word after which a child is ended, however little it got done."""

_ELSEWHERE = PLACES[0]


class Recorded(NamedTuple):
    """The observation, or None where the call may not become a test, and the arcs.

    Attributes:
        observed: What a test may assert.
        arcs: The jumps between lines.
        asked_the_time: The result may hang on the time of day.
        variables: Those of the environment that were read and that no patch puts in place.
    """

    observed: Json | None
    arcs: List[Tuple[int, int]]
    asked_the_time: bool = False
    variables: Tuple[str, ...] = ()


_REFUSED = Recorded(None, [])


class Recorder:
    """Makes one call in a fork of the fresh parent and says what a test may assert about it."""

    def __init__(self, subject: Subject, top: str, watch: side_effects.Guard) -> None:
        self.subject = subject
        self.top = top
        self.guard = watch

    def record(self, call: Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The observation and the arcs, or None when the call may not become a test."""
        recorded = self._on_all_days(call)
        return recorded.observed, recorded.arcs

    def twice(self, call: Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The same, when two fresh processes agree, the second one in another place."""
        first = self._on_all_days(call)
        if first.observed is None:
            return None, []
        with repository_around():
            again = in_child(lambda: self._elsewhere(call, first.variables))
        if not again or again[0] != first.observed:
            return None, []
        return first.observed, first.arcs

    def _on_all_days(self, call: Call) -> Recorded:
        """What comes of a call, if that is the same on other days where it asks for the time."""
        first = self._forked(call, 0.0)
        other_days = fake_clock.SHIFTS if first.observed and first.asked_the_time else ()
        for seconds in other_days:
            if self._forked(call, seconds).observed != first.observed:
                return _REFUSED
        return first

    def _elsewhere(self, call: Call, variables: Tuple[str, ...]) -> Recorded:
        """What comes of a call for another user, on another machine, started otherwise."""
        sys.argv = ["elsewhere", "-x", "other", "3"]
        sys.stdin = io.StringIO("another text\n7\n")
        settle(_ELSEWHERE)
        take_over_variables(_ELSEWHERE)
        flip(variables, _ELSEWHERE)
        return self._once(call, 0.0)

    def _forked(self, call: Call, seconds: float) -> Recorded:
        recorded = in_child(lambda: self._once(call, seconds))
        return Recorded(*recorded) if recorded else _REFUSED

    def _once(self, call: Call, seconds: float) -> Recorded:
        if seconds:
            fake_clock.shift(seconds)
        state = side_effects.State(self.top)
        reads = Reads(self.top)
        reads.active = False
        if "sys.argv" not in call.names_patched:
            sys.argv = NotedArguments(sys.argv, self.guard.note_arguments)
        with invoke.folder_with_files(call.uses_files) as folder:
            self.guard.folder = os.path.realpath(folder)
            self.guard.patched = call.names_patched
            self.guard.active = reads.active = True
            sys.setprofile(self.guard.profile)
            run = invoke.invoke(self.subject, call, folder)
            sys.setprofile(None)
            self.guard.active = reads.active = False
            if self.guard.touched or state.changed() or EVERY in reads.names:
                return _REFUSED
            observed = observations.observation(self.subject, call, run, folder)
        free = [name for name in reads.names if f"env:{name}" not in call.names_patched]
        return Recorded(observed, sorted(run.arcs), self.guard.clock, tuple(free))


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
