"""Lists, tuples, sets and dictionaries made of values for their items."""

from __future__ import annotations

import ast
from typing import List

from .expressions import Expression, join


def many(items: List[Expression], template: str) -> List[Expression]:
    """Lists or sets of some of the items, the empty one last.

    Args:
        items: The items.
        template: The brackets, with {} between them.
    """
    if not items:
        return []
    rows = [items[:3], items[:1], items[2:5], items[1:3] + items[:1], items[:1] * 2, items[4:9]]
    empty = Expression("[]") if template.startswith("[") else Expression("set()")
    return [*(_filled(template, row) for row in rows if row), empty]


def _filled(template: str, row: List[Expression]) -> Expression:
    return join(template.replace("{}", ", ".join(["{}"] * len(row))), row)


def as_tuple(expression: Expression) -> Expression:
    """A list's text as a tuple's."""
    items = expression.text[1:-1]
    is_single = len(getattr(ast.parse(expression.text, mode="eval").body, "elts", ())) == 1
    return Expression(f"({items},)" if is_single else f"({items})", expression.names)


def dicts(keys: List[Expression], values: List[Expression]) -> List[Expression]:
    """Dictionaries of some keys and values: two of one entry, the empty one, more."""
    if not keys or not values:
        return []
    one_entry = "{{{}: {}}}"
    filled = [join(one_entry, [keys[0], value]) for value in values[:8]]
    filled += [join(one_entry, [key, values[0]]) for key in keys[1:8]]
    if len(keys) > 2:
        two_entries = "{{{}: {}, {}: {}}}"
        filled.append(join(two_entries, [keys[0], values[0], keys[2], values[-1]]))
    return [*filled[:2], Expression("{}"), *filled[2:]]
