"""Which parameters of a function some of its lines read, and how a call gives each of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import List

from .functions import Function, Signature


def read_parameters(node: Function, signature: Signature, lines: Collection[int]) -> List[str]:
    """The named parameters that statements read, in the order of the signature.

    Args:
        node: The function.
        signature: Its parameters; see signature_of.
        lines: First lines of statements in it, those of lambdas as negative numbers. Of a compound
            statement its head counts, not its body.
    """
    first = {abs(line) for line in lines}
    names = {
        name
        for statement in ast.walk(node)
        if isinstance(statement, ast.stmt) and statement is not node and statement.lineno in first
        for name in _names_read(statement)
    }
    return [parameter.arg for parameter, _ in signature.named if parameter.arg in names]


def _names_read(statement: ast.AST) -> Iterator[str]:
    """The names that a statement reads, not those that the statements in it do."""
    for child in ast.iter_child_nodes(statement):
        # what `+=` stands behind is read as well
        is_read = isinstance(statement, ast.AugAssign) or isinstance(
            getattr(child, "ctx", None), ast.Load
        )
        if isinstance(child, ast.Name) and is_read:
            yield child.id
        if not isinstance(child, ast.stmt):
            yield from _names_read(child)
