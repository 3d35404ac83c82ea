"""The functions of a source file, by name and lines."""

from __future__ import annotations

import ast
from typing import NamedTuple

from copydesk.agent.records import LineNo

MODULE = "<module>"
"""Stands for the lines that belong to no function."""


class Span(NamedTuple):
    """A function or method that is not inside another: its qualified name and its lines."""

    name: str
    first: LineNo
    last: LineNo


def functions(source: str) -> list[Span]:
    """The outermost functions of a source, methods included, in order.

    A source that is not valid Python has none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: list[Span] = []
    _collect(tree, "", found)
    return found


def _collect(node: ast.AST, prefix: str, found: list[Span]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
            found.append(Span(prefix + child.name, first, child.end_lineno or child.lineno))
        elif isinstance(child, ast.ClassDef):
            _collect(child, f"{prefix}{child.name}.", found)
        else:
            _collect(child, prefix, found)
