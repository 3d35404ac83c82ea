"""What a test may assert about a finished call: its result, its effect, its error.

An observation is plain data: its `kind` says which of the drafter's outcomes it is, `text` and
`names` are an expression and what that imports.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, List, Tuple

from ..values.call import Call, Json, Subject
from ..values.click_commands import MAX_OUTPUT
from ..values.expressions import Expression, evaluate, write
from ..values.tables import is_table
from .invoke import BINARY, Run, receiver_of

MAX_STDOUT = 600
MAX_ITEMS = 60
"""Of a container that is told by what it holds."""
MAX_FIELDS = 4
MAX_FIELD = 120
"""Characters of an attribute's value."""
MAX_COLUMN = 300
MAX_REPR = 200
MAX_MESSAGE = 120
_MISUSE = (TypeError, AttributeError, NameError, NotImplementedError, EOFError, ImportError)
_DELIBERATE_MISUSE = (TypeError, AttributeError, NotImplementedError)
LOOKS_LIKE_A_BUG = (
    IndexError, ZeroDivisionError, RecursionError, UnboundLocalError, MemoryError,
)  # fmt: skip
_OPAQUE = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ModuleType,
    io.IOBase,
)
_CHANGEABLE = (list, dict, set, bytearray, types.SimpleNamespace)
_WRITTEN = ("doctest", "test", "production")
"""Origins of calls that people wrote."""
_NO_OPERATOR = ("unsupported operand type", "not supported between")
_OPERATORS = BINARY["__add__"].__code__.co_filename

_PLAIN_ANSWERS = {
    **{word: word for word in ("True", "False", "None")},
    **dict.fromkeys(("''", "b''", "[]", "{}", "()", "set()"), "empty"),
}
COLLECTOR = "written.append"
"""Handed over where a function writes with what it is given."""
Field = Tuple[str, str, Tuple[Tuple[str, str], ...]]
"""An attribute's name, the text of its value, and the names that text imports.

A name with "()" behind it is a builtin that is applied to the object.
"""


def observation(subject: Subject, call: Call, run: Run, folder: Path) -> Json | None:
    """What a test may assert about a finished call, as plain data; None for nothing."""
    if run.kind == "inputs" or run.version_bound:
        return None
    if run.kind == "raises":
        return None if _lacks_a_key(subject, call, run) else _raised(subject, run, folder)
    observed = _returned(subject, call, run, folder)
    if observed is None or _unstable(repr(observed), folder):
        return None
    observed["wrap"] = run.wrap
    if run.warned:
        observed["warns"] = run.warned[0]
    return observed


def gives(observed: Json) -> str:
    """A word for what a kept call gives, where it is a plain answer: True, False, None, empty, or
    something; empty for an error.
    """
    if observed["kind"] == "raises":
        return ""
    text = observed.get("text", "")
    return _PLAIN_ANSWERS.get(text, "something") if observed["kind"] == "value" else "something"


def answer_of(run: Run) -> str:
    """The same of a run, before it is recorded."""
    if run.kind != "value":
        return ""
    value = run.value
    if value is None or value is True or value is False:
        return str(value)
    is_empty = type(value) in (str, bytes, list, dict, tuple, set) and not value
    return "empty" if is_empty else "something"


def _returned(subject: Subject, call: Call, run: Run, folder: Path) -> Json | None:
    if subject.shape == "command":
        return _command_result(run.value, folder)
    if subject.shape == "construct":
        return _state(run.value)
    if run.value is None:
        return _effect(subject, call, run)
    written = below(folder, run.value) or write(run.value)
    return _value(written) if written is not None else _object(run.value)


def _value(written: Expression, kind: str = "value", **more: Any) -> Json:
    """An observation of one expression."""
    return {"kind": kind, "text": written.text, "names": written.names, **more}


def _object(value: Any) -> Json | None:
    """A result that has no text of its own: by a view of it, by its repr, by its attributes."""
    kind: Any = type(value)
    if kind.__name__ == "Namespace":
        attributes = write(vars(value))
        if attributes is not None:
            return _value(attributes, "view", view="vars")
    if kind.__module__.split(".")[0] in ("numpy", "pandas"):
        return _table(value)
    if callable(getattr(value, "hexdigest", None)) and hasattr(value, "digest_size"):
        return _value(Expression(repr(value.hexdigest())), "view", view="hexdigest")
    state = _state(value)
    if state is not None and any(not name.endswith("()") for name, _, _ in state["fields"]):
        return state
    if kind.__repr__ is not object.__repr__ and not isinstance(value, _OPAQUE):
        text = repr(value)
        if 0 < len(text) <= MAX_REPR:
            return _value(Expression(repr(text)), "repr")
    return state


def below(folder: Path, value: Any) -> Expression | None:
    """A path in the test's own folder, or a text that is one, by what pytest calls the folder."""
    if not isinstance(value, (str, Path)):
        return None
    try:
        parts = Path(value).relative_to(folder).parts
    except ValueError:
        return None
    if not all(re.fullmatch(r"\.?\w+(\.\w+)*", part) for part in parts):
        return None
    path = " / ".join(["tmp_path", *map(repr, parts)])
    if not isinstance(value, str):
        return Expression(path)
    return Expression(f"str({path})") if value == str(folder.joinpath(*parts)) else None


def _table(value: Any) -> Json | None:
    """A table or an array by the lists it holds: `==` of two of them is no single answer."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        written = write(value.to_dict("list"))
        if written is not None:
            return _value(written, "view", view="to_dict")
    written = write(value.tolist()) if hasattr(value, "tolist") else None
    return _value(written, "view", view="tolist") if written is not None else None


def _command_result(result: Any, folder: Path) -> Json:
    """What a command of click's said, and its exit code; that alone where it refuses in words
    that speak of this run.
    """
    output = result.output
    if len(output) > MAX_OUTPUT or (result.exit_code and _unstable(output, folder)):
        output = ""
    return _value(Expression(repr(output)), "invokes", code=int(result.exit_code))


def _effect(subject: Subject, call: Call, run: Run) -> Json | None:
    """For a call that returns None: what it handed on, what it printed, or what it changed."""
    collected = _collected(call, run)
    if collected is not None:
        return collected
    if run.printed and len(run.printed) <= MAX_STDOUT:
        return _value(Expression(repr(run.printed)), "prints")
    for index, argument in enumerate(call.arguments):
        change = _changed_argument(index, argument, run)
        if change is not None:
            return change
    fields = _changed_fields(call, run.inputs[0]) if run.inputs else []
    if fields:
        return {"kind": "receiver", "fields": fields[:MAX_FIELDS]}
    if subject.name in ("__setitem__", "__delitem__") or subject.shape == "setter":
        return None
    return _value(Expression("None"))


def _collected(call: Call, run: Run) -> Json | None:
    """What a call handed to a function that it was given to write with."""
    for argument, value in zip(call.arguments, run.inputs[1:]):
        if argument.text == COLLECTOR:
            written = write(value.__self__)
            return _value(written, "collects") if written is not None else None
    return None


def _changed_argument(index: int, argument: Expression, run: Run) -> Json | None:
    """An argument that is not what it was before the call, if its value can be changed."""
    value = run.inputs[index + 1]
    if not isinstance(value, _CHANGEABLE):
        return None
    after = write(value)
    within = run.within[index + 1] if run.within else after
    if after is None or within is None or within.text == _text_again(argument):
        return None
    return _value(within, "changes", argument=index, after=after.text)


def _text_again(expression: Expression) -> str:
    """The text of an expression's value; empty for a value without one."""
    try:
        written = write(evaluate(expression))
    except Exception:  # tmp_path is not known here; its text cannot match then
        return ""
    return written.text if written is not None else ""


def _changed_fields(call: Call, receiver: Any) -> List[Field]:
    """The attributes of a method's object that are not what they were before the call."""
    if call.receiver is None:
        return []
    try:
        made = receiver_of(call, {})
        before = _fields(made)
    except Exception:  # tmp_path is not known here
        return []
    if is_table(type(receiver)):
        return _new_columns(made, receiver)
    return [field for field in _fields(receiver) if field not in before]


def _new_columns(before: Any, table: Any) -> List[Field]:
    """The columns that a method put into its table, by their names in brackets."""
    fields: List[Field] = []
    for column in table.columns:
        if isinstance(column, str) and re.fullmatch(r"[\w.]+", column) and column not in before:
            written = write(table[column].tolist())
            if written is not None and len(written.text) <= MAX_COLUMN:
                fields.append((f'["{column}"]', written.text, written.names))
    return fields


def _state(value: Any) -> Json | None:
    """An object by a few of its public attributes."""
    fields = _fields(value)[:MAX_FIELDS]
    return {"kind": "state", "fields": fields} if fields else None


def _fields(value: Any) -> List[Field]:
    """The public attributes of an object that can be written down, and what it contains."""
    fields: List[Field] = []
    for name in dict.fromkeys(_attribute_names(value)):
        if name.startswith("_") or not name.isidentifier():
            continue
        try:
            member = getattr(value, name)
            written = write(member) or _shared_function(value, member)
        except Exception:  # a property may raise anything
            continue
        if written is not None and len(written.text) <= MAX_FIELD:
            fields.append((name, written.text, written.names))
    return fields + _contents(value)


def _attribute_names(value: Any) -> Iterator[str]:
    """The attributes of an object, its slots and its properties."""
    kind = type(value)
    yield from getattr(value, "__dict__", {})
    for base in kind.__mro__:
        yield from (slot for slot in getattr(base, "__slots__", ()) if isinstance(slot, str))
    yield from (name for name, member in vars(kind).items() if isinstance(member, property))


def _shared_function(value: Any, member: Any) -> Expression | None:
    """An attribute that is a function which a class keeps, by its name there."""
    if not isinstance(member, (types.FunctionType, types.BuiltinFunctionType)):
        return None
    kind = type(value)
    owner = write(kind)
    for name in (name for base in kind.__mro__ for name in vars(base)):
        if owner is not None and not name.startswith("_") and getattr(kind, name, None) is member:
            return Expression(f"{owner.text}.{name}", owner.names)
    return None


def _contents(value: Any) -> List[Field]:
    """A container by what dict() or list() of it gives, or by its length."""
    for name, view in _container_views(value):
        try:
            written = write(view(value))
        except Exception:  # the user's class may raise anything
            continue
        if written is not None and len(written.text) <= MAX_FIELD:
            return [(name, written.text, written.names)]
    return []


def _container_views(value: Any) -> Iterator[Tuple[str, Any]]:
    """The builtins that tell a container, the fullest first."""
    try:
        is_long = len(value) > MAX_ITEMS
    except Exception:  # the user's class may raise anything
        is_long = False
    # written down it would be too long, and a text of a million letters takes a while
    if not is_long and hasattr(value, "keys") and hasattr(value, "__getitem__"):
        yield "dict()", dict
    elif not is_long and hasattr(value, "__iter__") and hasattr(value, "__len__"):
        yield "list()", list
    yield "len()", len


def _lacks_a_key(subject: Subject, call: Call, run: Run) -> bool:
    """Whether a made-up dictionary lacked a key: the fault of the input, not a behaviour."""
    if not isinstance(run.value, KeyError) or call.origin in _WRITTEN or _deliberate(run.value):
        return False
    if subject.shape in ("__getitem__", "__delitem__"):
        return False
    return any(isinstance(value, dict) for value in run.inputs[1:])


def is_misuse(subject: Subject, error: BaseException) -> bool:
    """Whether an error speaks of a wrong call; a TypeError, AttributeError or NotImplementedError
    that a raise statement of the target's own module makes is what the target does, and so is
    the TypeError of an operator that returns NotImplemented.
    """
    if not isinstance(error, _MISUSE):
        return False
    file = _file_of(error)
    if subject.shape in BINARY and file == _OPERATORS:
        return not any(words in str(error) for words in _NO_OPERATOR)
    is_own = file == subject.file and _deliberate(error)
    return not (is_own and isinstance(error, _DELIBERATE_MISUSE))


def _file_of(error: BaseException) -> str:
    """The file that raised an error; empty where it is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].filename if frames else ""


def _raised(subject: Subject, run: Run, folder: Path) -> Json | None:
    error = run.value
    deliberate = _deliberate(error)
    if is_misuse(subject, error) or not _may_be_asserted(error, deliberate):
        return None
    kind = type(error)
    name = {"name": kind.__name__, "module": kind.__module__}
    if isinstance(error, LOOKS_LIKE_A_BUG) and not deliberate:
        return {"kind": "suspect", **name}
    message = str(error) if deliberate and not isinstance(error, SystemExit) else ""
    if _unstable(message, folder) or len(message) > MAX_MESSAGE or "\n" in message:
        message = ""
    return {
        "kind": "raises", **name, "message": message, "wrap": run.wrap, "project": deliberate,
        "own": deliberate and _is_own(subject, error),
    }  # fmt: skip


def _is_own(subject: Subject, error: BaseException) -> bool:
    """Whether a file of the target's own package raised an error."""
    package = subject.module.__name__.split(".")[0]
    parts = Path(_file_of(error)).with_suffix("").parts
    return package in parts and "site-packages" not in parts


def _may_be_asserted(error: BaseException, deliberate: bool) -> bool:
    """Whether an error is one that the next run raises too."""
    if isinstance(error, OSError):
        return isinstance(error, FileNotFoundError)
    if isinstance(error, AssertionError):
        return deliberate
    return isinstance(error, (Exception, SystemExit))


def _deliberate(error: BaseException) -> bool:
    """Whether a raise statement of Python code outside the standard library made the error."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return bool(last) and (last[0].line or "").lstrip().startswith("raise")


def _unstable(text: str, folder: Path) -> bool:
    """Whether a text speaks of this run: an address, the temporary folder, the working folder."""
    if re.search(r"\bat 0x|object at|0x[0-9a-f]{6,}", text):
        return True
    temporary = tempfile.gettempdir() + os.sep
    folders = (str(folder), os.getcwd(), os.path.expanduser("~"), temporary)
    return any(name in text for name in folders if len(name) > 1)
