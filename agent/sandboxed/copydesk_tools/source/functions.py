"""Where a function stands in a module's syntax tree, and how it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, Optional, Tuple, Union

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
Parameter = Tuple[ast.arg, Optional[ast.expr]]
"""A parameter and its default."""

UNARY_METHODS = frozenset(
    {"__len__", "__repr__", "__str__", "__bool__", "__iter__", "__int__", "__float__", "__neg__"}
    | {"__abs__", "__reversed__"}
)
"""Special methods that an operator or a builtin calls with the object alone."""
BINARY_METHODS = frozenset(
    {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__mul__"}
    | {"__truediv__", "__floordiv__", "__mod__", "__and__", "__or__", "__xor__", "__contains__"}
    | {"__getitem__", "__delitem__"}
)
"""Special methods that an operator calls with the object and one value."""


def find_function(
    tree: ast.Module, qualname: str, lines: Sequence[int] = ()
) -> tuple[list[str], Function | None]:
    """The classes around a function and its node; an inner function gives its outermost one.

    Of several definitions of one name (overloads, a property and its setter) the one around the
    lines, else the last.
    """
    body: list[ast.stmt] = tree.body
    owners: list[str] = []
    for word in [w for w in qualname.split(".") if w != "<locals>"]:
        named: list[Any] = [n for n in _flat(body) if getattr(n, "name", None) == word]
        around = [n for n in named if lines and n.lineno <= lines[0] <= n.end_lineno]
        node = (around or named or [None])[-1]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return owners, node
        if not isinstance(node, ast.ClassDef):
            return owners, None
        owners.append(word)
        body = node.body
    return owners, None


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try)):
            yield from _flat([*statement.body, *statement.orelse])


def shape_of(node: Function, owners: list[str]) -> str:
    """How the function is called."""
    if not owners:
        return "function"
    marks = {getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list}
    if node.name in ("__init__", "__new__", "__post_init__"):
        return "construct"
    if marks & {"staticmethod", "classmethod"}:
        return "static"
    if "setter" in marks:
        return "setter"
    if marks & {"property", "cached_property"}:
        return "property"
    return node.name if node.name in UNARY_METHODS or node.name in BINARY_METHODS else "method"
