"""What a function does with the items of a parameter that it goes through, and values for it."""

from __future__ import annotations

import ast
from typing import Any

from .containers import many
from .expressions import Expression

_TAKING = ("list", "sorted", "reversed", "iter", "enumerate", "tuple", "set")


def item_names(function: ast.AST, name: str) -> list[str]:
    """The names that a function gives to single items of a parameter.

    Args:
        function: The function in the syntax tree.
        name: Of the parameter.
    """
    found: dict[str, None] = {}
    for node in ast.walk(function):
        if not isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            continue
        gone_through, target = node.iter, node.target
        called = getattr(getattr(gone_through, "func", None), "id", "")
        if isinstance(gone_through, ast.Call) and called in _TAKING and gone_through.args:
            gone_through = gone_through.args[0]
        if called == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            target = target.elts[1]
        if getattr(gone_through, "id", None) == name and isinstance(target, ast.Name):
            found[target.id] = None
    return list(found)


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
    made: list[Any] = []
    if isinstance(value, dict):
        for key, inner in list(value.items())[:2]:
            made += [key, [key]]
            if isinstance(inner, dict) and inner:
                made.append([key, next(iter(inner))])
            elif not isinstance(inner, (list, set)):
                made.append(inner)
    elif isinstance(value, (str, bytes)):
        made += [value, value[:1], value[1:2], value[-1:], value * 2] if value else []
    elif isinstance(value, (list, tuple)):
        made += [value[0], value[-1], list(value[:1]), list(value), len(value) - 1] if value else []
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1000:
        made += [value, value - 1, value + 1]
    return list(dict.fromkeys(Expression(repr(one)) for one in made))


def variadic(items: list[Expression]) -> list[list[Expression]]:
    """What to hand over to `*arguments`: one item, two that differ, the same one twice."""
    rows = [items[i : i + 1] for i in range(min(6, len(items)))]
    rows += [items[i : i + 2] for i in range(min(6, len(items) - 1))]
    return [*rows, items[:1] * 2, items[:3]] if items else []
