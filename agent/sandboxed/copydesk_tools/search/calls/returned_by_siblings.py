"""Arguments that another function of the module makes: what was signed, to be checked again."""

from __future__ import annotations

import ast
import re
from typing import Any

from ...source.functions import Function
from ..values.expressions import Expression, join
from ..values.from_constructors import class_of
from ..values.from_literals import parameters_of
from ..values.value_pools import Pools

MAX_SIBLINGS = 6
_NOTHING = ("None", "bool", "NoReturn", "Never")


def made_by_others(
    tree: ast.Module, module: Any, target: Function, owner: str, receiver: Expression | None
) -> list[tuple[list[Expression], Expression]]:
    """What the other functions beside one give for plain arguments: the arguments and the call.

    Args:
        tree: The module's syntax tree.
        module: The module.
        target: The function under test, a method of the class or at the top.
        owner: The class, or nothing.
        receiver: The object that methods are called on.
    """
    body: list[ast.stmt] = tree.body
    if owner:
        body = getattr(class_of(tree, owner), "body", [])
    found = []
    for node in body:
        if not _makes_something(node, target, owner) or not _fits(node, target):
            continue
        pools = Pools(tree, module, node, 0)
        required = [pair for pair in parameters_of(node) if pair[1] is None][1 if owner else 0 :]
        values = [pools.of(*pair)[:1] for pair in required]
        if not 0 < len(values) < 3 or not all(values) or node.args.kw_defaults:  # type: ignore[attr-defined]
            continue
        row = [one[0] for one in values]
        inner = ", ".join(["{}"] * len(row))
        name = node.name  # type: ignore[attr-defined]
        if receiver is not None:
            found.append((row, join(f"{{}}.{name}({inner})", [receiver, *row])))
        else:
            made = Expression(name, ((name, module.__name__),))
            found.append((row, join(f"{{}}({inner})", [made, *row])))
    return found[:MAX_SIBLINGS]


def _makes_something(node: ast.stmt, target: Function, owner: str) -> bool:
    """Whether a statement defines a plain public function that may return a value."""
    if not isinstance(node, ast.FunctionDef) or node.name == target.name or node.decorator_list:
        return False
    says = ast.unparse(node.returns) if node.returns is not None else ""
    gives = any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))
    return not node.name.startswith("_") and gives and says not in _NOTHING


def _fits(node: Any, target: Function) -> bool:
    """Whether what one function says it returns is what the other says it takes, in a word."""
    hints = [a.annotation for a, _ in parameters_of(target) if a.annotation is not None]
    taken = {name for hint in hints for name in _names(hint)}
    given = _names(node.returns) if node.returns is not None else set()
    return not taken or not given or bool(taken & given)


def _names(hint: ast.expr) -> set[str]:
    """The words of an annotation: str and bytes of `str | bytes`."""
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        return set(re.findall(r"\w+", hint.value))
    return {getattr(n, "id", "") or getattr(n, "attr", "") for n in ast.walk(hint)} - {""}
