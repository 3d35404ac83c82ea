"""Tables and columns of numbers as data has them: ups and downs, a gap, a constant stretch."""

from __future__ import annotations

import ast
import sys
from typing import Any, Dict, List

from .expressions import Expression

MAX_COLUMNS = 6
MAX_NAMES = 40
_ROWS = (
    "[10.0, 12.0, 11.0, 13.0, 12.5, 14.0]",
    "[5.0, 5.0, 5.0, 5.0]",
    "[10.0, None, 12.0, 9.0]",
)
_PRICES = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 100.0, "amount": 50.0}
_STEPS = (0.0, 1.0, 0.5, 2.0, 1.0, 3.0)


def series() -> List[Expression]:
    """Columns of numbers, where pandas is loaded."""
    if "pandas" not in sys.modules:
        return []
    return [Expression(f"Series({row})", (("Series", "pandas"),)) for row in _ROWS]


def tables(columns: List[str], name: str = "DataFrame", module: str = "pandas") -> List[Expression]:
    """Tables with some columns: six rows, the first three of them, none.

    Args:
        columns: Their names; two made-up ones where there are none.
        name: Of the class that makes the table.
        module: Where it is imported from.
    """
    if "pandas" not in sys.modules:
        return []
    chosen = columns[:MAX_COLUMNS] or ["price", "quantity"]
    expressions = []
    for rows in (6, 3, 0):
        cells = {column: _column(index, column)[:rows] for index, column in enumerate(chosen)}
        expressions.append(Expression(f"{name}({cells!r})", ((name, module),)))
    return expressions


def _column(index: int, name: str) -> List[float]:
    first = _PRICES.get(name.lower(), 10.0 + index)
    return [first + step for step in _STEPS]


def columns_of(function: ast.AST, *owners: str) -> List[str]:
    """The names of columns that a function or class asks tables of these names for."""
    columns: Dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") in owners:
            key: Any = getattr(node.slice, "value", None)
            if isinstance(key, str) and key.isidentifier():
                columns[key] = None
    return list(columns)[:MAX_NAMES]


def table_columns(own: List[str], every: List[str]) -> List[str]:
    """The columns of a table of a class: those of prices where it has some, and what one of its
    methods asks for.

    Args:
        own: The columns that the method asks for.
        every: Those that any method does.
    """
    prices = [name for name in _PRICES if name in every and name != "amount"]
    return list(dict.fromkeys([*prices, *own])) if prices else (own or every)


def is_table(kind: type) -> bool:
    """Whether a class is a DataFrame of pandas."""
    names = [(base.__name__, base.__module__.split(".")[0]) for base in kind.__mro__]
    return ("DataFrame", "pandas") in names
