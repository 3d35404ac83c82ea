"""How an object of a class in the module is made: what its constructor takes, and what for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Dict, List, Set, Tuple

from .expressions import Expression
from .value_kinds import kind_of

MAX_LITERALS = 6
MAX_VALUES = 8
Literals = List[Expression]
_LITERALS = (str, int, float, bytes, bool)
_FALSE = ("0", "0.0", "''", "b''", "[]", "{}", "()", "set()", "None", "False")


def class_of(tree: ast.Module, name: str) -> ast.ClassDef | None:
    """The class of a name, wherever it stands in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    return None


def constructor_of(owner: ast.ClassDef | None) -> Any:
    """The `__init__` that a class writes itself, or None."""
    for node in owner.body if owner is not None else []:
        if getattr(node, "name", "") == "__init__":
            return node
    return None


def compared_options(owner: ast.ClassDef | None, function: ast.AST) -> Dict[str, Literals]:
    """Parameter of the constructor -> literals that a method compares the attribute with which
    keeps it.

    Args:
        owner: The class.
        function: One of its methods.
    """
    constructor = constructor_of(owner)
    sources = _sources_of_attributes(constructor) if constructor is not None else {}
    parameters = _parameters(constructor) if constructor is not None else []
    options: Dict[str, Literals] = {}
    for attribute, literal in _compared_attributes(function):
        names = sources.get(attribute) or {attribute, attribute.lstrip("_")}
        for name in parameters or [attribute]:
            if name in names:
                options.setdefault(name, []).append(literal)
    return {name: _shortened(literals) for name, literals in options.items()}


def _shortened(literals: Literals) -> Literals:
    return list(dict.fromkeys(literals))[:MAX_LITERALS]


def _parameters(constructor: Any) -> List[str]:
    arguments = constructor.args
    return [parameter.arg for parameter in (*arguments.args[1:], *arguments.kwonlyargs)]


def _compared_attributes(function: ast.AST) -> Iterator[Tuple[str, Expression]]:
    """The attributes of self in comparisons, each with a literal of the other side."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        attributes = [name for name in map(_own_attribute, sides) if name]
        for part in (part for side in sides for part in ast.walk(side)):
            if isinstance(part, ast.Constant) and isinstance(part.value, _LITERALS):
                for attribute in attributes:
                    yield attribute, Expression(repr(part.value))


def _own_attribute(node: Any) -> str:
    """The name of an attribute of self; empty for another node."""
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self":
        return node.attr
    return ""


def _sources_of_attributes(constructor: Any) -> Dict[str, Set[str]]:
    """Attribute -> the names that its value in the constructor is made of."""
    sources: Dict[str, Set[str]] = {}
    for node in ast.walk(constructor):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        names = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            attribute = _own_attribute(target)
            if attribute:
                sources.setdefault(attribute, set()).update(names)
    return sources


def asks_for_truth(function: ast.AST) -> bool:
    """Whether a method asks if an attribute of its own counts as true."""
    return any(
        _own_attribute(condition) for node in ast.walk(function) for condition in _conditions(node)
    )


def _conditions(node: ast.AST) -> List[Any]:
    """What a node asks for the truth of."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.BoolOp):
        return list(node.values)
    return [getattr(node, "test", None)]


def varied(values: Literals, default: Any, falsy: bool) -> Literals:
    """The first value of each kind, and one of each that counts as false; without the default.

    Args:
        values: The values.
        default: What is there without any.
        falsy: Whether those that count as false come first.
    """
    first: Dict[str, Expression] = {}
    first_falsy: Dict[str, Expression] = {}
    for value in values:
        if value.text != repr(default):
            by_kind = first_falsy if value.text in _FALSE else first
            by_kind.setdefault(kind_of(value), value)
    if falsy:
        return [*first_falsy.values(), *first.values()][:MAX_VALUES]
    return [*first.values(), *first_falsy.values()][:MAX_VALUES]
