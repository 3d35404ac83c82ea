"""Search for inputs of one function that reach its uncovered lines; record what they give.

Runs inside the sandbox, in the user's interpreter: `python search.py`, a JSON request on standard
input, a JSON report on the file descriptor named by COPYDESK_REPORT_FD.

Three processes share the work. The parent imports the target once and never calls it. A forked
worker tries one candidate after another, quickly, in a state that wears out; when one reaches
something new, the parent records it in two more forks of its own fresh state, and only what both
saw alike counts. A worker that hangs or dies costs that one candidate.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

_HERE = str(Path(__file__).resolve().parent)
if TYPE_CHECKING:
    from copydesk.agent.testgen.inside import clock as clocks
    from copydesk.agent.testgen.inside import inputs, observe
    from copydesk.agent.testgen.inside.expressions import Expression
else:
    sys.path.insert(0, _HERE)
    import clock as clocks
    import inputs
    import observe
    from expressions import Expression

    # The user's project may have modules of these names too; theirs must win from here on.
    sys.path[:] = [p for p in sys.path if os.path.realpath(p or ".") != _HERE]
    for _name in ("clock", "expressions", "files", "inputs", "observe", "pools", "sites", "texts"):
        sys.modules.pop(_name, None)

PATIENCE = 10.0
"""Seconds without a word from a child after which it is ended."""
MAX_KEPT = 40
MAX_EVENTS = 1_500_000
"""Lines of the project's code that one search may execute."""
MAX_STUCK = 12
"""Calls that had to be given up, after which the search ends."""

Json = Dict[str, Any]
Recorded = Tuple[Optional[Json], List[Tuple[int, int]], bool]


def main() -> int:
    """Answer one request: "search" finds and records calls, "record" records given ones."""
    request = json.loads(sys.stdin.buffer.read())
    report_fd = int(os.environ["COPYDESK_REPORT_FD"])
    os.set_inheritable(report_fd, False)
    _quiet()
    try:
        report = answer(request)
    except BaseException as error:  # importing the user's module may raise anything at all
        report = {"error": f"{type(error).__name__}: {error}"[:300]}
    with os.fdopen(report_fd, "wb") as out:
        out.write(json.dumps(report).encode())
    return 0


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
    source = Path(request["path"]).read_bytes()
    tree = ast.parse(source)
    owners, node = inputs.find_function(tree, request["function"])
    if node is None or len(owners) > 1:
        return {"error": "no such function"}
    module = importlib.import_module(request["module"])
    subject = observe.Subject(
        module,
        owners[0] if owners else "",
        node.name,
        inputs.shape_of(node, owners),
        str(module.__file__),
        node.lineno,
        node.end_lineno or node.lineno,
    )
    owner = getattr(module, owners[0]) if owners else module
    if not _is_callable(owner, subject):
        return {"error": "not a plain function"}
    signal.signal(signal.SIGALRM, _give_up)
    bench = Recorder(subject, top)
    if request["do"] == "record":
        calls = [call_from(plain) for plain in request["calls"]]
        return {"observations": [bench.record(call)[0] for call in calls]}
    statements = observe.lines_of(tree, subject.first, subject.last)
    stream = inputs.Stream(subject, tree, node, top, request["seed"])
    return Search(subject, bench, stream, request, statements).report()


def _is_callable(owner: Any, subject: observe.Subject) -> bool:
    member = getattr(owner, subject.name, None)
    if subject.shape in ("property", "construct"):
        return isinstance(owner, type)
    return callable(member) and not isinstance(member, type)


def call_to(call: observe.Call) -> Json:
    """A call as plain data."""
    return {
        "receiver": call.receiver,
        "arguments": call.arguments,
        "keywords": call.keywords,
        "origin": call.origin,
    }


def call_from(plain: Json) -> observe.Call:
    """The call that call_to wrote."""
    return observe.Call(
        None if plain["receiver"] is None else _expression(plain["receiver"]),
        tuple(_expression(a) for a in plain["arguments"]),
        tuple((name, _expression(value)) for name, value in plain["keywords"]),
        plain["origin"],
    )


def _expression(plain: list[Any]) -> Expression:
    return Expression(plain[0], tuple((name, module) for name, module in plain[1]))


class Recorder:
    """Makes one call in a fork of the fresh parent and says what a test may assert about it."""

    def __init__(self, subject: observe.Subject, top: str) -> None:
        self.subject = subject
        self.top = top
        self.guard = observe.Guard(top)

    def record(self, call: observe.Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The observation and the arcs, or None when the call may not become a test."""
        first, arcs, clock = self._forked(call, 0.0)
        if first is not None and clock:
            # it asked for the time; on other days the result has to be the same
            if any(self._forked(call, seconds)[0] != first for seconds in clocks.SHIFTS[1:]):
                return None, []
        return first, arcs

    def twice(self, call: observe.Call) -> tuple[Json | None, list[tuple[int, int]]]:
        """The same, when two fresh processes agree."""
        first, arcs = self.record(call)
        if first is None or self._forked(call, 0.0)[0] != first:
            return None, []
        return first, arcs

    def _forked(self, call: observe.Call, seconds: float) -> Recorded:
        recorded = _in_child(lambda: self._once(call, seconds))
        return tuple(recorded) if recorded else (None, [], False)

    def _once(self, call: observe.Call, seconds: float) -> Recorded:
        if seconds:
            clocks.shift(seconds)
        state = observe.State(self.top)
        with observe.folder_with_files(call.uses_files) as folder:
            self.guard.folder = os.path.realpath(folder)
            self.guard.active = True
            sys.setprofile(self.guard.profile)
            run = observe.invoke(self.subject, call, folder)
            sys.setprofile(None)
            self.guard.active = False
            if self.guard.touched or state.changed():
                return None, [], False
            seen = observe.observation(self.subject, call, run, folder)
        return seen, sorted(run.arcs), self.guard.clock


def _in_child(work: Any) -> Any:
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
    while select.select([reader], [], [], PATIENCE)[0]:
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        chunks.append(chunk)
    os.close(reader)
    _end(pid)
    try:
        return json.loads(b"".join(chunks))
    except ValueError:
        return None


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


class Search:
    """The parent's side: answers the worker's finds, starts another one when it breaks."""

    def __init__(
        self,
        subject: observe.Subject,
        recorder: Recorder,
        stream: inputs.Stream,
        request: Json,
        statements: dict[int, int],
    ) -> None:
        self.subject, self.recorder, self.stream = subject, recorder, stream
        self.statements = statements
        self.targets = set(request["lines"]) | {tuple(arc) for arc in request["branches"]}
        self.reached: set[Any] = set()
        self.kept: list[tuple[observe.Call, Json, set[Any]]] = []
        self.suspects: list[str] = []
        self.verdicts: dict[int, bool] = {}

    def report(self) -> Json:
        """Search to the end and return the calls worth keeping."""
        skip = 0
        while skip >= 0:
            skip = self._worker(skip)
        kept = self._needed()
        wanted = [(c, o, r) for c, o, r in kept if r & self.targets]
        return {
            "cases": [
                {**call_to(c), "observed": o, "lines": sorted(x for x in r if isinstance(x, int))}
                for c, o, r in (kept if wanted else [])
            ],
            "suspects": self.suspects[:5],
        }

    def _needed(self) -> list[tuple[observe.Call, Json, set[Any]]]:
        """Without the calls whose every line and arc another kept call reaches too."""
        kept = list(self.kept)
        for one in reversed(self.kept):
            others: set[Any] = set().union(*(r for c, _, r in kept if c is not one[0]))
            if one[2] <= others and len(kept) > 1:
                kept = [k for k in kept if k is not one]
        return kept

    def features(self, arcs: Any) -> set[Any]:
        """What a run reached: statement lines and arcs between them."""
        found: set[Any] = set()
        for start, end in arcs:
            first, last = self.statements.get(start, start), self.statements.get(end, end)
            if first != last:
                found.add((first, last))
            found |= {line for line in (first, last) if line > 0}
        return found & (set(self.statements.values()) | {f for f in found if isinstance(f, tuple)})

    def _worker(self, skip: int) -> int:
        """Let a worker go on from candidate number skip; return where the next must, or -1."""
        (to_parent_r, to_parent_w), (to_worker_r, to_worker_w) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(to_parent_r)
            os.close(to_worker_w)
            try:
                self._work(skip, os.fdopen(to_parent_w, "w"), os.fdopen(to_worker_r))
            finally:
                os._exit(0)
        os.close(to_parent_w)
        os.close(to_worker_r)
        last = self._listen(to_parent_r, to_worker_w, skip)
        os.close(to_parent_r)
        os.close(to_worker_w)
        _end(pid)
        return last

    def _listen(self, reader: int, writer: int, skip: int) -> int:
        buffer = b""
        last = skip
        while select.select([reader], [], [], PATIENCE)[0]:
            chunk = os.read(reader, 1 << 16)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                number, word = json.loads(line)
                last = number + 1
                if word == "end":
                    return -1
                if word is not None:
                    kept = self._consider(call_from(word))
                    self.verdicts[number] = kept
                    os.write(
                        writer, json.dumps([kept, [_key(f) for f in self.reached]]).encode() + b"\n"
                    )
        return last

    def _consider(self, call: observe.Call) -> bool:
        seen, arcs = self.recorder.twice(call)
        reached = self.features([tuple(arc) for arc in arcs])
        if seen is None or not reached - self.reached or len(self.kept) >= MAX_KEPT:
            return False
        if seen["kind"] == "suspect":
            if self.stream.is_typed:
                self.suspects.append(f"{self._said(call)} raises {seen['name']}")
            return False
        self.reached |= reached
        self.kept.append((call, seen, reached))
        return True

    def _said(self, call: observe.Call) -> str:
        texts = [a.text for a in call.arguments] + [f"{k}={v.text}" for k, v in call.keywords]
        receiver = f"{call.receiver.text}." if call.receiver is not None else ""
        return f"{receiver}{self.subject.name}({', '.join(texts)})"

    def _work(self, skip: int, out: Any, answers: Any) -> None:
        """The worker: try calls in order, report those that reach something new."""
        state = observe.State(self.recorder.top)
        guard = self.recorder.guard
        reached = set(self.reached)
        tried: dict[Any, int] = {}
        events = stuck = 0
        with observe.folder_with_files(True) as folder:
            guard.folder = os.path.realpath(folder)
            for number, call in enumerate(self.stream.calls()):
                if number < skip:
                    if self.verdicts.get(number):
                        self.stream.kept.append(call)
                    continue
                _say(out, [number, None])
                guard.active = True
                run = observe.invoke(self.subject, call, folder)
                guard.active = False
                guard.touched = ""
                events += run.events
                stuck += run.kind != "inputs" and isinstance(run.value, observe.GivenUp)
                if events > MAX_EVENTS or stuck >= MAX_STUCK:
                    break
                if state.changed():
                    state.restore()
                    continue
                found = self.features(run.arcs)
                fresh = frozenset(found - reached)
                # a call that reaches it and may not be kept does not bar the next ones: three tries
                if not fresh or tried.get(fresh, 0) >= 3 or not self._usable(run):
                    continue
                tried[fresh] = tried.get(fresh, 0) + 1
                _say(out, [number, call_to(call)])
                kept, now = json.loads(answers.readline())
                reached = {tuple(f) if isinstance(f, list) else f for f in now}
                if kept:
                    self.stream.kept.append(call)
        _say(out, [0, "end"])

    def _usable(self, run: observe.Run) -> bool:
        return run.kind != "inputs" and not isinstance(
            run.value, (TypeError, AttributeError, NameError, observe.GivenUp)
        )


def _key(feature: Any) -> Any:
    return list(feature) if isinstance(feature, tuple) else feature


def _say(out: Any, message: Any) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def _give_up(*_: Any) -> None:
    raise observe.GivenUp


if __name__ == "__main__":
    sys.exit(main())
