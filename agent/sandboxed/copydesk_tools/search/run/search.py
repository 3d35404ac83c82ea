"""The parent's side of a search: it listens to workers, and keeps what it has recorded itself."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, NamedTuple, Set, Tuple

from ..calls.candidates import Stream
from ..values.call import Call, Json, Subject, call_from_json, call_to_json
from . import observations, recorder
from .worker import LATER, Lines, Memory, Worker

MAX_KEPT = 40
MAX_WORKERS = 12
"""Workers that may break before the search makes do with what it has; a silent one counts five."""
MAX_NOTICING = 10
"""Calls kept only because they notice a change to the function."""
MAX_SUSPECTS = 5
Feature = Any
"""A line, or an arc between two lines."""


class Kept(NamedTuple):
    """A call that becomes a test, what was seen of it, and what it reached."""

    call: Call
    observed: Json
    reached: Set[Feature]

    def as_json(self) -> Json:
        """The call, what was observed, and the lines it executed."""
        lines = sorted(feature for feature in self.reached if isinstance(feature, int))
        return {**call_to_json(self.call), "observed": self.observed, "lines": lines}


class Search:
    """Answers the worker's finds, starts another one when it breaks.

    Args:
        subject: What is called.
        recording: Records a call in fresh forks.
        stream: The calls to try.
        lines: What counts as reached.
    """

    def __init__(
        self, subject: Subject, recording: recorder.Recorder, stream: Stream, lines: Lines
    ) -> None:
        self.subject, self.recording, self.stream = subject, recording, stream
        self.lines = lines
        self.reached: Set[Feature] = set()
        self.kept: List[Kept] = []
        self.noticing: List[Kept] = []
        self.suspects: List[str] = []
        self.verdicts: Dict[int, bool] = {}
        self.patience = MAX_WORKERS

    def report(self) -> Json:
        """Search to the end and return the calls worth keeping."""
        skip = 0
        while skip >= 0 and self.patience > 0:
            self.patience -= 1
            skip = self._run_worker(skip)
        calls = [*self._needed(), *self.noticing]
        if not any(call.reached & self.lines.targets for call in calls):
            calls = []
        cases = [call.as_json() for call in calls]
        return {"cases": cases, "suspects": self.suspects[:MAX_SUSPECTS]}

    def _needed(self) -> List[Kept]:
        """Without the calls whose every line and arc another kept call reaches too."""
        needed = list(self.kept)
        for one in reversed(self.kept):
            without = [other for other in needed if other is not one]
            if without and one.reached <= set().union(*(other.reached for other in without)):
                needed = without
        return needed

    def _run_worker(self, skip: int) -> int:
        """Let a worker go on from candidate number skip; return where the next must, or -1."""
        (to_parent_r, to_parent_w), (to_worker_r, to_worker_w) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(to_parent_r)
            os.close(to_worker_w)
            try:
                with os.fdopen(to_parent_w, "w") as out, os.fdopen(to_worker_r) as answers:
                    self._work(skip, (out, answers))
            finally:
                os._exit(0)
        os.close(to_parent_w)
        os.close(to_worker_r)
        last = self._listen(pid, to_parent_r, to_worker_w, skip)
        os.close(to_parent_r)
        os.close(to_worker_w)
        recorder.end(pid)
        return last

    def _work(self, skip: int, pipes: Tuple[Any, Any]) -> None:
        memory = Memory(skip, self.verdicts, self.reached)
        guard = self.recording.guard
        worker = Worker(self.subject, guard, self.stream, self.lines, memory, pipes)
        worker.work(self.recording.top)

    def _listen(self, pid: int, reader: int, writer: int, skip: int) -> int:
        """Follow a worker to its end; a dead or silent one is followed by the next candidate."""
        buffer = b""
        last = skip
        heard = False
        while True:
            if not recorder.has_more(reader, pid):
                self.patience -= MAX_WORKERS // 3  # waiting is what costs
                break
            chunk = os.read(reader, 1 << 16)
            if not chunk:
                break
            *messages, buffer = (buffer + chunk).split(b"\n")
            for message in messages:
                number, word = json.loads(message)
                heard, last = True, number + 1
                if word == "end":
                    return -1
                if word is not None:
                    os.write(writer, self._reply(number, call_from_json(word)))
        return last if heard else -1

    def _reply(self, number: int, call: Call) -> bytes:
        """Whether a proposed call is kept, and everything that is reached by now."""
        self.verdicts[number] = self._consider(number, call)
        features = [list(one) if isinstance(one, tuple) else one for one in self.reached]
        return json.dumps([self.verdicts[number], features]).encode() + b"\n"

    def _consider(self, number: int, call: Call) -> bool:
        """Record a call that the worker proposes, and keep it if it still adds something."""
        observed, arcs = self.recording.twice(call)
        if observed is None:
            return False
        if observed["kind"] == "suspect":
            if self.stream.is_typed:
                self.suspects.append(f"{self._text(call)} raises {observed['name']}")
            return False
        call = self._plainer(call, observed, arcs)
        if any(call == other.call._replace(origin=call.origin) for other in self.kept):
            return False
        reached = self.lines.features([(start, end) for start, end in arcs])
        if answer := observations.gives(observed):
            reached.add(("gives", answer))
        candidate = Kept(call, observed, reached)
        if number >= LATER:
            return self._keep_as_noticing(candidate)
        if candidate.reached <= self.reached or len(self.kept) >= MAX_KEPT:
            return False
        self.reached |= candidate.reached
        self.kept.append(candidate)
        return True

    def _keep_as_noticing(self, candidate: Kept) -> bool:
        """Keep a call that notices a change to the function, if it reaches the gap's lines."""
        if not candidate.reached & self.lines.targets or len(self.noticing) >= MAX_NOTICING:
            return False
        self.noticing.append(candidate)
        return True

    def _plainer(self, call: Call, observed: Json, arcs: Any) -> Call:
        """The call without what was put around it and makes no difference."""
        for patch in call.patches:
            fewer = tuple(other for other in call.patches if other != patch)
            without = call._replace(patches=fewer)
            if self.recording.twice(without) == (observed, arcs):
                call = without
        return call

    def _text(self, call: Call) -> str:
        """A call as Python writes it."""
        texts = [argument.text for argument in call.arguments]
        texts += [f"{name}={value.text}" for name, value in call.keywords]
        receiver = f"{call.receiver.text}." if call.receiver is not None else ""
        return f"{receiver}{self.subject.name}({', '.join(texts)})"
