"""Search for inputs of one function that reach its uncovered lines; record what they give.

Runs inside the sandbox, in the user's interpreter: a JSON request on standard input, a JSON report
on the file descriptor named by COPYDESK_REPORT_FD.

Three processes share the work. The parent imports the target once and never calls it. A forked
worker tries one candidate after another, quickly, in a state that wears out; when one reaches
something new, the parent records it in two more forks of its own fresh state, and only what both
saw alike counts. A worker that hangs or dies costs that one candidate.
"""

from __future__ import annotations

import ast
import importlib
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ..source.functions import find_function, shape_of
from .calls import candidates, entry_points
from .run import invoke, recorder, side_effects, worker
from .values import click_commands
from .values.call import Call, Json, Subject, call_from_json, call_to_json

TOOLS = str(Path(__file__).resolve().parents[2])
"""The folder in which the sandbox finds this package."""
MAX_KEPT = 40
MAX_WORKERS = 12
"""Workers that may break before the search makes do with what it has; a silent one counts five."""
MAX_NOTICING = 10
"""Calls kept only because they notice a change to the function."""


def main() -> int:
    """Answer one request: "search" finds and records calls, "record" records given ones."""
    request = json.loads(sys.stdin.buffer.read())
    report_fd = int(os.environ["COPYDESK_REPORT_FD"])
    os.set_inheritable(report_fd, False)
    _leave_the_import_path()
    _quiet()
    try:
        report = answer(request)
    except BaseException as error:  # importing the user's module may raise anything at all
        report = {"error": f"{type(error).__name__}: {error}"[:300]}
    with os.fdopen(report_fd, "wb") as out:
        out.write(json.dumps(report).encode())
    return 0


def _leave_the_import_path() -> None:
    """Take the folder of this package off sys.path: the user's modules are looked up without it."""
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder or ".") != TOOLS]


def _quiet() -> None:
    """Keep the user's prints and questions away from this process's streams."""
    sys.stdin = io.StringIO("")
    sys.argv = ["pytest"]
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def answer(request: Json) -> Json:
    """Import the target and do what the request asks for."""
    top = os.getcwd()
    tree = ast.parse(Path(request["path"]).read_bytes())
    owners, node = find_function(tree, request["function"], request["lines"])
    if node is None:
        return {"error": "no such function"}
    module = importlib.import_module(request["module"])
    signal.signal(signal.SIGALRM, invoke.PATIENCE.alarm)
    watch = side_effects.Guard(top)
    ways: list[tuple[list[str], Any]] = [(owners, node), *entry_points.entries(tree, owners, node)]
    if request["do"] == "record":
        ways = [find_function(tree, request["entry"], request["lines"])]
    report: Json = {"error": "not a plain function"}
    for around, entry in ways:
        subject = _subject(module, around, entry, node) if entry is not None else None
        if subject is None or entry is None:
            continue
        recording = recorder.Recorder(subject, top, watch)
        if request["do"] == "record":
            calls = [call_from_json(plain) for plain in request["calls"]]
            return {"observations": [recording.record(call)[0] for call in calls]}
        targets = set(request["lines"]) | {tuple(arc) for arc in request["branches"]}
        lines = worker.Lines(invoke.lines_of(tree, subject.first, subject.last), targets)
        stream = candidates.Stream(subject, tree, entry, top, request["seed"])
        if (entry is not node or subject.shape == "command") and len(owners) < 2:
            place = owners[0] if owners else ""
            stream.changed = (subject._replace(owner=place, name=node.name), node)
        report = Search(subject, recording, stream, lines).report()
        report["entry"] = ".".join([*around, entry.name])
        report["command"] = subject.name if subject.shape == "command" else ""
        if report["cases"]:
            break
    return report


def _subject(module: Any, owners: list[str], entry: Any, node: Any) -> Subject | None:
    """What is called to reach the lines of a function; None for what cannot be called."""
    subject = Subject(
        module,
        owners[0] if owners else "",
        entry.name,
        shape_of(entry, owners),
        str(module.__file__),
        node.lineno,
        node.end_lineno or node.lineno,
    )
    if len(owners) > 1:
        return None
    root, words, command = click_commands.entry(module, entry.name)
    if not owners and command is not None:
        return subject._replace(name=root, shape="command", words=tuple(words))
    owner = getattr(module, owners[0], None) if owners else module
    return subject if _is_callable(owner, subject) else None


def _is_callable(owner: Any, subject: Subject) -> bool:
    member = getattr(owner, subject.name, None)
    if subject.shape in ("property", "setter", "construct"):
        return isinstance(owner, type)
    return callable(member) and not isinstance(member, type)


class Kept(NamedTuple):
    """A call that becomes a test, what was seen of it, and what it reached."""

    call: Call
    seen: Json
    reached: set[Any]


class Search:
    """The parent's side: answers the worker's finds, starts another one when it breaks."""

    def __init__(
        self,
        subject: Subject,
        recording: recorder.Recorder,
        stream: candidates.Stream,
        lines: worker.Lines,
    ) -> None:
        self.subject, self.recording, self.stream = subject, recording, stream
        self.lines = lines
        self.reached: set[Any] = set()
        self.kept: list[Kept] = []
        self.noticing: list[Kept] = []
        self.suspects: list[str] = []
        self.verdicts: dict[int, bool] = {}
        self.patience = MAX_WORKERS

    def report(self) -> Json:
        """Search to the end and return the calls worth keeping."""
        skip = 0
        while skip >= 0 and self.patience > 0:
            self.patience -= 1
            skip = self._worker(skip)
        kept = [*self._needed(), *self.noticing]
        if not any(one.reached & self.lines.targets for one in kept):
            kept = []
        return {"cases": [self._plain(one) for one in kept], "suspects": self.suspects[:5]}

    def _plain(self, one: Kept) -> Json:
        lines = sorted(feature for feature in one.reached if isinstance(feature, int))
        return {**call_to_json(one.call), "observed": one.seen, "lines": lines}

    def _needed(self) -> list[Kept]:
        """Without the calls whose every line and arc another kept call reaches too."""
        kept = list(self.kept)
        for one in reversed(self.kept):
            others: set[Any] = set().union(*(k.reached for k in kept if k is not one))
            if one.reached <= others and len(kept) > 1:
                kept = [k for k in kept if k is not one]
        return kept

    def _worker(self, skip: int) -> int:
        """Let a worker go on from candidate number skip; return where the next must, or -1."""
        (to_parent_r, to_parent_w), (to_worker_r, to_worker_w) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(to_parent_r)
            os.close(to_worker_w)
            memory = worker.Memory(skip, self.verdicts, self.reached)
            try:
                with os.fdopen(to_parent_w, "w") as out, os.fdopen(to_worker_r) as answers:
                    worker.Worker(
                        self.subject,
                        self.recording.guard,
                        self.stream,
                        self.lines,
                        memory,
                        (out, answers),
                    ).work(self.recording.top)
            finally:
                os._exit(0)
        os.close(to_parent_w)
        os.close(to_worker_r)
        last = self._listen(pid, to_parent_r, to_worker_w, skip)
        os.close(to_parent_r)
        os.close(to_worker_w)
        recorder.end(pid)
        return last

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
                    self.verdicts[number] = self._consider(number, call_from_json(word))
                    features = [list(f) if isinstance(f, tuple) else f for f in self.reached]
                    reply = json.dumps([self.verdicts[number], features])
                    os.write(writer, reply.encode() + b"\n")
        return last if heard else -1

    def _consider(self, number: int, call: Call) -> bool:
        """Record a call that the worker proposes, and keep it if it still adds something."""
        seen, arcs = self.recording.twice(call)
        if seen is None:
            return False
        if seen["kind"] == "suspect":
            if self.stream.is_typed:
                self.suspects.append(f"{self._said(call)} raises {seen['name']}")
            return False
        call = self._plainer(call, seen, arcs)
        if any(call == other.call._replace(origin=call.origin) for other in self.kept):
            return False
        one = Kept(call, seen, self.lines.features([tuple(arc) for arc in arcs]))
        if number >= worker.LATER:
            if not one.reached & self.lines.targets or len(self.noticing) >= MAX_NOTICING:
                return False
            self.noticing.append(one)
            return True
        if one.reached <= self.reached or len(self.kept) >= MAX_KEPT:
            return False
        self.reached |= one.reached
        self.kept.append(one)
        return True

    def _plainer(self, call: Call, seen: Json, arcs: Any) -> Call:
        """The call without what was put around it and makes no difference."""
        for patch in call.patches:
            rest = tuple(one for one in call.patches if one != patch)
            without = call._replace(patches=rest)
            if self.recording.twice(without) == (seen, arcs):
                call = without
        return call

    def _said(self, call: Call) -> str:
        texts = [a.text for a in call.arguments] + [f"{k}={v.text}" for k, v in call.keywords]
        receiver = f"{call.receiver.text}." if call.receiver is not None else ""
        return f"{receiver}{self.subject.name}({', '.join(texts)})"
