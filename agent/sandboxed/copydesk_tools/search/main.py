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

from ..source.functions import Definition, outermost_function, shape_of
from .calls import entry_points
from .calls.candidates import Stream
from .run import invoke, recorder, side_effects
from .run.search import Search
from .run.worker import Lines
from .values import click_commands
from .values.call import Json, Subject, call_from_json

TOOLS = str(Path(__file__).resolve().parents[2])
"""The folder in which the sandbox finds this package."""
_NOT_PLAIN = "not a plain function"


def main() -> int:
    """Answer one request: "search" finds and records calls, "record" records given ones."""
    request = json.loads(sys.stdin.buffer.read())
    report_fd = int(os.environ["COPYDESK_REPORT_FD"])
    os.set_inheritable(report_fd, False)
    leave_the_import_path()
    keep_quiet()
    try:
        report = answer(request)
    except BaseException as error:  # importing the user's module may raise anything at all
        report = {"error": f"{type(error).__name__}: {error}"[:300]}
    with os.fdopen(report_fd, "wb") as out:
        out.write(json.dumps(report).encode())
    return 0


def leave_the_import_path() -> None:
    """Take the folder of this package off sys.path: the user's modules are looked up without it."""
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder or ".") != TOOLS]


def keep_quiet() -> None:
    """Keep the user's prints and questions away from this process's streams."""
    sys.stdin = io.StringIO("")
    sys.argv = ["pytest"]
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def answer(request: Json) -> Json:
    """Import the target and do what the request asks for."""
    tree = ast.parse(Path(request["path"]).read_bytes())
    owners, node = outermost_function(tree, request["function"], request["lines"])
    if node is None:
        return {"error": "no such function"}
    module = importlib.import_module(request["module"])
    signal.signal(signal.SIGALRM, invoke.PATIENCE.alarm)
    target = Target(os.getcwd(), tree, module, Definition(tuple(owners), node))
    guard = side_effects.Guard(target.top)
    if request["do"] == "record":
        return _record(request, target, guard)
    return _search(request, target, guard)


class Target(NamedTuple):
    """The function under test: the project's folder, its module and its definition."""

    top: str
    tree: ast.Module
    module: Any
    definition: Definition

    def subject(self, entry: Definition) -> Subject | None:
        """What is called to reach the target's lines through a function; None for what cannot be
        called.
        """
        if len(entry.owners) > 1:
            return None
        owner = entry.owners[0] if entry.owners else ""
        node, name = self.definition.node, entry.node.name
        shape = shape_of(entry.node, entry.owners)
        last = node.end_lineno or node.lineno
        subject = Subject(
            self.module, owner, name, shape, str(self.module.__file__), node.lineno, last
        )
        root, words, command = click_commands.entry(self.module, name)
        if not owner and command is not None:
            return subject._replace(name=root, shape="command", words=tuple(words))
        holder = getattr(self.module, owner, None) if owner else self.module
        return subject if _is_callable(holder, subject) else None


def _record(request: Json, target: Target, guard: side_effects.Guard) -> Json:
    """Record the calls of a request, made to its entry."""
    owners, entry = outermost_function(target.tree, request["entry"], request["lines"])
    subject = target.subject(Definition(tuple(owners), entry)) if entry is not None else None
    if subject is None:
        return {"error": _NOT_PLAIN}
    recording = recorder.Recorder(subject, target.top, guard)
    calls = [call_from_json(plain) for plain in request["calls"]]
    return {"observations": [recording.record(call)[0] for call in calls]}


def _search(request: Json, target: Target, guard: side_effects.Guard) -> Json:
    """Search the calls of the target, or else of a function that calls it."""
    report: Json = {"error": _NOT_PLAIN}
    definition = target.definition
    targets = {*request["lines"], *(tuple(arc) for arc in request["branches"])}
    for entry in (definition, *entry_points.entries(target.tree, definition)):
        subject = target.subject(entry)
        if subject is None:
            continue
        recording = recorder.Recorder(subject, target.top, guard)
        lines = Lines(invoke.lines_of(target.tree, subject.first, subject.last), targets)
        stream = Stream(subject, target.tree, entry.node, target.top, request["seed"])
        is_other = entry.node is not definition.node or subject.shape == "command"
        if is_other and len(definition.owners) < 2:
            owner = "".join(definition.owners)
            changed = subject._replace(owner=owner, name=definition.node.name)
            stream.changed = (changed, definition.node)
        report = Search(subject, recording, stream, lines).report()
        report["entry"] = entry.qualname
        report["command"] = subject.name if subject.shape == "command" else ""
        if report["cases"]:
            break
    return report


def _is_callable(holder: Any, subject: Subject) -> bool:
    """Whether the subject is there as its definition says: nothing has taken its name since."""
    member = getattr(holder, subject.name, None)
    if subject.shape in ("property", "setter", "construct"):
        return isinstance(holder, type)
    return callable(member) and not isinstance(member, type)
