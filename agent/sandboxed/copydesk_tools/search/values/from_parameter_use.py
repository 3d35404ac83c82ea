"""Values that a function asks for by what it does with a parameter: keys, attributes, classes."""

from __future__ import annotations

import ast
from typing import Any

from .expressions import Expression
from .value_kinds import KNOWN_ATTRIBUTES

_VALUES = ("1", "'abc'", "0", "-1", "[1, 2]", "None", "True")
_CLASSES = ("str", "int", "object")


def from_use(function: ast.AST, name: str) -> list[Expression]:
    """Mappings and objects with exactly the keys and attributes the body asks for, and classes
    where it asks whether something is an instance of the parameter.

    Args:
        function: The function in the syntax tree.
        name: Of the parameter.
    """
    keys: dict[str, None] = {}
    attributes: dict[str, bool] = {}  # whether it is called
    made: list[Expression] = []
    for node in ast.walk(function):
        key = _key(node, name)
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            keys[key.value] = None
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == name:
            attributes.setdefault(node.attr, False)
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and getattr(called.value, "id", None) == name:
                attributes[called.attr] = True
            asks = getattr(called, "id", "") in ("isinstance", "issubclass")
            if asks and [getattr(a, "id", "") for a in node.args[1:]] == [name]:
                made += [Expression(one) for one in _CLASSES]
    if keys:
        made += [
            Expression("{" + ", ".join(f"{key!r}: {value}" for key in keys) + "}")
            for value in _VALUES
        ]
        made += [Expression("{" + f"{key!r}: {value}" + "}") for key in keys for value in _VALUES]
    if attributes and not set(attributes) & KNOWN_ATTRIBUTES:
        made += _namespaces(attributes)
    return list(dict.fromkeys(made))


def _key(node: ast.AST, name: str) -> Any:
    """What a mapping of this name is asked for by a node, or None."""
    if isinstance(node, ast.Subscript) and getattr(node.value, "id", None) == name:
        return node.slice
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        asks = node.func.attr in ("get", "pop") and getattr(node.func.value, "id", None) == name
        return node.args[0] if asks and node.args else None
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return node.left if getattr(node.comparators[0], "id", None) == name else None
    return None


def _namespaces(attributes: dict[str, bool]) -> list[Expression]:
    """Plain objects with these attributes, those that are called as functions of anything."""
    made = []
    for value in _VALUES[:4]:
        inner = ", ".join(
            f"{attribute}={'lambda *args: True' if called else value}"
            for attribute, called in attributes.items()
        )
        made.append(Expression(f"SimpleNamespace({inner})", (("SimpleNamespace", "types"),)))
    return made
