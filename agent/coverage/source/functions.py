"""The functions of a source file, by name and lines."""

from __future__ import annotations

import ast
from typing import NamedTuple

from copydesk.agent.records import LineNo
from copydesk.agent.sandboxed.copydesk_tools import source

MODULE = "<module>"
"""Stands for the lines that belong to no function."""


class Span(NamedTuple):
    """A function or method that is not inside another: its qualified name and its lines."""

    name: str
    first: LineNo
    last: LineNo


def functions(text: str) -> list[Span]:
    """The outermost functions of a source, methods included, in order.

    A source that is not valid Python has none.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [_span(definition) for definition in source.functions(tree)]


def _span(definition: source.Definition) -> Span:
    node = definition.node
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Span(definition.qualname, first, node.end_lineno or node.lineno)
