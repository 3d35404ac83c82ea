"""Make each call in a process that never made another, and say all that it did."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, List, Sequence

from ..elsewhere.reads import NotedArguments, Reads
from ..search.run import fake_clock, invoke, recorder, side_effects
from ..search.run.worker import Lines
from ..search.values.call import Call, Json, Subject
from .describe import Describer
from .explore import reached_of
from .outcome import outcome_of


class Recording:
    """Records calls of one subject, each in a fork.

    Args:
        subject: What is called.
        guard: Refuses what a call may not reach for.
        lines: The statements of the function, and the changed ones as its targets.
        top: The project's folder.
        clocked: The numbers of the calls that asked for the time: they are told another one.
    """

    def __init__(
        self,
        subject: Subject,
        guard: side_effects.Guard,
        lines: Lines,
        top: str,
        clocked: Sequence[int] = (),
    ) -> None:
        self.subject, self.guard, self.lines, self.top = subject, guard, lines, top
        self.clocked = frozenset(clocked)

    def run(self, calls: Sequence[Call]) -> List[Json]:
        """What each call did; `{"kind": "died"}` for one that ended its process, or hung."""
        records: List[Json] = []
        for number, call in enumerate(calls):
            record = recorder.in_child(lambda n=number, c=call: self._once(n, c))
            records.append(record or {"kind": "died"})
        return records

    def _once(self, number: int, call: Call) -> Json:
        if number in self.clocked:
            fake_clock.shift(fake_clock.SHIFTS[0])
        state = side_effects.State(self.top)
        reads = Reads(self.top)
        reads.active = False
        sys.stdin = io.StringIO("")
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
            outcome = outcome_of(self.subject, call, run, folder)
            outcome["globals"] = self._changed_globals(state, str(folder))
        features = self.lines.features(run.arcs)
        is_line = {one for one in features if isinstance(one, int)}
        outcome["reached"] = reached_of(is_line | (features & self.lines.targets))
        outcome["touched"] = self.guard.touched
        outcome["clock"] = self.guard.clock
        outcome["variables"] = [n for n in reads.names if f"env:{n}" not in call.names_patched]
        return outcome

    def _changed_globals(self, state: side_effects.State, folder: str) -> List[Any]:
        """The globals of the project's modules that the call changed, and what they are now."""
        describer = Describer(folder)
        return [
            [f"{module}.{name}", describer.describe(value)]
            for module, name, value in state.changed_globals()
        ]
