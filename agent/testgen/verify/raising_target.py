"""The target with a raise in it: a test that still passes does not depend on it."""

from __future__ import annotations

import ast
from collections.abc import Collection

from copydesk.agent.records import LineNo
from copydesk.agent.testgen.project import first_statement

PROBE = "the probe was reached"
"""What the raised exception says."""
_RAISE = f"raise BaseException({PROBE!r})"


def with_raise(source: str, lines: Collection[LineNo], *, inside: bool) -> str:
    """The source with a raise before the statements at these lines.

    Args:
        source: A whole module.
        lines: First lines of statements; of function definitions with `inside`.
        inside: Put the raise at the start of those functions instead.
    """
    rows = source.split("\n")
    # from the end, so that the lines above stay where they are
    for statement in sorted(_statements(source), key=lambda s: (-s.lineno, -s.col_offset)):
        if statement.lineno not in lines:
            continue
        if not inside:
            _insert_raise(rows, statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            _insert_raise(rows, first_statement(statement))
    return "\n".join(rows)


def _insert_raise(rows: list[str], statement: ast.stmt) -> None:
    """Put the raise before a statement and its decorators."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    index = min([statement.lineno, *(d.lineno for d in decorators)]) - 1
    row = rows[index]
    indent = row[: len(row) - len(row.lstrip())]
    before = row.encode()[: statement.col_offset].decode()
    if indent == before or decorators:
        rows.insert(index, indent + _RAISE)
    else:  # it follows something on its line, so it is a simple statement
        rows[index] = f"{before}{_RAISE}; {row[len(before) :]}"


def _statements(source: str) -> list[ast.stmt]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
