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
from typing import Any, NamedTuple

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

_IN_LAMBDAS = (
    ast.Name, ast.Constant, ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple,
    ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop,
)  # fmt: skip


def is_small_lambda(node: ast.AST) -> bool:
    """Whether a lambda only calculates with its own parameters and constants."""
    if not isinstance(node, ast.Lambda):
        return False
    given = node.args
    plain = [a.arg for a in given.args]
    more = (given.posonlyargs, given.kwonlyargs, given.defaults, given.vararg, given.kwarg)
    if any(more) or not 0 < len(plain) < 4:
        return False
    return all(
        isinstance(part, _IN_LAMBDAS)
        and not isinstance(part, (ast.Pow, ast.LShift))
        and (not isinstance(part, ast.Name) or part.id in plain)
        for part in ast.walk(node.body)
    )


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
        if "nan" in written.text and _same_with_nan(again, value):
            return True
        return bool(again == value and (type(again) is type(value) or isinstance(value, dict)))
    except Exception:  # the user's __eq__ may raise anything
        return False


def _same_with_nan(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


def _write(value: Any, depth: int) -> Expression | None:
    kind = type(value)
    if depth > 6:
        return None
    if value is None or kind in (bool, int, str, bytes, bytearray, range, complex):
        return Expression(repr(value))
    if kind is float:
        plain = math.isfinite(value)
        return Expression(repr(value) if plain else f"float({str(value)!r})")
    if kind in (list, tuple, set, frozenset):
        return _write_sequence(value, depth)
    if kind in (dict, OrderedDict, defaultdict, Counter):
        return _write_dict(value, depth)
    if isinstance(value, enum.Enum):
        return _write_member(value)
    if isinstance(value, type):
        return _class_name(value)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return _write_fields(kind, kind._fields, value, depth)
    if kind is types.SimpleNamespace:
        return _write_fields(kind, tuple(vars(value)), value, depth)
    if dataclasses.is_dataclass(value):
        fields = tuple(f.name for f in dataclasses.fields(value) if f.init)
        return _write_fields(kind, fields, value, depth)
    return _write_standard(value)


def _write_sequence(value: Any, depth: int) -> Expression | None:
    parts = [_write(item, depth + 1) for item in value]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    kind: Any = type(value)
    if kind in (set, frozenset):
        known.sort()  # hash order is not the same in the next process
    if not known:
        return Expression({list: "[]", tuple: "()", set: "set()"}.get(kind, "frozenset()"))
    inner = ", ".join(["{}"] * len(known))
    if kind is tuple and len(known) == 1:
        inner += ","
    shape = {list: "[%s]", tuple: "(%s)", set: "{{%s}}"}.get(kind, "frozenset({{%s}})")
    return join(shape % inner, known)


def _write_dict(value: Any, depth: int) -> Expression | None:
    parts: list[Expression] = []
    for key, item in value.items():
        for written in (_write(key, depth + 1), _write(item, depth + 1)):
            if written is None:
                return None
            parts.append(written)
    inner = ", ".join(["{}: {}"] * len(value))
    return join("{{" + inner + "}}", parts)


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


def _write_fields(kind: type, fields: tuple[str, ...], value: Any, depth: int) -> Expression | None:
    owner = _class_name(kind)
    parts = [_write(getattr(value, field), depth + 1) for field in fields]
    if owner is None or any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    inner = ", ".join(f"{field}={{}}" for field in fields)
    return join("{}(" + inner + ")", [owner, *known])


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
