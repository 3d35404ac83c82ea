"""Small changes to the function under test, to find inputs that would notice them.

A second opinion on which calls are worth a test: one that tells `<` from `<=` says more than one
that only passes by. The checking of a finished draft has a mutator of its own.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from copydesk.agent.testgen.inside.inputs import Function
    from copydesk.agent.testgen.inside.observe import Call, Subject
else:
    Function = Call = Subject = Any

MAX_VARIANTS = 60

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


class Edit(NamedTuple):
    """A field of a node, and what to put there for a while."""

    node: Any
    field: str
    value: Any


def edits(function: Function, lines: set[int]) -> list[Edit]:
    """The changes to try on statements that start on the given lines, in source order."""
    found: list[Edit] = []
    skipped: set[int] = set()
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert, ast.AnnAssign)) or (
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            ):
                skipped |= {id(inner) for inner in ast.walk(node)}
            if id(node) not in skipped and getattr(node, "lineno", 0) in lines:
                found += _edits_of(node)
    found.sort(key=lambda e: (e.node.lineno, e.node.col_offset))
    step = max(1, len(found) // MAX_VARIANTS)
    return found[::step][:MAX_VARIANTS]


def _edits_of(node: ast.AST) -> list[Edit]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return [Edit(node, "ops", [_SWAPS[type(node.ops[0])]()])]
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in _SWAPS:
        return [Edit(node, "op", _SWAPS[type(node.op)]())]
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            return [Edit(node, "value", not node.value)]
        if isinstance(node.value, (int, float)):
            return [Edit(node, "value", node.value + 1)]
        if isinstance(node.value, str) and node.value:
            return [Edit(node, "value", node.value + "~")]
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return [Edit(node, "test", ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test))]
    return []


def variants(
    subject: Subject, function: Function, changes: list[Edit]
) -> Iterator[types.CodeType | None]:
    """The code of the function under each change; None where it cannot take its place."""
    live = live_function(subject)
    for change in changes:
        before = getattr(change.node, change.field)
        setattr(change.node, change.field, change.value)
        try:
            code = _compiled(subject, function)
        finally:
            setattr(change.node, change.field, before)
        fits = code is not None and live is not None
        yield code if fits and code.co_freevars == live.__code__.co_freevars else None


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
    for attribute in ("__func__", "fget", "func", "callback"):
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
