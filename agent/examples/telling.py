"""How much an example tells a reader: its result, and what it is called with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_EMPTY = frozenset({"()", "[]", "{}", "set()", "frozenset()", "''", '""', "b''", "None"})
_SPARSE = frozenset({"True", "False", "0", "0.0"})


def poverty(result: str) -> int:
    """How little a result tells: 2 where it is empty, 1 where many calls would give it, else 0.

    Args:
        result: What came back, as it is shown.
    """
    if result in _EMPTY:
        return 2
    return 1 if result in _SPARSE else 0


def by_arguments(code: str) -> tuple[int, int, str]:
    """Puts the calls first that hand something over, the short ones first: a key to sort by.

    Args:
        code: Python with a call whose arguments are written out.

    Returns:
        How many arguments are empty, zero or None; the length of the code; the code.
    """
    empty = sum(1 for value in _arguments(code) if _is_nothing(value))
    return empty, len(code), code


def _arguments(code: str) -> Iterator[ast.expr]:
    """The arguments of all calls in the code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)


def _is_nothing(value: ast.expr) -> bool:
    try:
        return not ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
