"""How an object of a class in the module is made: what its constructor takes, and what for."""

from __future__ import annotations

import ast
from typing import Any

from .expressions import Expression
from .value_kinds import kind_of

MAX_LITERALS = 6
MAX_VALUES = 8


def class_of(tree: ast.Module, name: str) -> ast.ClassDef | None:
    """The class of a name, wherever it stands in the module."""
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    return next((one for one in classes if one.name == name), None)


def constructor_of(owner: ast.ClassDef | None) -> Any:
    """The `__init__` that a class writes itself, or None."""
    body = owner.body if owner is not None else []
    return next((n for n in body if getattr(n, "name", "") == "__init__"), None)


def compared_options(owner: ast.ClassDef | None, function: ast.AST) -> dict[str, list[Expression]]:
    """Parameter of the constructor -> literals that a method compares the attribute with which
    keeps it; a value that counts as false where the method asks `not self.attribute`.

    Args:
        owner: The class.
        function: One of its methods.
    """
    init = constructor_of(owner)
    arguments = init.args if init is not None else None
    names = [a.arg for a in (*arguments.args[1:], *arguments.kwonlyargs)] if arguments else []
    kept = _kept(init) if init is not None else {}
    found: dict[str, list[Expression]] = {}
    for attribute, literal in _asked(function):
        given = kept.get(attribute) or {attribute, attribute.lstrip("_")}
        for name in names or [attribute]:
            if name in given:
                found.setdefault(name, []).append(literal)
    return {name: list(dict.fromkeys(ones))[:MAX_LITERALS] for name, ones in found.items()}


def _asked(function: ast.AST) -> list[tuple[str, Expression]]:
    """The attributes of self in comparisons, each with a literal of the other side."""
    found: list[tuple[str, Expression]] = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        attributes = [s.attr for s in sides if _is_own(s) and isinstance(s, ast.Attribute)]
        literals = [n for s in sides for n in ast.walk(s) if isinstance(n, ast.Constant)]
        for one in literals:
            if isinstance(one.value, (str, int, float, bytes, bool)):
                found += [(attribute, Expression(repr(one.value))) for attribute in attributes]
    return found


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self"


def _kept(init: Any) -> dict[str, set[str]]:
    """Attribute -> the names that its value in the constructor is made of."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(init):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if _is_own(target) and isinstance(target, ast.Attribute):
                names = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
                found.setdefault(target.attr, set()).update(names)
    return found


def asks_for_truth(function: ast.AST) -> bool:
    """Whether a method asks if an attribute of its own counts as true."""
    for node in ast.walk(function):
        asked: list[Any] = [getattr(node, "test", None)]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            asked = [node.operand]
        elif isinstance(node, ast.BoolOp):
            asked = list(node.values)
        if any(_is_own(one) for one in asked):
            return True
    return False


def varied(values: list[Expression], default: Any, falsy: bool) -> list[Expression]:
    """The first value of each kind, and one of each that counts as false, those first where
    they are asked for; without the default.
    """
    first: dict[str, Expression] = {}
    empty: dict[str, Expression] = {}
    for value in values:
        if value.text != repr(default):
            kind = kind_of(value)
            (empty if value.text in _FALSE else first).setdefault(kind, value)
    sides = [list(empty.values()), list(first.values())]
    chosen = sides if falsy else sides[::-1]
    return [*chosen[0], *chosen[1]][:MAX_VALUES]


_FALSE = ("0", "0.0", "''", "b''", "[]", "{}", "()", "set()", "None", "False")
