"""Small changes to the function under test, to find inputs that would notice them.

A second opinion on which calls are worth a test: one that tells `<` from `<=` says more than one
that only passes by. The checking of a finished draft has a mutator of its own.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from ...source.functions import Function
from ..values.call import Call, Subject

MAX_VARIANTS = 80

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_OPPOSITE = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


class Edit(NamedTuple):
    """A field of a node, and what to put there for a while."""

    node: Any
    field: str
    value: Any
    line: int = 0


def edits(function: Function, lines: set[int]) -> list[Edit]:
    """The changes to try on statements that start on the given lines, in source order.

    Where there are too many, each statement gives one in turn, as it does where a finished draft
    is checked.
    """
    found: dict[int, list[Edit]] = {}
    for statement in function.body:
        _collect(statement, lines, found)
    for line, ones in found.items():
        ones.sort(key=lambda e: (e.node.lineno, e.node.col_offset, e.field))
        found[line] = [edit._replace(line=line) for edit in ones]
    turns = range(max(map(len, found.values()), default=0))
    chosen = [(line, turn) for turn in turns for line in sorted(found) if turn < len(found[line])]
    return [found[line][turn] for line, turn in sorted(chosen[:MAX_VARIANTS])]


def _collect(statement: ast.stmt, lines: set[int], found: dict[int, list[Edit]]) -> None:
    """The edits of one statement and of those in it, by the line that the statement starts on."""
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if text or isinstance(statement, (ast.Raise, ast.Assert)):
        return
    if statement.lineno in lines:
        own = found.setdefault(statement.lineno, [])
        own += _edits_of_statement(statement)
        for _, value in ast.iter_fields(statement):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.expr):
                    _collect_expression(part, own)
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            _collect(child, lines, found)
        elif isinstance(child, ast.ExceptHandler) or type(child).__name__ == "match_case":
            for inner in getattr(child, "body", ()):
                _collect(inner, lines, found)


def _collect_expression(node: ast.AST, own: list[Edit]) -> None:
    if isinstance(node, ast.JoinedStr):
        return
    own += _edits_of(node)
    for child in ast.iter_child_nodes(node):
        _collect_expression(child, own)


def _edits_of_statement(node: ast.stmt) -> list[Edit]:
    if isinstance(node, (ast.If, ast.While)):
        return _negated(node)
    if isinstance(node, ast.AugAssign) and type(node.op) in _SWAPS:
        return [Edit(node, "op", _SWAPS[type(node.op)]())]
    called = isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await))
    if called or (isinstance(node, ast.Return) and node.value is not None):
        value: Any = node.value  # type: ignore[attr-defined]
        # the dead arm keeps free variables and `yield`, so that the code still fits its function
        nothing = ast.IfExp(ast.Constant(True), ast.Constant(None), value)
        return [Edit(node, "value", ast.copy_location(nothing, value))]
    return []


def _negated(node: Any) -> list[Edit]:
    test = node.test
    alone = isinstance(test, ast.Compare) and len(test.ops) == 1
    if alone and isinstance(test.ops[0], _OPPOSITE):
        return []  # the comparison's own change is the same
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return []
    return [Edit(node, "test", ast.copy_location(ast.UnaryOp(ast.Not(), test), test))]


def _edits_of(node: ast.AST) -> list[Edit]:
    if isinstance(node, ast.Compare):
        return [
            Edit(node, "ops", [*node.ops[:at], _SWAPS[type(sign)](), *node.ops[at + 1 :]])
            for at, sign in enumerate(node.ops)
        ]
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in _SWAPS:
        return [Edit(node, "op", _SWAPS[type(node.op)]())]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        twice = ast.copy_location(ast.UnaryOp(ast.Not(), node.operand), node.operand)
        return [Edit(node, "operand", twice)]
    if isinstance(node, ast.IfExp):
        return _negated(node)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            return [Edit(node, "value", not node.value)]
        if isinstance(node.value, (int, float)):
            return [Edit(node, "value", node.value + 1)]
        if isinstance(node.value, str):
            return [Edit(node, "value", node.value + "XX")]
        if isinstance(node.value, bytes):
            return [Edit(node, "value", node.value + b"XX")]
    return []


def variants(
    subject: Subject, function: Function, changes: list[Edit]
) -> Iterator[tuple[int, types.CodeType | None]]:
    """The line of each change's statement and the code of the function under it; None where that
    cannot take its place.
    """
    live = live_function(subject)
    for change in changes:
        before = getattr(change.node, change.field)
        setattr(change.node, change.field, change.value)
        try:
            code = _compiled(subject, function)
        finally:
            setattr(change.node, change.field, before)
        fits = code is not None and live is not None
        fits = fits and code.co_freevars == live.__code__.co_freevars
        yield change.line, code if fits else None


def _compiled(subject: Subject, function: Function) -> Any:
    """The function alone, in an empty class of the right name when it is a method."""
    body: list[ast.stmt] = [function]
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
        inner = [c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name]
        if not inner:
            return None
        code = inner[-1]
    return code


def live_function(subject: Subject) -> Any:
    """The plain function object behind decorators, or None."""
    holder = getattr(subject.module, subject.owner) if subject.owner else subject.module
    mangled = f"_{subject.owner.lstrip('_')}{subject.name}"
    found: Any = vars(holder).get(subject.name) or vars(holder).get(mangled)
    getter = "fset" if subject.shape == "setter" else "fget"
    for attribute in ("__func__", getter, "func", "callback"):
        found = getattr(found, attribute, None) or found
    found = inspect.unwrap(found) if callable(found) else found
    ours = isinstance(found, types.FunctionType) and found.__code__.co_filename == subject.file
    return found if ours else None


def with_code(function: Any, code: types.CodeType, work: Callable[[Call], Any], call: Call) -> Any:
    """Do something while a function runs other code."""
    before = function.__code__
    function.__code__ = code
    try:
        return work(call)
    finally:
        function.__code__ = before
