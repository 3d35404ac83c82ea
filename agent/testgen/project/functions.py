"""Which function definitions of a source file a gap means."""

from __future__ import annotations

import ast
from collections.abc import Collection

from copydesk.agent.records import LineNo
from copydesk.agent.sandboxed.copydesk_tools.source import functions as source_functions

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> dict[str, list[Function]]:
    """The functions of a module by qualified name ("Class.method", "outer.inner").

    A name has several when it is defined again: a property and its setter, the arms of an `if`.
    """
    by_name: dict[str, list[Function]] = {}
    for definition in source_functions(ast.parse(source), nested=True):
        by_name.setdefault(definition.qualname, []).append(definition.node)
    return by_name


def target_functions(source: str, function: str, lines: Collection[LineNo]) -> list[Function]:
    """The definitions a gap means: of that name, and around its lines where several share it.

    Falls back on the innermost function around the lines when no function has the name.
    """
    by_name = functions(source)
    named = by_name.get(function.replace(".<locals>", ""), [])
    around = [f for f in named if _holds(f, lines)]
    if named:
        return around or named
    holders = [f for same in by_name.values() for f in same if _holds(f, lines)]
    return [max(holders, key=lambda f: f.lineno)] if holders else []


def _holds(function: Function, lines: Collection[LineNo]) -> bool:
    last = function.end_lineno or function.lineno
    return bool(lines) and all(function.lineno <= line <= last for line in lines)


def first_statement(function: Function) -> ast.stmt:
    """The first statement after the docstring (the docstring where there is nothing else)."""
    body = function.body
    return body[1] if len(body) > 1 and is_text(body[0]) else body[0]


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is only a string, a docstring above all."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, (str, bytes))
    )
