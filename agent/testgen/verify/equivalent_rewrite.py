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

_NOTHING = "[]; "
"""An empty list, made and dropped: the compiler keeps it, and no name can change its meaning."""

_REMARK = "  # in other words"


def rewrite(source: str, definitions: Collection[Function]) -> str:
    """The source in other words: each statement of the functions gets a predecessor that does
    nothing, each line a remark. Every line stays where it was.

    Args:
        source: A whole module, with newlines as one character.
        definitions: The functions to change besides, from a tree of the same source.
    """
    rows = source.split("\n")
    remarked = {row for row in _ends(source) if row <= len(rows)}
    for row in remarked:
        rows[row - 1] += _REMARK
    for row, column in sorted({spot for node in definitions for spot in _simple(node)}):
        text = rows[row - 1].encode()
        if not text[:column].strip():
            rows[row - 1] = (text[:column] + _NOTHING.encode() + text[column:]).decode()
    return "\n".join(rows)


def _ends(source: str) -> Iterator[int]:
    """The rows on which a statement or the head of one ends."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE and token.string:
            yield token.start[0]


def _simple(function: Function) -> Iterator[tuple[int, int]]:
    """Where the simple statements of a function begin: row, and column in bytes."""
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            for place, statement in enumerate(block if isinstance(block, list) else ()):
                docstring = place == 0 and is_text(statement)
                if not docstring and not _holds_statements(statement):
                    yield statement.lineno, statement.col_offset


def _holds_statements(statement: ast.stmt) -> bool:
    return any(hasattr(statement, name) for name in ("body", "handlers", "cases"))
