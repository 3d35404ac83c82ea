"""Another wording of a source file that does the same: a test of behaviour must not notice.

The control that mutants lack: a test that fails on every version but the one it was written
against (it compares a hash of the source, say) kills all mutants and checks nothing.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection, Iterator

from copydesk.agent.testgen.project import Function, is_text

_NO_OPERATION = "[]; "
"""An empty list, made and dropped: the compiler keeps it, and no name can change its meaning."""

_REMARK = "  # in other words"


def rewrite_equivalently(source: str, definitions: Collection[Function]) -> str:
    """The source in other words: each statement of the functions gets a predecessor that does
    nothing, each line a remark. Every line stays where it was.

    Args:
        source: A whole module, with newlines as one character.
        definitions: The functions to change besides, from a tree of the same source.
    """
    rows = source.split("\n")
    for row in set(_last_rows_of_statements(source)):
        if row <= len(rows):
            rows[row - 1] += _REMARK
    starts: set[tuple[int, int]] = set()
    for definition in definitions:
        starts.update(_starts_of_simple_statements(definition))
    for row, column in sorted(starts):
        text = rows[row - 1].encode()
        if not text[:column].strip():
            rows[row - 1] = (text[:column] + _NO_OPERATION.encode() + text[column:]).decode()
    return "\n".join(rows)


def _last_rows_of_statements(source: str) -> Iterator[int]:
    """The rows on which a statement or the head of one ends."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE and token.string:
            yield token.start[0]


def _starts_of_simple_statements(function: Function) -> Iterator[tuple[int, int]]:
    """Where the simple statements of a function begin: row, and column in bytes."""
    for block in _blocks(function):
        for index, statement in enumerate(block):
            docstring = index == 0 and is_text(statement)
            if not docstring and not _is_compound(statement):
                yield statement.lineno, statement.col_offset


def _blocks(function: Function) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):  # of a lambda or a conditional expression it is none
                yield block


def _is_compound(statement: ast.stmt) -> bool:
    return any(hasattr(statement, name) for name in ("body", "handlers", "cases"))
