"""Small changes to the function under test, to find inputs that would notice them.

A second opinion on which calls are worth a test: one that tells `<` from `<=` says more than one
that only passes by.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from typing import Any, Callable, Dict, List, NamedTuple, Set

from ...source.functions import Function
from ...source.mutation_operators import (
    Edit,
    edits_of,
    negated_condition,
    stored_value,
    swapped_assignment,
)
from ..values.call import Call, Subject

MAX_MUTANTS = 80


class LineEdit(NamedTuple):
    """An edit, and the first line of the statement that it changes."""

    line: int
    edit: Edit


class Mutant(NamedTuple):
    """The line that an edit changes, and the function's code with it; None for code that cannot
    take the place of the function's own.
    """

    line: int
    code: types.CodeType | None


def edits(function: Function, lines: Set[int]) -> List[LineEdit]:
    """The changes to try on statements that start on the given lines, in source order.

    Where there are too many, each statement gives one in turn, as it does where a finished draft
    is checked.
    """
    by_line: Dict[int, List[Edit]] = {}
    for statement in function.body:
        _collect(statement, lines, by_line)
    if not any(by_line.values()):
        _collect_stored(function, lines, by_line)
    for line_edits in by_line.values():
        line_edits.sort(key=_position)
    chosen = []
    for turn in range(max(map(len, by_line.values()), default=0)):
        chosen += [(line, turn) for line in sorted(by_line) if turn < len(by_line[line])]
    return [LineEdit(line, by_line[line][turn]) for line, turn in sorted(chosen[:MAX_MUTANTS])]


def _position(edit: Edit) -> tuple[int, int, str]:
    return edit.node.lineno, edit.node.col_offset, edit.field


def _collect(statement: ast.stmt, lines: Set[int], by_line: Dict[int, List[Edit]]) -> None:
    """The edits of one statement and of those in it, by the line that the statement starts on."""
    if _is_text(statement) or isinstance(statement, (ast.Raise, ast.Assert)):
        return
    if statement.lineno in lines:
        line_edits = by_line.setdefault(statement.lineno, [])
        line_edits += _edits_of_statement(statement)
        for expression in _expressions(statement):
            _collect_expression(expression, line_edits)
    for nested in _nested_statements(statement):
        _collect(nested, lines, by_line)


def _collect_stored(function: Function, lines: Set[int], by_line: Dict[int, List[Edit]]) -> None:
    """The edits that lose what is kept in an attribute or an item."""
    for node in ast.walk(function):
        value = stored_value(node) if isinstance(node, ast.stmt) else None
        if isinstance(node, ast.stmt) and value is not None and node.lineno in lines:
            by_line.setdefault(node.lineno, []).append(_lost_value(node, value))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions right below a statement."""
    for _, value in ast.iter_fields(statement):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.expr):
                yield part


def _nested_statements(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements right below a statement, those of its handlers and cases included."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler) or type(child).__name__ == "match_case":
            yield from getattr(child, "body", ())


def _collect_expression(node: ast.AST, line_edits: List[Edit]) -> None:
    if isinstance(node, ast.JoinedStr):
        return
    line_edits += edits_of(node)
    for child in ast.iter_child_nodes(node):
        _collect_expression(child, line_edits)


def _edits_of_statement(node: ast.stmt) -> List[Edit]:
    if isinstance(node, (ast.If, ast.While)):
        return negated_condition(node)
    if isinstance(node, ast.AugAssign):
        return swapped_assignment(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await)):
        return [_lost_value(node, node.value)]
    if isinstance(node, ast.Return) and node.value is not None:
        return [_lost_value(node, node.value)]
    return []


def _lost_value(node: ast.stmt, value: ast.expr) -> Edit:
    """None instead of a value, or of a call that is made for its effect."""
    # the dead arm keeps free variables and `yield`, so that the code still fits its function
    nothing = ast.IfExp(ast.Constant(True), ast.Constant(None), value)
    return Edit(node, "value", ast.copy_location(nothing, value))


def mutants(subject: Subject, function: Function, changes: List[LineEdit]) -> Iterator[Mutant]:
    """The function's code under each change.

    Args:
        subject: The function under test.
        function: Its node, which is changed and put back.
        changes: The changes.
    """
    live = live_function(subject)
    for line, edit in changes:
        before = getattr(edit.node, edit.field)
        setattr(edit.node, edit.field, edit.value)
        try:
            code = _compiled(subject, function)
        finally:
            setattr(edit.node, edit.field, before)
        fits = code is not None and live is not None
        fits = fits and code.co_freevars == live.__code__.co_freevars
        yield Mutant(line, code if fits else None)


def _compiled(subject: Subject, function: Function) -> Any:
    """The code of the function alone, in an empty class of the right name when it is a method."""
    body: List[ast.stmt] = [function]
    if subject.owner:
        shell = ast.parse(f"class {subject.owner}: pass").body[0]
        assert isinstance(shell, ast.ClassDef)
        shell.body = body
        body = [shell]
    module = ast.fix_missing_locations(ast.Module(body, []))
    try:
        code: Any = compile(module, subject.file, "exec")
    except (SyntaxError, ValueError):
        return None
    for name in filter(None, (subject.owner, subject.name)):
        code = _code_named(code, name)
        if code is None:
            return None
    return code


def _code_named(code: types.CodeType, name: str) -> types.CodeType | None:
    """The last code object of a name right below another one."""
    named = None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType) and constant.co_name == name:
            named = constant
    return named


def live_function(subject: Subject) -> Any:
    """The plain function object behind decorators, or None."""
    holder = getattr(subject.module, subject.owner) if subject.owner else subject.module
    mangled = f"_{subject.owner.lstrip('_')}{subject.name}"
    member: Any = vars(holder).get(subject.name) or vars(holder).get(mangled)
    getter = "fset" if subject.shape == "setter" else "fget"
    for attribute in ("__func__", getter, "func", "callback"):
        member = getattr(member, attribute, None) or member
    if callable(member):
        member = inspect.unwrap(member)
    is_own = isinstance(member, types.FunctionType) and member.__code__.co_filename == subject.file
    return member if is_own else None


def with_code(function: Any, code: types.CodeType, work: Callable[[Call], Any], call: Call) -> Any:
    """Do something while a function runs other code."""
    before = function.__code__
    function.__code__ = code
    try:
        return work(call)
    finally:
        function.__code__ = before
