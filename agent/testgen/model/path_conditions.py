"""Which conditions must hold to reach a line, in words.

A prompt for one execution path with its condition spelt out gave a small model five times the
correct tests (SymPrompt, arXiv 2402.00097); this is the syntactic part of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from copydesk.agent.records import Arc, LineNo
from copydesk.agent.testgen.project import FunctionNode
from copydesk.agent.text import one_line

_WIDTH = 90
_MOST_LINES = 200  # of one function; what is left over is a gap again later
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True)
class BranchGroup:
    """Lines that one test can reach, and what must hold on the way, outermost first."""

    lines: tuple[LineNo, ...]
    conditions: tuple[str, ...]


def branch_groups(
    node: FunctionNode, lines: Iterable[LineNo], branches: Iterable[Arc] = ()
) -> list[BranchGroup]:
    """Split the uncovered lines and branches of a function into groups, one a request.

    Lines under the same conditions are one group; lines passed on the way to a deeper group
    belong to it, since the test that gets there runs them.

    Args:
        node: The function.
        lines: Its uncovered lines.
        branches: Its uncovered branches; those that lead to an uncovered line add nothing.
    """
    missing = sorted(set(lines))[:_MOST_LINES]
    by_conditions: dict[tuple[str, ...], list[LineNo]] = {}
    for line in missing:
        by_conditions.setdefault(path_condition(node, line), []).append(line)
    for start, end in branches:
        words = _jump(node, start, end)
        if words and end not in missing:
            by_conditions.setdefault((*path_condition(node, start), words), []).append(start)
    groups = [
        BranchGroup(tuple(sorted(set(group_lines))), conditions)
        for conditions, group_lines in _merged_into_deeper(by_conditions).items()
    ]
    return sorted(groups, key=lambda group: group.lines)


def _merged_into_deeper(
    by_conditions: dict[tuple[str, ...], list[LineNo]],
) -> dict[tuple[str, ...], list[LineNo]]:
    """The groups that lead to no deeper one, each with the lines passed on the way to it."""
    merged: dict[tuple[str, ...], list[LineNo]] = {}
    for conditions in sorted(by_conditions, key=len):
        depth = len(conditions)
        deeper = [c for c in by_conditions if len(c) > depth and c[:depth] == conditions]
        if deeper:
            nearest = min(deeper, key=lambda c: (len(c), min(by_conditions[c])))
            by_conditions[nearest].extend(by_conditions[conditions])
        else:
            merged[conditions] = by_conditions[conditions]
    return merged


def path_condition(node: FunctionNode, line: LineNo) -> tuple[str, ...]:
    """What must hold for a line of a function to run, outermost condition first.

    Understands if, while, for, try, match, with, inner functions, asserts and early exits;
    an expression that decides inside one line adds nothing. A line that is nested too deeply to
    be followed (hundreds of elifs) has no conditions.
    """
    try:
        return tuple(_trail(node.body, line))
    except RecursionError:
        return ()


def _trail(body: Sequence[ast.stmt], line: LineNo) -> list[str]:
    passed: list[str] = []
    for statement in body:
        if _first(statement) <= line <= (statement.end_lineno or statement.lineno):
            return passed + _inside(statement, line)
        if statement.lineno > line:
            break
        passed += _left_behind(statement)
    return passed


def _first(statement: ast.stmt) -> LineNo:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(d.lineno for d in decorators)])


def _holds(body: Sequence[ast.stmt], line: LineNo) -> bool:
    return bool(body) and _first(body[0]) <= line <= (body[-1].end_lineno or 0)


def _inside(statement: ast.stmt, line: LineNo) -> list[str]:
    match statement:
        case ast.If(test, body, orelse):
            if _holds(body, line):
                return [_is(test, True), *_trail(body, line)]
            return [_is(test, False), *_trail(orelse, line)] if _holds(orelse, line) else []
        case ast.While(test, body, orelse):
            return _loop(_is(test, True), body, orelse, line)
        case ast.For(target, source, body, orelse) | ast.AsyncFor(target, source, body, orelse):
            words = f"{_code(source)} gives at least one {_code(target)}"
            return _loop(words, body, orelse, line)
        case ast.With(_, body) | ast.AsyncWith(_, body):
            return _trail(body, line)
        case ast.Try() | ast.TryStar():
            return _guarded(statement, line)
        case ast.Match(subject, cases):
            return _matched(subject, cases, line)
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
            words = f"the inner function `{name}` is called"
            body = statement.body
            return [words, *_trail(body, line)] if _holds(body, line) else []
    return []


def _loop(
    words: str, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], line: LineNo
) -> list[str]:
    if _holds(body, line):
        return [words, *_trail(body, line)]
    return ["the loop ends without break", *_trail(orelse, line)] if _holds(orelse, line) else []


def _guarded(statement: ast.Try | ast.TryStar, line: LineNo) -> list[str]:
    for handler in statement.handlers:
        if handler.lineno <= line <= (handler.end_lineno or 0):
            kind = _code(handler.type) if handler.type else "any exception"
            words = f"{_code(statement.body[0])} or what follows it raises {kind}"
            return [words, *_trail(handler.body, line)]
    if _holds(statement.orelse, line):
        return ["nothing is raised in the try block", *_trail(statement.orelse, line)]
    body = statement.body if _holds(statement.body, line) else statement.finalbody
    return _trail(body, line)


def _matched(subject: ast.expr, cases: Sequence[ast.match_case], line: LineNo) -> list[str]:
    for case in cases:
        if _holds(case.body, line):
            words = f"{_code(subject)} matches {_code(case.pattern)}"
            guard = [_is(case.guard, True)] if case.guard else []
            return [words, *guard, *_trail(case.body, line)]
    return []


def _left_behind(statement: ast.stmt) -> list[str]:
    """What is known once a statement was passed: the early exits in it were not taken."""
    match statement:
        case ast.Assert(test):
            return [_is(test, True)]
        case ast.If(test, body, orelse):
            if _leaves(body):
                return [_is(test, False), *(w for part in orelse for w in _left_behind(part))]
            if _leaves(orelse):
                return [_is(test, True)]
    return []


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether a block never falls through to what follows it."""
    match body[-1] if body else None:
        case ast.If(_, block, orelse):
            return _leaves(block) and _leaves(orelse)
        case ast.With(_, block) | ast.AsyncWith(_, block):
            return _leaves(block)
        case last:
            return isinstance(last, _LEAVES)


def _jump(node: FunctionNode, start: LineNo, end: LineNo) -> str:
    """An uncovered branch in words, or "" when no statement with two ways out starts there."""
    for statement in ast.walk(node):
        if getattr(statement, "lineno", None) != start:
            continue
        match statement:
            case ast.If(test, body) | ast.While(test, body):
                return _is(test, _first(body[0]) == end)
            case ast.For(target, source, body) | ast.AsyncFor(target, source, body):
                some = "at least one" if _first(body[0]) == end else "no"
                return f"{_code(source)} gives {some} {_code(target)}"
    return ""


def _is(test: ast.expr, truth: bool) -> str:
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, truth = test.operand, not truth
    return f"{_code(test)} is {'true' if truth else 'false'}"


@lru_cache(maxsize=1024)  # by identity; many lines share their conditions
def _code(node: ast.AST) -> str:
    return f"`{one_line(ast.unparse(node), _WIDTH)}`"
