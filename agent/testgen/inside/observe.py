"""Run one call and say what came of it: which lines, which result, and whether it may be kept."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import itertools
import os
import re
import signal
import sys
import tempfile
import traceback
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Tuple

if TYPE_CHECKING:
    from copydesk.agent.testgen.inside.expressions import Expression, evaluate, write
    from copydesk.agent.testgen.inside.files import FILES
    from copydesk.agent.testgen.inside.guard import GivenUp
else:
    from expressions import Expression, evaluate, write
    from files import FILES
    from guard import GivenUp

MAX_EVENTS = 60_000
"""Lines of the project's code one call may execute; counted, so that load changes nothing."""
WALL = 2.0
"""Seconds after which a call that executes no line of ours (a sleep, a wait) is given up."""
TAKE = 10
"""Items taken from a generator."""
MAX_STDOUT = 600

_MISUSE = (TypeError, AttributeError, NameError, NotImplementedError, EOFError, ImportError)
LOOKS_LIKE_A_BUG = (
    IndexError, ZeroDivisionError, RecursionError, UnboundLocalError, MemoryError,
)  # fmt: skip


Field = Tuple[str, str, Tuple[Tuple[str, str], ...]]
"""An attribute's name, the text of its value, and the names that text imports."""


class Call(NamedTuple):
    """One call of the target: its receiver (for a method), its arguments, where they came from."""

    receiver: Expression | None
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]
    origin: str

    @property
    def parts(self) -> list[Expression]:
        """Every expression of the call."""
        own = [self.receiver] if self.receiver is not None else []
        return [*own, *self.arguments, *(value for _, value in self.keywords)]

    @property
    def uses_files(self) -> bool:
        """Whether an argument is a path in tmp_path."""
        return any("tmp_path" in part.text for part in self.parts)


class Subject(NamedTuple):
    """What is called: shape is function, method, static, construct, property or a dunder's name."""

    module: Any
    owner: str
    name: str
    shape: str
    file: str
    first: int
    last: int


class Run(NamedTuple):
    """The raw outcome of a call."""

    kind: str
    value: Any
    arcs: set[tuple[int, int]]
    wrap: str
    printed: str
    inputs: list[Any]
    warned: list[str]
    events: int


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


def invoke(subject: Subject, call: Call, folder: Path, trace: bool = True) -> Run:
    """Make the inputs and the call, under the tracer, with its output captured."""
    local = {"tmp_path": folder}
    tracer = Tracer(subject)
    out = io.StringIO()
    inputs: list[Any] = []
    wrap = ""
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        signal.setitimer(signal.ITIMER_REAL, WALL)
        try:
            kind = "inputs"  # an argument that cannot be made says nothing about the target
            receiver = None if call.receiver is None else evaluate(call.receiver, local)
            inputs = [receiver, *(evaluate(a, local) for a in call.arguments)]
            keywords = {name: evaluate(value, local) for name, value in call.keywords}
            kind = "raises"
            if trace:
                sys.settrace(tracer)
            value = _apply(subject, receiver, inputs[1:], keywords)
            wrap = _wrapping(value)
            value, wrap = _unwrapped(value, wrap)
            kind = "value"
        except BaseException as error:  # whatever user code raises is an observation
            value = error
        finally:
            sys.settrace(None)
            signal.setitimer(signal.ITIMER_REAL, 0)
    warned = list(dict.fromkeys(w.category.__name__ for w in caught))
    return Run(kind, value, tracer.arcs, wrap, out.getvalue(), inputs, warned, tracer.events)


def _apply(subject: Subject, receiver: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    shape = subject.shape
    if shape == "function":
        return getattr(subject.module, subject.name)(*arguments, **keywords)
    owner = getattr(subject.module, subject.owner)
    if shape == "construct":
        return owner(*arguments, **keywords)
    if shape == "static":
        return getattr(owner, subject.name)(*arguments, **keywords)
    if shape == "property":
        return getattr(receiver, subject.name)
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
    "__getitem__": lambda a, b: a[b],
}  # fmt: skip


def _wrapping(value: Any) -> str:
    """How a test gets at the result: asyncio.run of a coroutine, list of an iterator."""
    if inspect.iscoroutine(value):
        return "run"
    lazy = hasattr(value, "__next__") and not hasattr(value, "read")
    return "list" if lazy else ""


def _unwrapped(value: Any, wrap: str) -> tuple[Any, str]:
    """Run a coroutine, take the first items of an iterator."""
    if wrap == "run":
        return asyncio.run(value), wrap
    if wrap == "list":
        items = list(itertools.islice(value, TAKE + 1))
        return (items[:TAKE], "take") if len(items) > TAKE else (items, wrap)
    return value, ""


@contextlib.contextmanager
def folder_with_files(wanted: bool) -> Any:
    """A temporary folder, with the small files in it that path parameters are offered."""
    with tempfile.TemporaryDirectory(prefix="draft-") as name:
        folder = Path(name)
        if wanted:
            for file, text in FILES.items():
                (folder / file).write_text(text)
        yield folder


def observation(subject: Subject, call: Call, run: Run, folder: Path) -> dict[str, Any] | None:
    """What a test may assert about a finished call, as plain data; None for nothing."""
    if run.kind == "inputs":
        return None
    if run.kind == "raises":
        return _raised(run, folder)
    seen = _returned(subject, call, run)
    if seen is None or _unstable(repr(seen), folder):
        return None
    seen["wrap"] = run.wrap
    if run.warned:
        seen["warns"] = run.warned[0]
    return seen


def _returned(subject: Subject, call: Call, run: Run) -> dict[str, Any] | None:
    value = run.value
    if subject.shape == "construct":
        return _state(value)
    if value is None:
        return _effect(subject, call, run)
    written = write(value)
    if written is not None:
        return {"kind": "value", "text": written.text, "names": written.names}
    kind: Any = type(value)
    if kind.__repr__ is not object.__repr__ and not isinstance(value, _OPAQUE):
        text = repr(value)
        if 0 < len(text) <= 200:
            return {"kind": "repr", "text": repr(text), "names": ()}
    return _state(value)


_OPAQUE = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ModuleType,
    io.IOBase,
)


def _effect(subject: Subject, call: Call, run: Run) -> dict[str, Any]:
    """For a call that returns None: what it printed, or what it changed."""
    if run.printed and len(run.printed) <= MAX_STDOUT:
        return {"kind": "prints", "text": repr(run.printed), "names": ()}
    for index, before in enumerate(call.arguments, 1):
        if not isinstance(run.inputs[index], (list, dict, set, bytearray)):
            continue
        now = write(run.inputs[index])
        if now is not None and now.text != _text_again(before):
            kind = {"kind": "changes", "argument": index - 1}
            return {**kind, "text": now.text, "names": now.names}
    changed = _changed(call, run.inputs[0]) if run.inputs else []
    if changed:
        return {"kind": "receiver", "fields": changed[:4]}
    return {"kind": "value", "text": "None", "names": ()}


def _changed(call: Call, receiver: Any) -> list[Field]:
    """The attributes of a method's object that are not what they were before the call."""
    if call.receiver is None:
        return []
    try:
        before = _fields(evaluate(call.receiver))
    except Exception:  # tmp_path is not known here
        return []
    return [field for field in _fields(receiver) if field not in before]


def _text_again(expression: Expression) -> str:
    try:
        written = write(evaluate(expression))
    except Exception:  # tmp_path is not known here; its text cannot match then
        return ""
    return written.text if written is not None else ""


def _state(value: Any) -> dict[str, Any] | None:
    """An object by up to four of its public attributes."""
    fields = _fields(value)[:4]
    return {"kind": "state", "fields": fields} if fields else None


def _fields(value: Any) -> list[Field]:
    fields: list[Field] = []
    names = [*getattr(value, "__dict__", {}), *_slots(type(value)), *_properties(type(value))]
    for name in dict.fromkeys(names):
        if name.startswith("_") or not name.isidentifier():
            continue
        try:
            written = write(getattr(value, name))
        except Exception:  # a property may raise anything
            continue
        if written is not None and len(written.text) <= 120:
            fields.append((name, written.text, written.names))
    return fields


def _slots(kind: type) -> list[str]:
    return [
        n for base in kind.__mro__ for n in getattr(base, "__slots__", ()) if isinstance(n, str)
    ]


def _properties(kind: type) -> list[str]:
    return [n for n, member in vars(kind).items() if isinstance(member, property)]


def _raised(run: Run, folder: Path) -> dict[str, Any] | None:
    error = run.value
    kind = type(error)
    if isinstance(error, _MISUSE) or not isinstance(error, (Exception, SystemExit)):
        return None
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return None
    deliberate = _deliberate(error)
    if isinstance(error, AssertionError) and not deliberate:
        return None
    if isinstance(error, LOOKS_LIKE_A_BUG) and not deliberate:
        return {"kind": "suspect", "name": kind.__name__, "module": kind.__module__}
    message = str(error) if deliberate and not isinstance(error, SystemExit) else ""
    if _unstable(message, folder) or len(message) > 120 or "\n" in message:
        message = ""
    seen = {"kind": "raises", "name": kind.__name__, "module": kind.__module__}
    return {**seen, "message": message, "wrap": run.wrap, "project": deliberate}


def _deliberate(error: BaseException) -> bool:
    """Whether a raise statement of Python code outside the standard library made the error."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return bool(last) and (last[0].line or "").lstrip().startswith("raise")


def _unstable(text: str, folder: Path) -> bool:
    """Whether a text speaks of this run: an address, the temporary folder, the working folder."""
    places = (str(folder), os.getcwd(), os.path.expanduser("~"), tempfile.gettempdir() + os.sep)
    return bool(re.search(r"\bat 0x|object at|0x[0-9a-f]{6,}", text)) or any(
        place in text for place in places if len(place) > 1
    )


def lines_of(tree: ast.AST, first: int, last: int) -> dict[int, int]:
    """Line -> first line of its statement, as coverage.py counts them."""
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt) or node.lineno > last or node.lineno < first:
            continue
        body = getattr(node, "body", None)
        end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
        for line in range(node.lineno, (end or node.lineno) + 1):
            found[line] = node.lineno
    return found
