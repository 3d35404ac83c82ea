"""What a function does with the items of a parameter that it goes through, and values for it."""

from __future__ import annotations

import ast
from typing import Any, Dict, List

from .containers import many
from .expressions import Expression

MAX_NUMBER = 1000
_TAKING = ("list", "sorted", "reversed", "iter", "enumerate", "tuple", "set")


def item_names(function: ast.AST, name: str) -> List[str]:
    """The names that a function gives to single items of a parameter.

    Args:
        function: The function in the syntax tree.
        name: Of the parameter.
    """
    names: Dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            item = _item_name(node, name)
            if item:
                names[item] = None
    return list(names)


def _item_name(loop: Any, name: str) -> str:
    """The name of a loop's item where the loop goes through a parameter; empty for another."""
    iterated, target = loop.iter, loop.target
    called = getattr(getattr(iterated, "func", None), "id", "")
    if isinstance(iterated, ast.Call) and called in _TAKING and iterated.args:
        iterated = iterated.args[0]
    if called == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        target = target.elts[1]
    is_name = isinstance(target, ast.Name) and getattr(iterated, "id", None) == name
    return target.id if is_name else ""


def lists_of(items: list[Expression]) -> list[Expression]:
    """Short lists of what the items of a parameter are."""
    return many(items, "[{}]")[:6] if items else []


def derived(text: str) -> list[Expression]:
    """Values that have to do with another one: its keys and the ways to them, its items, its
    parts, its neighbours.

    Args:
        text: The other value's text; nothing comes of one that is no literal.
    """
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return []
    values = list(dict.fromkeys(map(repr, _related(value))))
    return [Expression(text) for text in values]


def _related(value: Any) -> List[Any]:
    if isinstance(value, dict):
        return _keys_and_items(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [value, value - 1, value + 1] if abs(value) < MAX_NUMBER else []
    if not value:
        return []
    if isinstance(value, (str, bytes)):
        return [value, value[:1], value[1:2], value[-1:], value * 2]
    if isinstance(value, (list, tuple)):
        return [value[0], value[-1], list(value[:1]), list(value), len(value) - 1]
    return []


def _keys_and_items(mapping: Dict[Any, Any]) -> List[Any]:
    """The first keys, the ways to them, and what stands there."""
    values: List[Any] = []
    for key, item in list(mapping.items())[:2]:
        values += [key, [key]]
        if isinstance(item, dict) and item:
            values.append([key, next(iter(item))])
        elif not isinstance(item, (list, set)):
            values.append(item)
    return values


def variadic(items: list[Expression]) -> list[list[Expression]]:
    """What to hand over to `*arguments`: one item, two that differ, the same one twice."""
    if not items:
        return []
    rows = [items[index : index + 1] for index in range(min(6, len(items)))]
    rows += [items[index : index + 2] for index in range(min(6, len(items) - 1))]
    return [*rows, items[:1] * 2, items[:3]]
