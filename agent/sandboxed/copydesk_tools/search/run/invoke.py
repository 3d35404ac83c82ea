"""Run one call and say what came of it: which lines, which result, and whether it may be kept."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import itertools
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

from ..values import click_commands
from ..values.call import Call, Subject
from ..values.expressions import Expression, evaluate, write
from ..values.sample_files import FILES
from .apply_patches import applied
from .side_effects import GivenUp
from .warned import Warned

MAX_EVENTS = 60_000
"""Lines of the project's code one call may execute; counted, so that load changes nothing."""
WAIT = 2.0
"""Seconds after which a call that does nothing (a sleep, a wait) is given up; and the CPU seconds
of one that works. On a busy machine a working call gets less of them, which must not count."""
_WORKS = 0.002
"""CPU seconds within WAIT that tell work from waiting."""
_WAITS = 30
"""Times WAIT that a call may take in all, however little it got done."""
TAKE = 10
"""Items taken from a generator."""


class Run(NamedTuple):
    """The raw outcome of a call.

    `within` is how its inputs could be written down while a context was entered, `version_bound`
    whether Python or a package said that the call uses what is deprecated.
    """

    kind: str
    value: Any
    arcs: set[tuple[int, int]]
    wrap: str
    printed: str
    inputs: list[Any]
    warned: list[str]
    events: int
    within: list[Expression | None]
    version_bound: bool = False


class Tracer:
    """Collects the jumps between lines of one file within the target's own range."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.arcs: set[tuple[int, int]] = set()
        self.events = 0

    def __call__(self, frame: Any, event: str, _argument: Any) -> Any:
        """Follow frames of the target file; count those of others."""
        self.events += 1
        if self.events > MAX_EVENTS:
            raise GivenUp
        if frame.f_code.co_filename != self.subject.file:
            return None
        first = frame.f_code.co_firstlineno
        previous = [-first]

        def local(frame: Any, event: str, _argument: Any) -> Any:
            if event == "line":
                self.events += 1
                if self.events > MAX_EVENTS:
                    raise GivenUp
                self._jump(previous[0], frame.f_lineno)
                previous[0] = frame.f_lineno
            elif event == "return":
                self._jump(previous[0], -first)
            return local

        return local

    def _jump(self, start: int, end: int) -> None:
        subject = self.subject
        if subject.first <= max(start, end) <= subject.last:
            self.arcs.add((start, end))


class Patience:
    """Ends a call that waits, or works too long, whatever else the machine is doing."""

    def __init__(self) -> None:
        self.began = self.last = 0.0
        self.left = _WAITS

    def start(self) -> None:
        """Begin to watch a call."""
        self.began = self.last = time.process_time()
        self.left = _WAITS
        signal.setitimer(signal.ITIMER_REAL, WAIT)

    def alarm(self, *_: Any) -> None:
        """The handler of SIGALRM."""
        now = time.process_time()
        works, self.last = now - self.last > _WORKS, now
        self.left -= 1
        if not works or now - self.began > WAIT or not self.left:
            raise GivenUp
        signal.setitimer(signal.ITIMER_REAL, WAIT)


PATIENCE = Patience()


def invoke(subject: Subject, call: Call, folder: Path, trace: bool = True) -> Run:
    """Make the inputs and the call, under the tracer, with its output captured."""
    local = {"tmp_path": folder, "stream": stream, "written": []}
    tracer = Tracer(subject)
    out = io.StringIO()
    inputs: list[Any] = []
    wrap = ""
    within: list[Expression | None] = []
    before = sys.gettrace()
    kind = "inputs"
    warned = Warned()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.ExitStack() as stack,
    ):
        warned.listen()
        PATIENCE.start()
        try:
            stack.enter_context(applied(call.patches, local))
            kind = "inputs"  # an argument that cannot be made says nothing about the target
            receiver = receiver_of(call, local)
            inputs = [receiver, *(evaluate(a, local) for a in call.arguments)]
            keywords = {name: evaluate(value, local) for name, value in call.keywords}
            then = [[evaluate(a, local) for a in row] for row in call.then]
            kind = "raises"
            if trace:
                sys.settrace(tracer)
            value = _apply(subject, receiver, inputs[1:], keywords)
            for row in then:
                value = value(*row)
            wrap = _wrapping(value)
            value, wrap = _unwrapped(value, wrap, lambda: within.extend(map(write, inputs)))
            kind = "value"
        except BaseException as error:  # whatever user code raises is an observation
            value = error
        finally:
            sys.settrace(before)
            signal.setitimer(signal.ITIMER_REAL, 0)
    return Run(
        kind, value, tracer.arcs, wrap, out.getvalue(), inputs, warned.names, tracer.events,
        within, warned.version_bound,
    )  # fmt: skip


def receiver_of(call: Call, local: Dict[str, Any]) -> Any:
    """The object a method is called on, with its setup done; None where there is none."""
    if call.receiver is None:
        return None
    receiver = evaluate(call.receiver, local)
    for step in call.setup:
        step.apply(receiver, [evaluate(a, local) for a in step.arguments])
    return receiver


async def stream(*items: Any) -> Any:
    """An asynchronous iterator over the items; drafted tests define the same function."""
    for item in items:
        yield item


def _apply(subject: Subject, receiver: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    shape = subject.shape
    if shape == "function":
        return getattr(subject.module, subject.name)(*arguments, **keywords)
    if shape == "command":
        return click_commands.start(getattr(subject.module, subject.name), arguments[0])
    owner = getattr(subject.module, subject.owner)
    if shape == "construct":
        return owner(*arguments, **keywords)
    if shape == "static":
        return getattr(owner, subject.name)(*arguments, **keywords)
    if shape == "property":
        return getattr(receiver, subject.name)
    if shape == "setter":
        return setattr(receiver, subject.name, arguments[0])
    if shape in UNARY:
        return UNARY[shape](receiver)
    if shape in BINARY:
        return BINARY[shape](receiver, arguments[0])
    return getattr(receiver, subject.name)(*arguments, **keywords)


UNARY: dict[str, Callable[[Any], Any]] = {
    "__len__": len, "__repr__": repr, "__str__": str, "__bool__": bool, "__iter__": iter,
    "__int__": int, "__float__": float, "__neg__": lambda a: -a, "__abs__": abs,
    "__reversed__": reversed,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "__eq__": lambda a, b: a == b, "__ne__": lambda a, b: a != b, "__lt__": lambda a, b: a < b,
    "__le__": lambda a, b: a <= b, "__gt__": lambda a, b: a > b, "__ge__": lambda a, b: a >= b,
    "__add__": lambda a, b: a + b, "__sub__": lambda a, b: a - b, "__mul__": lambda a, b: a * b,
    "__truediv__": lambda a, b: a / b, "__floordiv__": lambda a, b: a // b,
    "__mod__": lambda a, b: a % b, "__and__": lambda a, b: a & b, "__or__": lambda a, b: a | b,
    "__xor__": lambda a, b: a ^ b, "__contains__": lambda a, b: b in a,
    "__getitem__": lambda a, b: a[b], "__delitem__": lambda a, b: a.__delitem__(b),
}  # fmt: skip


def _wrapping(value: Any) -> str:
    """How a test gets at the result: asyncio.run of a coroutine, list of an iterator, with."""
    if inspect.iscoroutine(value):
        return "run"
    if hasattr(value, "__anext__"):
        return "collect"
    if hasattr(value, "__next__") and not hasattr(value, "read"):
        return "list"
    return "with" if type(value).__name__ == "_GeneratorContextManager" else ""


def _unwrapped(value: Any, wrap: str, entering: Callable[[], None]) -> tuple[Any, str]:
    """Run a coroutine, take the first items of an iterator, enter a context."""
    if wrap == "run":
        return asyncio.run(value), wrap
    if wrap == "collect":
        items = asyncio.run(_collect(value))
        return (items[:TAKE], "collect_some") if len(items) > TAKE else (items, wrap)
    if wrap == "list":
        items = list(itertools.islice(value, TAKE + 1))
        return (items[:TAKE], "take") if len(items) > TAKE else (items, wrap)
    if wrap == "with":
        with value as entered:
            entering()
            return entered, wrap
    return value, ""


async def _collect(items: Any) -> List[Any]:
    """The first items of an asynchronous iterator, one more than are told."""
    collected = []
    async for item in items:
        collected.append(item)
        if len(collected) > TAKE:
            break
    return collected


@contextlib.contextmanager
def folder_with_files(filled: bool) -> Iterator[Path]:
    """A temporary folder; where filled, with the small files that path parameters are offered."""
    with tempfile.TemporaryDirectory(prefix="draft-") as name:
        folder = Path(name)
        if filled:
            for file, text in FILES.items():
                (folder / file).write_text(text)
        yield folder


def lines_of(tree: ast.AST, first: int, last: int) -> Dict[int, int]:
    """Line -> first line of its statement, as coverage.py counts them.

    Args:
        tree: The module.
        first: The first line of the function that counts.
        last: Its last line.
    """
    statements: Dict[int, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt) or not first <= node.lineno <= last or _is_text(node):
            continue
        for line in range(node.lineno, _last_line(node) + 1):
            statements[line] = node.lineno
    return statements


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, which is never executed."""
    value = getattr(node.value, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, str)


def _last_line(node: ast.stmt) -> int:
    """The last line of a statement itself, without those in its body."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return int(body[0].lineno) - 1
    return node.end_lineno or node.lineno
