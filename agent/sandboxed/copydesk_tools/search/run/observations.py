"""What a test may assert about a finished call: its result, its effect, its error."""

from __future__ import annotations

import io
import os
import re
import tempfile
import traceback
import types
from pathlib import Path
from typing import Any, Tuple

from ..values.call import Call, Subject
from ..values.click_commands import MAX_OUTPUT
from ..values.expressions import Expression, evaluate, write
from .invoke import BINARY, Run, receiver_of

MAX_STDOUT = 600
MAX_ITEMS = 60
"""Of a container that is told by what it holds."""
_MISUSE = (TypeError, AttributeError, NameError, NotImplementedError, EOFError, ImportError)
LOOKS_LIKE_A_BUG = (
    IndexError, ZeroDivisionError, RecursionError, UnboundLocalError, MemoryError,
)  # fmt: skip

Field = Tuple[str, str, Tuple[Tuple[str, str], ...]]
"""An attribute's name, the text of its value, and the names that text imports.

A name with "()" behind it is a builtin that is applied to the object.
"""


def observation(subject: Subject, call: Call, run: Run, folder: Path) -> dict[str, Any] | None:
    """What a test may assert about a finished call, as plain data; None for nothing."""
    if run.kind == "inputs":
        return None
    if run.kind == "raises":
        return None if _missing_key(subject, call, run) else _raised(subject, run, folder)
    seen = _returned(subject, call, run, folder)
    if seen is None or _unstable(repr(seen), folder):
        return None
    seen["wrap"] = run.wrap
    if run.warned:
        seen["warns"] = run.warned[0]
    return seen


def _returned(subject: Subject, call: Call, run: Run, folder: Path) -> dict[str, Any] | None:
    value = run.value
    if subject.shape == "command":
        return _answered(value, folder)
    if subject.shape == "construct":
        return _state(value)
    if value is None:
        return _effect(subject, call, run)
    written = below(folder, value) or write(value)
    if written is not None:
        return {"kind": "value", "text": written.text, "names": written.names}
    kind: Any = type(value)
    if kind.__name__ == "Namespace":
        given = write(vars(value))
        if given is not None:
            return {"kind": "view", "view": "vars", "text": given.text, "names": given.names}
    if kind.__module__.split(".")[0] in ("numpy", "pandas"):
        return _plainly(value)
    if callable(getattr(value, "hexdigest", None)) and hasattr(value, "digest_size"):
        return {"kind": "view", "view": "hexdigest", "text": repr(value.hexdigest()), "names": ()}
    if kind.__repr__ is not object.__repr__ and not isinstance(value, _OPAQUE):
        text = repr(value)
        if 0 < len(text) <= 200:
            return {"kind": "repr", "text": repr(text), "names": ()}
    return _state(value)


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


def _plainly(value: Any) -> dict[str, Any] | None:
    """A table or an array by the lists it holds: `==` of two of them is no single answer."""
    for view, given in (("to_dict", ("list",)), ("tolist", ())):
        method = getattr(value, view, None)
        if method is None or (view == "to_dict" and not hasattr(value, "columns")):
            continue
        written = write(method(*given))
        if written is not None:
            return {"kind": "view", "view": view, "text": written.text, "names": written.names}
    return None


_OPAQUE = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ModuleType,
    io.IOBase,
)


def _answered(result: Any, folder: Path) -> dict[str, Any] | None:
    """What a command of click's said, and its exit code; that alone where it refuses in words
    that speak of this run.
    """
    output = result.output
    if len(output) > MAX_OUTPUT or (result.exit_code and _unstable(output, folder)):
        output = ""
    return {"kind": "invokes", "code": int(result.exit_code), "text": repr(output), "names": ()}


def _effect(subject: Subject, call: Call, run: Run) -> dict[str, Any] | None:
    """For a call that returns None: what it printed, or what it changed."""
    if run.printed and len(run.printed) <= MAX_STDOUT:
        return {"kind": "prints", "text": repr(run.printed), "names": ()}
    for index, before in enumerate(call.arguments, 1):
        if not isinstance(run.inputs[index], _CHANGEABLE):
            continue
        now = write(run.inputs[index])
        entered = run.within[index] if run.within else now
        was = _text_again(before)
        if now is not None and entered is not None and entered.text != was:
            kind = {"kind": "changes", "argument": index - 1, "after": now.text}
            return {**kind, "text": entered.text, "names": entered.names}
    changed = _changed(call, run.inputs[0]) if run.inputs else []
    if changed:
        return {"kind": "receiver", "fields": changed[:4]}
    if subject.name in ("__setitem__", "__delitem__") or subject.shape == "setter":
        return None
    return {"kind": "value", "text": "None", "names": ()}


_CHANGEABLE = (list, dict, set, bytearray, types.SimpleNamespace)


def _changed(call: Call, receiver: Any) -> list[Field]:
    """The attributes of a method's object that are not what they were before the call."""
    if call.receiver is None:
        return []
    try:
        before = _fields(receiver_of(call, {}))
    except Exception:  # tmp_path is not known here
        return []
    return [field for field in _fields(receiver) if field not in before]


def _contents(value: Any) -> list[Field]:
    """A container by what dict() or list() of it gives, or by its length."""
    views: list[tuple[str, Any]] = []
    try:
        long = len(value) > MAX_ITEMS
    except Exception:  # the user's class may raise anything
        long = False
    if long:
        pass  # written down it would be too long, and a text of a million letters takes a while
    elif hasattr(value, "keys") and hasattr(value, "__getitem__"):
        views.append(("dict()", dict))
    elif hasattr(value, "__iter__") and hasattr(value, "__len__"):
        views.append(("list()", list))
    views.append(("len()", len))
    for name, view in views:
        try:
            written = write(view(value))
        except Exception:  # the user's class may raise anything
            continue
        if written is not None and len(written.text) <= 120:
            return [(name, written.text, written.names)]
    return []


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
            member = getattr(value, name)
            written = write(member) or _shared(value, member)
        except Exception:  # a property may raise anything
            continue
        if written is not None and len(written.text) <= 120:
            fields.append((name, written.text, written.names))
    return fields + _contents(value)


def _shared(value: Any, member: Any) -> Expression | None:
    """An attribute that is a function which a class keeps, by its name there."""
    if not isinstance(member, (types.FunctionType, types.BuiltinFunctionType)):
        return None
    owner = write(type(value))
    names = [
        name
        for base in type(value).__mro__
        for name in vars(base)
        if not name.startswith("_") and getattr(type(value), name, None) is member
    ]
    return Expression(f"{owner.text}.{names[0]}", owner.names) if owner and names else None


def _slots(kind: type) -> list[str]:
    return [
        n for base in kind.__mro__ for n in getattr(base, "__slots__", ()) if isinstance(n, str)
    ]


def _properties(kind: type) -> list[str]:
    return [n for n, member in vars(kind).items() if isinstance(member, property)]


def _missing_key(subject: Subject, call: Call, run: Run) -> bool:
    """Whether a made-up dictionary lacked a key: the fault of the input, not a behaviour."""
    if not isinstance(run.value, KeyError) or call.origin in _WRITTEN or _deliberate(run.value):
        return False
    looks_up = subject.shape in ("__getitem__", "__delitem__")
    return not looks_up and any(isinstance(given, dict) for given in run.inputs[1:])


_WRITTEN = ("doctest", "test", "production")


_NO_OPERATOR = ("unsupported operand type", "not supported between")
_OPERATORS = BINARY["__add__"].__code__.co_filename


def is_misuse(subject: Subject, error: BaseException) -> bool:
    """Whether an error speaks of a wrong call; a TypeError, AttributeError or NotImplementedError
    that a raise statement of the target's own module makes is what the target does, and so is
    the TypeError of an operator that returns NotImplemented.
    """
    if not isinstance(error, _MISUSE):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1:]
    if subject.shape in BINARY and last and last[0].filename == _OPERATORS:
        return not any(words in str(error) for words in _NO_OPERATOR)
    own = bool(last) and last[0].filename == subject.file and _deliberate(error)
    return not (own and isinstance(error, (TypeError, AttributeError, NotImplementedError)))


def _raised(subject: Subject, run: Run, folder: Path) -> dict[str, Any] | None:
    error = run.value
    kind = type(error)
    if is_misuse(subject, error) or not isinstance(error, (Exception, SystemExit)):
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
