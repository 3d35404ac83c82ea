"""The mutation operators: small wrong versions of an expression that a good test notices.

The classic ones (DeMillo, Lipton and Sayward, "Hints on test data selection", 1978): comparison,
boolean and arithmetic operators, constants, negated conditions. The search for inputs and the
checking of a finished draft both change the syntax tree by these.
"""

from __future__ import annotations

import ast
from typing import Any, Dict, List, NamedTuple, Type

COMPARISONS: Dict[Type[ast.cmpop], Type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: Dict[Type[ast.operator], Type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
BOOLEAN: Dict[Type[ast.boolop], Type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}
_OPPOSITE = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
"""Comparisons whose own mutant is their negation."""


class Edit(NamedTuple):
    """A field of a node, and what to put there for a while.

    Attributes:
        node: The node.
        field: The field's name.
        value: What the field becomes.
        kind: operator, not, condition or constant.
        before: The operator or constant that changes.
        after: What it becomes.
    """

    node: Any
    field: str
    value: Any
    kind: str = ""
    before: Any = None
    after: Any = None


def edits_of(node: ast.AST) -> List[Edit]:
    """The edits of an expression itself, without those of its parts."""
    if isinstance(node, ast.Compare):
        return [_swapped_comparison(node, index) for index in range(len(node.ops))]
    if isinstance(node, ast.BinOp):
        return _swapped_operator(node, ARITHMETIC)
    if isinstance(node, ast.BoolOp):
        return _swapped_operator(node, BOOLEAN)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [Edit(node, "operand", _not(node.operand), "not")]
    if isinstance(node, ast.IfExp):
        return negated_condition(node)
    if isinstance(node, ast.Constant):
        return _changed_constant(node)
    return []


def _swapped_comparison(node: ast.Compare, index: int) -> Edit:
    before = node.ops[index]
    after = COMPARISONS[type(before)]()
    operators = [*node.ops[:index], after, *node.ops[index + 1 :]]
    return Edit(node, "ops", operators, "operator", before, after)


def _swapped_operator(node: Any, table: Dict[Any, Any]) -> List[Edit]:
    swapped = table.get(type(node.op))
    if swapped is None:
        return []
    after = swapped()
    return [Edit(node, "op", after, "operator", node.op, after)]


def swapped_assignment(node: ast.AugAssign) -> List[Edit]:
    """The edit of an augmented assignment: `+=` becomes `-=`."""
    return _swapped_operator(node, ARITHMETIC)


def negated_condition(node: Any) -> List[Edit]:
    """The edit that negates the condition of an `if`, a `while` or an `x if y else z`.

    None where another edit does the same: of `not y`, and of `y == z` and its like.
    """
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _OPPOSITE):
        return []
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return []
    return [Edit(node, "test", _not(test), "condition")]


def stored_value(node: ast.stmt) -> Any:
    """The value that a statement keeps in an attribute or an item; None for any other statement.

    What it keeps becomes None, but only in code that offers no other mutant: code that goes on to
    use what it kept breaks by that, and any test that runs it would seem to notice.
    """
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return None
    is_nothing = isinstance(node.value, ast.Constant) and node.value.value is None
    is_kept = any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets)
    return node.value if is_kept and not is_nothing else None


def _not(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)


def _changed_constant(node: ast.Constant) -> List[Edit]:
    after = _other(node.value)
    if after is None or after == node.value:
        return []
    return [Edit(node, "value", after, "constant", node.value, after)]


def _other(value: Any) -> Any:
    """Another constant of the same type; None for what has no other."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "XX"
    return value + b"XX" if isinstance(value, bytes) else None
