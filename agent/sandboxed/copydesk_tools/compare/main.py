"""Answers one request about one version of a function.

Two processes: this one, which never runs anything of the user's, holds the way back to the host; a
fork of it, from which it cannot be looked into, imports the module and makes the calls.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, List, Set

from ..elsewhere.places import PLACES
from ..elsewhere.settle import flip, settle, take_over_variables
from ..search.calls import entry_points
from ..search.calls.candidates import Stream
from ..search.main import Target, keep_quiet, leave_the_import_path
from ..search.run import invoke, side_effects
from ..search.run.worker import Lines
from ..search.values.call import Json, Subject, call_from_json
from ..source.functions import Definition, outermost_function
from ..verify.own_domain import leave_the_others_alone
from .calls_to_try import CallsToTry, mentioned_parameters, with_both_versions
from .explore import Exploration
from .record import Recording

_NOT_CALLABLE = "nothing outside can call it"


def main() -> int:
    """Read a request from standard input and report to the host."""
    request = json.loads(sys.stdin.buffer.read())
    report_fd = int(os.environ["COPYDESK_REPORT_FD"])
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.close(report_fd)
        status = 1
        try:
            leave_the_others_alone()
            _answer_to(request, writer)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        report = answers.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        report = json.dumps({"error": "the process that ran it ended early"}).encode()
    with os.fdopen(report_fd, "wb") as out:
        out.write(report)
    return 0


def _answer_to(request: Json, writer: int) -> None:
    os.set_inheritable(writer, False)
    for name in [name for name in os.environ if name.startswith("COPYDESK")]:
        del os.environ[name]
    leave_the_import_path()
    keep_quiet()
    if request.get("elsewhere"):
        settle(PLACES[0])
        take_over_variables(PLACES[0])
        flip(request.get("variables", ()), PLACES[0])
        sys.argv = ["elsewhere", "-x", "other", "3"]
    try:
        report = _answer(request)
    except BaseException as error:  # importing the user's module may raise anything at all
        report = {"error": f"{type(error).__name__}: {error}"[:300]}
    with os.fdopen(writer, "wb") as out:
        out.write(json.dumps(report).encode())


def _answer(request: Json) -> Json:
    """Import the module and do what the request asks for."""
    tree = ast.parse(Path(request["path"]).read_bytes())
    owners, node = outermost_function(tree, request["function"], request["lines"])
    if node is None:
        return {"error": "no such function"}
    module = importlib.import_module(request["module"])
    if os.path.realpath(str(module.__file__)) != os.path.realpath(request["path"]):
        return {"error": f"{request['module']} is imported from another file"}
    signal.signal(signal.SIGALRM, invoke.PATIENCE.alarm)
    target = Target(os.getcwd(), tree, module, Definition(tuple(owners), node))
    guard = side_effects.Guard(target.top)
    side = _Side(request, target, guard)
    return side.record() if request["do"] == "record" else side.explore()


class _Side:
    """One version, imported."""

    def __init__(self, request: Json, target: Target, guard: side_effects.Guard) -> None:
        self.request, self.target, self.guard = request, target, guard

    def _lines(self, subject: Subject) -> Lines:
        statements = invoke.lines_of(self.target.tree, subject.first, subject.last)
        changed = self.request["changed"]
        targets: Set[Any] = {statements.get(line, line) for line in changed if line > 0}
        # a lambda counts once it is called: the jump into its line
        targets |= {(line, statements.get(-line, -line)) for line in changed if line < 0}
        return Lines(statements, targets)

    def record(self) -> Json:
        """What the calls of a request do, each in a process of its own."""
        owners, entry = outermost_function(self.target.tree, self.request["entry"])
        if self.request["entry"] == self.request["function"]:
            owners, entry = list(self.target.definition.owners), self.target.definition.node
        subject = self._subject(owners, entry)
        if subject is None:
            return {"error": _NOT_CALLABLE}
        lines = self._lines(subject)
        clocked = self.request.get("clocked", ())
        recording = Recording(subject, self.guard, lines, self.target.top, clocked)
        calls = [call_from_json(plain) for plain in self.request["calls"]]
        return {"records": recording.run(calls)}

    def _subject(self, owners: Any, node: Any) -> Subject | None:
        return self.target.subject(Definition(tuple(owners), node)) if node is not None else None

    def explore(self) -> Json:
        """Try calls of the function; where it cannot be called, of one that calls it."""
        report: Json = {"error": _NOT_CALLABLE}
        definition = self.target.definition
        named = self.request.get("entry")
        for entry in (definition, *entry_points.entries(self.target.tree, definition)):
            if named and entry.qualname != named:
                continue
            subject = self.target.subject(entry)
            if subject is None:
                continue
            exploration = self._exploration(subject, entry)
            tried = exploration.run()
            refused = exploration.refused
            report = {"entry": entry.qualname, "tried": tried, "refused": refused[:100]}
            if any(word["path"] for word in tried):
                break
        return report

    def _exploration(self, subject: Subject, entry: Definition) -> Exploration:
        seed = self.request["seed"]
        stream = Stream(subject, self.target.tree, entry.node, self.target.top, seed)
        mentioned: List[str] = []
        if entry.node is self.target.definition.node:
            other = self.request["other"]
            with_both_versions(stream, other, self.target.module)
            changed = self.request["changed"]
            mentioned = mentioned_parameters(entry.node, subject.owner, changed, other)
        calls = CallsToTry(stream, self.request["calls"], self.request["most"], mentioned)
        lines = self._lines(subject)
        return Exploration(subject, self.guard, calls, lines, self.target.top)
