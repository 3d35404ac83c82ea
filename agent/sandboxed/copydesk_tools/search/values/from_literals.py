"""What the syntax tree of a module holds: parameters, the class around a method, literals."""

from __future__ import annotations

import ast
from typing import Any

from .expressions import Expression
from .fitting_strings import MATCHING
from .value_kinds import neighbours


def parameters_of(function: Any) -> list[tuple[ast.arg, ast.expr | None]]:
    """The named parameters of a function with their defaults."""
    given = function.args
    plain_ones = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain_ones) - len(given.defaults)) + list(given.defaults)
    return [*zip(plain_ones, defaults), *zip(given.kwonlyargs, given.kw_defaults)]


def class_around(function: ast.AST, tree: ast.Module) -> ast.ClassDef | None:
    """The class that a method stands in, or None."""
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    return next((one for one in classes if function in one.body), None)


def literals_of(
    function: ast.AST, tree: ast.Module, owner: ast.ClassDef | None = None
) -> list[Expression]:
    """The literals of a function and of the constants of its module and class that it names; no
    docstrings.
    """
    skipped: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Raise, ast.JoinedStr)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            skipped |= {id(inner) for inner in ast.walk(node)}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MATCHING:
            # texts that fit a pattern are made of it elsewhere; the pattern is none
            named = getattr(getattr(node.func, "value", None), "id", "")
            skipped |= {id(first) for first in node.args[:1] if named == "re"}
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    constants = [
        s.value
        for s in [*tree.body, *(owner.body if owner else ())]
        if isinstance(s, (ast.Assign, ast.AnnAssign))
        and s.value is not None
        and used & {n.id for n in ast.walk(s) if isinstance(n, ast.Name)}
    ]
    found: list[Expression] = []
    for root in [function, *constants]:
        for node in list(ast.walk(root))[:2000]:
            if isinstance(node, ast.Constant) and id(node) not in skipped:
                found += neighbours(node.value)
    return list(dict.fromkeys(found))[:120]


def skips_the_first(function: ast.AST, name: str) -> bool:
    """Whether a function looks at name[1:], as a program does that is given all of sys.argv."""
    return any(
        isinstance(node, ast.Subscript)
        and getattr(node.value, "id", "") == name
        and isinstance(node.slice, ast.Slice)
        and getattr(node.slice.lower, "value", None) == 1
        for node in ast.walk(function)
    )


CARRIED = [Expression(text) for text in ("999.9996", "999999", "9.9996")]
"""Numbers that rounding carries over to the next power of ten."""


def rounds(function: ast.AST) -> bool:
    """Whether a function rounds numbers, itself or by the way it writes them."""
    return any(
        getattr(getattr(node, "func", None), "id", "") in ("round", "floor", "ceil")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _is_text(node.left))
        for node in ast.walk(function)
    )


def _is_text(node: ast.expr) -> bool:
    """A text, or something named as one that numbers are written with."""
    return isinstance(getattr(node, "value", None), str) or getattr(node, "id", "") in _FORMATS


_FORMATS = ("format", "fmt", "template", "pattern")
