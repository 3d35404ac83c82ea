"""Values as Python text and back. Runs inside the user's interpreter, standard library only."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import math
import re
import types
from collections import Counter, OrderedDict, defaultdict
from typing import Any, List, NamedTuple, Tuple

MAX_TEXT = 600
"""Characters of one value's text; longer ones make no readable test."""

STANDARD_CLASSES = {
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "pathlib": ("Path", "PurePath", "PurePosixPath"),
    "types": ("SimpleNamespace",),
    "uuid": ("UUID",),
    "collections": ("OrderedDict", "Counter", "deque"),
    "io": ("StringIO", "BytesIO"),
}
"""Classes of the standard library that a test may construct, by module."""

PLAIN_FUNCTIONS = frozenset(
    {"len", "str", "bool", "int", "float", "list", "dict", "set", "tuple", "bytes", "object"}
    | {"sum", "max", "min", "abs", "sorted", "any", "all", "repr", "round"}
)
"""Builtins that a test may hand to a function that calls what it is given."""

PURE_MODULES = ("operator", "math")
"""Modules of the standard library whose functions a test may hand over as well."""

MAX_DEPTH = 6
_BY_REPR = (bool, int, str, bytes, bytearray, range, complex)
_EMPTY = {list: "[]", tuple: "()", set: "set()", frozenset: "frozenset()"}
_BRACKETS = {list: "[%s]", tuple: "(%s)", set: "{{%s}}", frozenset: "frozenset({{%s}})"}
_IN_LAMBDAS = (
    ast.Name, ast.Constant, ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple,
    ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop,
)  # fmt: skip


def is_small_lambda(node: ast.AST) -> bool:
    """Whether a lambda only calculates with its own parameters and constants."""
    if not isinstance(node, ast.Lambda):
        return False
    arguments = node.args
    names = [parameter.arg for parameter in arguments.args]
    unusual = (
        arguments.posonlyargs, arguments.kwonlyargs, arguments.defaults, arguments.vararg,
        arguments.kwarg,
    )  # fmt: skip
    if any(unusual) or not 0 < len(names) < 4:
        return False
    return all(_only_calculates(part, names) for part in ast.walk(node.body))


def _only_calculates(node: ast.AST, names: List[str]) -> bool:
    """Whether a node of a lambda is a sign, a constant, or one of the names."""
    if isinstance(node, ast.Name):
        return node.id in names
    return isinstance(node, _IN_LAMBDAS) and not isinstance(node, (ast.Pow, ast.LShift))


class Expression(NamedTuple):
    """Python text that makes a value, and the (name, module) pairs it has to import."""

    text: str
    names: tuple[tuple[str, str], ...] = ()


def evaluate(expression: Expression, local: dict[str, Any] | None = None) -> Any:
    """Make the value afresh, so that a call that changes its argument harms no later one."""
    scope: dict[str, Any] = {}
    for name, module in expression.names:
        scope[name] = getattr(importlib.import_module(module), name)
    scope.update(local or {})
    return eval(_compiled(expression.text), scope)


_CODE: dict[str, Any] = {}


def _compiled(text: str) -> Any:
    if text not in _CODE:
        _CODE[text] = compile(text, "<value>", "eval")
    return _CODE[text]


def join(template: str, parts: list[Expression]) -> Expression:
    """Put the texts of parts into a template's {} places and unite their names."""
    names: dict[str, str] = {}
    for part in parts:
        names.update(part.names)
    return Expression(template.format(*(p.text for p in parts)), tuple(sorted(names.items())))


def write(value: Any) -> Expression | None:
    """Write a value as text that evaluates to an equal value of the same type.

    Returns:
        The expression, or None for a value without honest text (an open file, an object whose
        repr is an address, something too long to read).
    """
    try:
        written = _write(value, 0)
    except Exception:  # a repr or a field of the user's class may raise anything
        return None
    if written is None or len(written.text) > MAX_TEXT or not _comes_back(written, value):
        return None
    return written


def _comes_back(written: Expression, value: Any) -> bool:
    try:
        again = evaluate(written)
        if "nan" in written.text and repr(again) == repr(value):
            return True
        return bool(again == value and (type(again) is type(value) or isinstance(value, dict)))
    except Exception:  # the user's __eq__ may raise anything
        return False


def _write(value: Any, depth: int) -> Expression | None:
    kind = type(value)
    if depth > MAX_DEPTH:
        return None
    if value is None or kind in _BY_REPR:
        return Expression(repr(value))
    if kind is float:
        return Expression(repr(value) if math.isfinite(value) else f"float({str(value)!r})")
    if kind in (list, tuple, set, frozenset):
        return _write_sequence(value, depth)
    if kind in (dict, OrderedDict, defaultdict, Counter):
        return _write_dict(value, depth)
    if isinstance(value, enum.Enum):
        return _write_member(value)
    if isinstance(value, type):
        return _class_name(value)
    fields = _fields_of(value)
    return _write_fields(value, fields, depth) if fields is not None else _write_standard(value)


def _fields_of(value: Any) -> Tuple[str, ...] | None:
    """The fields by which a value's class makes it again; None for one without."""
    if issubclass(type(value), tuple) and hasattr(value, "_fields"):
        return tuple(value._fields)
    if type(value) is types.SimpleNamespace:
        return tuple(vars(value))
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value) if field.init)
    return None


def _write_sequence(value: Any, depth: int) -> Expression | None:
    items: List[Expression] = []
    for item in value:
        written = _write(item, depth + 1)
        if written is None:
            return None
        items.append(written)
    kind: Any = type(value)
    if kind in (set, frozenset):
        items.sort()  # hash order is not the same in the next process
    if not items:
        return Expression(_EMPTY[kind])
    places = ", ".join(["{}"] * len(items))
    if kind is tuple and len(items) == 1:
        places += ","
    return join(_BRACKETS[kind] % places, items)


def _write_dict(value: Any, depth: int) -> Expression | None:
    parts: list[Expression] = []
    for key, item in value.items():
        for written in (_write(key, depth + 1), _write(item, depth + 1)):
            if written is None:
                return None
            parts.append(written)
    places = ", ".join(["{}: {}"] * len(value))
    return join("{{" + places + "}}", parts)


def _class_name(kind: type) -> Expression | None:
    """A class by its name, when importing its module by that name gives this very class."""
    if kind.__module__ == "builtins":
        return Expression(kind.__name__)
    module = kind.__module__
    if getattr(importlib.import_module(module), kind.__name__, None) is not kind:
        return None
    return Expression(kind.__name__, ((kind.__name__, module),))


def _write_member(value: enum.Enum) -> Expression | None:
    owner = _class_name(type(value))
    name = value.name
    if owner is None or not isinstance(name, str) or not name.isidentifier():
        return None
    return Expression(f"{owner.text}.{name}", owner.names)


def _write_fields(value: Any, fields: Tuple[str, ...], depth: int) -> Expression | None:
    owner = _class_name(type(value))
    if owner is None:
        return None
    parts = [owner]
    for field in fields:
        written = _write(getattr(value, field), depth + 1)
        if written is None:
            return None
        parts.append(written)
    places = ", ".join(f"{field}={{}}" for field in fields)
    return join("{}(" + places + ")", parts)


def _write_standard(value: Any) -> Expression | None:
    """Values of the standard library whose repr is their constructor."""
    kind = type(value)
    module = kind.__module__.replace("pathlib._local", "pathlib")
    name = {"PosixPath": "Path", "WindowsPath": "Path"}.get(kind.__name__, kind.__name__)
    if name not in STANDARD_CLASSES.get(module, ()) or module in ("io", "types"):
        return None
    text = repr(value).replace(kind.__name__ + "(", name + "(", 1)
    text = re.sub(r"\bdatetime\.(?=[a-z]+[(.])", "", text)
    used = {
        node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)
    }
    names = sorted((word, module) for word in used if word in STANDARD_CLASSES[module])
    return Expression(text, tuple(names))
