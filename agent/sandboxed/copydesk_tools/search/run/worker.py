"""The process that tries candidates: quick, and in a state that wears out."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, NamedTuple, Set, Tuple

from ..calls.candidates import Stream
from ..values.call import Call, Json, Subject, call_to_json
from . import invoke, mutants, observations, side_effects

MAX_EVENTS = 1_500_000
"""Lines of the project's code that one search may execute."""
MAX_STUCK = 12
"""Calls that had to be given up, after which the search ends."""
NOTICING_POOL = 150
"""Calls tried for each change of the function that no kept one notices."""
LATER = 1_000_000
"""Numbers from here on are changes to the function, not candidate calls."""
MAX_TRIES = 3
"""Times the parent is asked about calls of one kind that reach the same new lines."""
Feature = Any
"""A line, or an arc between two lines."""


class Lines(NamedTuple):
    """What counts as reached: line -> first line of its statement, and the gap's own features."""

    statements: Dict[int, int]
    targets: Set[Feature]

    @property
    def possible(self) -> Set[Feature]:
        """The gap's features that can be reached at all: no blank line, no docstring."""
        starts = set(self.statements.values())
        return {one for one in self.targets if one in starts or isinstance(one, tuple)}

    def features(self, arcs: Iterable[Tuple[int, int]]) -> Set[Feature]:
        """What a run reached: statement lines and arcs between them."""
        features: Set[Feature] = set()
        starts = set(self.statements.values())
        for start, end in arcs:
            first, last = self.statements.get(start, start), self.statements.get(end, end)
            if first != last:
                features.add((first, last))
            features |= {line for line in (first, last) if line in starts}
        return features


class Memory(NamedTuple):
    """What the parent knows from earlier workers: where to go on, and what was kept."""

    skip: int
    verdicts: Dict[int, bool]
    reached: Set[Feature]


class Worker:
    """Tries the calls of a stream in order and asks the parent about those that reach more.

    Args:
        subject: What is called.
        guard: Refuses what a call may not reach for.
        stream: The calls.
        lines: What counts as reached.
        memory: What earlier workers found.
        pipes: Where the parent listens, and where it answers.
    """

    def __init__(
        self,
        subject: Subject,
        guard: side_effects.Guard,
        stream: Stream,
        lines: Lines,
        memory: Memory,
        pipes: Tuple[Any, Any],
    ) -> None:
        self.subject, self.guard, self.stream, self.lines = subject, guard, stream, lines
        self.memory = memory
        self.out, self.answers = pipes
        self.reached = set(memory.reached)
        self.folder = self.empty = Path()
        self.events = self.stuck = 0
        self.tries: Dict[Any, int] = {}
        self.usable: List[Call] = []
        self.lines_of: Dict[Call, FrozenSet[Feature]] = {}
        self.normal: Dict[Call, Json | None] = {}
        self.stream.is_done = lambda: self.lines.possible <= self.reached

    def work(self, top: str) -> None:
        """Try everything, then look for calls that notice small changes of the function."""
        self.state = side_effects.State(top, quick=True)
        with invoke.folder_with_files(True) as folder, invoke.folder_with_files(False) as empty:
            self.folder, self.empty = folder, empty
            self._explore()
            if self.reached & self.lines.targets:
                self._notice()
        self._tell(0, "end")

    def _tell(self, number: int, message: Any) -> None:
        """Send the parent the number of what is tried next, or a call to record."""
        self.out.write(json.dumps([number, message]) + "\n")
        self.out.flush()

    def _ask(self, number: int, call: Call) -> bool:
        """Have the parent record a call; whether it was kept."""
        self._tell(number, call_to_json(call))
        is_kept, reached = json.loads(self.answers.readline())
        self.reached = {tuple(one) if isinstance(one, list) else one for one in reached}
        return bool(is_kept)

    def _try(self, call: Call) -> invoke.Run | None:
        """Make a call; None when it left a trace, which is wiped."""
        folder = self._folder_of(call)
        self.guard.folder = os.path.realpath(folder)
        self.guard.patched = call.names_patched
        self.guard.active = True
        run = invoke.invoke(self.subject, call, folder)
        self.guard.active = False
        self.guard.touched = ""
        self.events += run.events
        self.stuck += run.kind != "inputs" and isinstance(run.value, side_effects.GivenUp)
        if self.state.changed():
            self.state.restore()
            return None
        return run

    def _is_usable(self, call: Call, run: invoke.Run) -> bool:
        """Whether a call says something about the function."""
        if run.kind == "inputs" or isinstance(run.value, side_effects.GivenUp):
            return False
        if call.origin == "returned" and not all(map(_is_made, run.inputs[1:])):
            return False
        return run.kind != "raises" or not observations.is_misuse(self.subject, run.value)

    @property
    def _is_spent(self) -> bool:
        return self.events > MAX_EVENTS or self.stuck >= MAX_STUCK

    def _explore(self) -> None:
        """Try the stream's calls; the ones that an earlier worker tried are only remembered."""
        for number, call in enumerate(self.stream.calls()):
            if number < self.memory.skip:
                if self.memory.verdicts.get(number):
                    self.stream.kept.append(call)
                continue
            self._tell(number, None)
            run = self._try(call)
            if self._is_spent:
                return
            if run is not None and self._is_usable(call, run):
                self._offer(number, call, run)

    def _offer(self, number: int, call: Call, run: invoke.Run) -> None:
        """Ask the parent about a call that reaches something new."""
        features = self.lines.features(run.arcs) | self._answer(run)
        self.usable.append(call)
        self.lines_of[call] = frozenset(features)
        fresh = frozenset(features - self.reached) or _bug(run)
        # a call that reaches it and may not be kept does not bar the next ones: three tries
        # of each way of calling: where a result cannot be told, its own result may be
        way = (fresh, bool(call.then), call.names_patched)
        if not fresh or self.tries.get(way, 0) >= MAX_TRIES:
            return
        self.tries[way] = self.tries.get(way, 0) + 1
        if self._ask(number, call):
            self.stream.kept.append(call)

    def _answer(self, run: invoke.Run) -> Set[Feature]:
        """What a run gives, as something to reach: a question wants a yes and a no."""
        word = observations.answer_of(run)
        return {("gives", word)} if word else set()

    def _notice(self) -> None:
        """For each small change that no kept call notices, offer the first call that does."""
        self.events = self.stuck = 0
        target, node = self.stream.changed
        live = mutants.live_function(target)
        lines = {one for one in self.reached & self.lines.targets if isinstance(one, int)}
        if live is None or not self.stream.kept:
            return
        calls = list(self.stream.kept)
        changes = mutants.edits(node, lines)
        for index, (line, code) in enumerate(mutants.mutants(target, node, changes)):
            number = LATER + index
            if code is None or number < self.memory.skip:
                continue
            self._tell(number, None)
            if self._is_spent:
                return
            call = self._first_to_notice(live, code, self._passing(line, calls))
            if call is not None and call not in calls and self._ask(number, call):
                calls.append(call)

    def _first_to_notice(self, live: Any, code: types.CodeType, calls: List[Call]) -> Call | None:
        """The first call whose outcome is another one when the function runs other code."""
        for call in calls:
            if call not in self.normal:
                self.normal[call] = self._outcome(call)
            normal = self.normal[call]
            if normal is None or normal["kind"] == "suspect":
                continue
            if mutants.with_code(live, code, self._outcome, call) != normal:
                return call
        return None

    def _passing(self, line: int, kept: List[Call]) -> List[Call]:
        """Calls that execute a line: the kept ones, the first that were tried, and an even
        choice of the others.
        """
        calls = [
            call
            for call in dict.fromkeys(self.usable)
            if call not in kept and line in self.lines_of[call]
        ]
        half = NOTICING_POOL // 2
        first, later = calls[:half], calls[half:]
        step = max(1, len(later) // half)
        return [*kept, *first, *later[::step][:half]]

    def _outcome(self, call: Call) -> Json | None:
        run = self._try(call)
        if run is None:
            return None
        return observations.observation(self.subject, call, run, self._folder_of(call))

    def _folder_of(self, call: Call) -> Path:
        """The folder with the sample files, for a call that uses one of them; else an empty one."""
        return self.folder if call.uses_files else self.empty


def _is_made(value: Any) -> bool:
    """Whether a value tells that a function made it: a number may mean anything at all."""
    return value is not None and not isinstance(value, (int, float))


def _bug(run: invoke.Run) -> FrozenSet[str]:
    """An error that looks like a bug is worth a report, wherever it was raised."""
    suspect = run.kind == "raises" and isinstance(run.value, observations.LOOKS_LIKE_A_BUG)
    return frozenset({type(run.value).__name__}) if suspect else frozenset()
