"""The process that tries candidates: quick, and in a state that wears out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from ..calls import candidates
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


class Lines(NamedTuple):
    """What counts as reached: line -> first line of its statement, and the gap's own features."""

    statements: dict[int, int]
    targets: set[Any]

    @property
    def possible(self) -> set[Any]:
        """The gap's features that can be reached at all: no blank line, no docstring."""
        starts = set(self.statements.values())
        return {one for one in self.targets if one in starts or isinstance(one, tuple)}

    def features(self, arcs: Any) -> set[Any]:
        """What a run reached: statement lines and arcs between them."""
        found: set[Any] = set()
        starts = set(self.statements.values())
        for start, end in arcs:
            first, last = self.statements.get(start, start), self.statements.get(end, end)
            if first != last:
                found.add((first, last))
            found |= {line for line in (first, last) if line in starts}
        return found


class Memory(NamedTuple):
    """What the parent knows from earlier workers: where to go on, and what was kept."""

    skip: int
    verdicts: dict[int, bool]
    reached: set[Any]


class Worker:
    """Tries the calls of a stream in order and asks the parent about those that reach more."""

    def __init__(
        self,
        subject: Subject,
        watch: side_effects.Guard,
        stream: candidates.Stream,
        lines: Lines,
        memory: Memory,
        pipes: tuple[Any, Any],
    ) -> None:
        self.subject, self.guard, self.stream, self.lines = subject, watch, stream, lines
        self.memory = memory
        self.out, self.answers = pipes
        self.reached = set(memory.reached)
        self.folder = Path()
        self.events = self.stuck = 0
        self.worth_trying: list[Call] = []
        self.lines_of: dict[Call, frozenset[Any]] = {}
        self.stream.is_done = lambda: self.lines.possible <= self.reached

    def work(self, top: str) -> None:
        """Try everything, then look for calls that notice small changes of the function."""
        self.state = side_effects.State(top, quick=True)
        with invoke.folder_with_files(True) as folder:
            self.folder = folder
            self.guard.folder = os.path.realpath(folder)
            self._explore()
            if self.reached & self.lines.targets:
                self._notice()
        self._say(0, "end")

    def _say(self, number: int, word: Any) -> None:
        self.out.write(json.dumps([number, word]) + "\n")
        self.out.flush()

    def _ask(self, number: int, call: Call) -> bool:
        """Have the parent record a call; whether it was kept."""
        self._say(number, call_to_json(call))
        kept, now = json.loads(self.answers.readline())
        self.reached = {tuple(f) if isinstance(f, list) else f for f in now}
        return bool(kept)

    def _try(self, call: Call) -> invoke.Run | None:
        """Make a call; None when it left a trace, which is wiped."""
        self.guard.patched = call.names_patched
        self.guard.active = True
        run = invoke.invoke(self.subject, call, self.folder)
        self.guard.active = False
        self.guard.touched = ""
        self.events += run.events
        self.stuck += run.kind != "inputs" and isinstance(run.value, side_effects.GivenUp)
        if self.state.changed():
            self.state.restore()
            return None
        return run

    def _usable(self, call: Call, run: invoke.Run) -> bool:
        if run.kind == "inputs" or isinstance(run.value, side_effects.GivenUp):
            return False
        if call.origin == "returned" and not all(map(_is_made, run.inputs[1:])):
            return False
        return run.kind != "raises" or not observations.is_misuse(self.subject, run.value)

    @property
    def _spent(self) -> bool:
        return self.events > MAX_EVENTS or self.stuck >= MAX_STUCK

    def _explore(self) -> None:
        tried: dict[Any, int] = {}
        for number, call in enumerate(self.stream.calls()):
            if number < self.memory.skip:
                if self.memory.verdicts.get(number):
                    self.stream.kept.append(call)
                continue
            self._say(number, None)
            run = self._try(call)
            if self._spent:
                return
            if run is None or not self._usable(call, run):
                continue
            features = self.lines.features(run.arcs)
            self.worth_trying.append(call)
            self.lines_of[call] = frozenset(features)
            fresh = frozenset(features - self.reached) or _bug(run)
            # a call that reaches it and may not be kept does not bar the next ones: three tries
            # of each way of calling: where a result cannot be told, its own result may be
            way = (fresh, bool(call.then), call.names_patched)
            if fresh and tried.get(way, 0) < 3:
                tried[way] = tried.get(way, 0) + 1
                if self._ask(number, call):
                    self.stream.kept.append(call)

    def _notice(self) -> None:
        """For each small change that no kept call notices, offer the first call that does."""
        self.events = self.stuck = 0
        target, node = self.stream.changed
        live = mutants.live_function(target)
        lines = {f for f in self.reached & self.lines.targets if isinstance(f, int)}
        if live is None or not self.stream.kept:
            return
        changes = mutants.edits(node, lines)
        normal: dict[Call, Json | None] = {}
        kept = list(self.stream.kept)
        for index, (line, code) in enumerate(mutants.variants(target, node, changes)):
            number = LATER + index
            if code is None or number < self.memory.skip:
                continue
            self._say(number, None)
            if self._spent:
                return
            for call in self._passing(line, kept):
                if call not in normal:
                    normal[call] = self._outcome(call)
                before = normal[call]
                if before is None or before["kind"] == "suspect":
                    continue
                if mutants.with_code(live, code, self._outcome, call) != before:
                    if call not in kept and self._ask(number, call):
                        kept.append(call)
                    break

    def _passing(self, line: int, kept: list[Call]) -> list[Call]:
        """Calls that execute a line: the kept ones, the first that were tried, and an even
        choice of the others.
        """
        others = [
            call for call in _without_repeats(self.worth_trying)
            if call not in kept and line in self.lines_of[call]
        ]  # fmt: skip
        half = NOTICING_POOL // 2
        first, rest = others[:half], others[half:]
        step = max(1, len(rest) // half)
        return [*kept, *first, *rest[::step][:half]]

    def _outcome(self, call: Call) -> Json | None:
        run = self._try(call)
        if run is None:
            return None
        return observations.observation(self.subject, call, run, self.folder)


def _without_repeats(calls: list[Call]) -> list[Call]:
    return list(dict.fromkeys(calls))


def _is_made(value: Any) -> bool:
    """Whether a value tells that a function made it: a number may mean anything at all."""
    return value is not None and not isinstance(value, (int, float))


def _bug(run: invoke.Run) -> frozenset[Any]:
    """An error that looks like a bug is worth a report, wherever it was raised."""
    suspect = run.kind == "raises" and isinstance(run.value, observations.LOOKS_LIKE_A_BUG)
    return frozenset({type(run.value).__name__}) if suspect else frozenset()
