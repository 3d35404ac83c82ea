"""Lists, tuples, sets and dictionaries made of values for their items."""

from __future__ import annotations

import ast

from .expressions import Expression, join


def many(items: list[Expression], shape: str) -> list[Expression]:
    """Lists or sets of some of the items, by the shape's braces."""
    if not items:
        return []
    empty = Expression("[]") if shape.startswith("[") else Expression("set()")
    rows = [items[:3], items[:1], items[2:5], items[1:3] + items[:1], items[:1] * 2, items[4:9]]
    return [join(shape.replace("{}", ", ".join(["{}"] * len(r))), r) for r in rows if r] + [empty]


def as_tuple(made: Expression) -> Expression:
    """A list's text as a tuple's."""
    inner = made.text[1:-1]
    single = len(getattr(ast.parse(made.text, mode="eval").body, "elts", ())) == 1
    return Expression(f"({inner},)" if single else f"({inner})", made.names)


def dicts(keys: list[Expression], values: list[Expression]) -> list[Expression]:
    """Dictionaries of some keys and values, the smallest first."""
    if not keys or not values:
        return []
    made = [Expression("{}")]
    made += [join("{{{}: {}}}", [keys[0], value]) for value in values[:8]]
    made += [join("{{{}: {}}}", [key, values[0]]) for key in keys[1:8]]
    if len(keys) > 2:
        made.append(join("{{{}: {}, {}: {}}}", [keys[0], values[0], keys[2], values[-1]]))
    return [*made[1:3], made[0], *made[3:]]
