"""Arguments that another function of the module makes: what was signed, to be checked again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, List, NamedTuple, Set

from ...source.functions import Function, signature_of
from ..values.expressions import Expression, join
from ..values.from_constructors import class_of
from ..values.value_pools import Pools

MAX_SIBLINGS = 6
_NOTHING = ("None", "bool", "NoReturn", "Never")


class Returned(NamedTuple):
    """A call of another function, and the arguments that it is given there."""

    arguments: List[Expression]
    call: Expression


def returned_by_siblings(
    tree: ast.Module, module: Any, target: Function, owner: str, receiver: Expression | None
) -> List[Returned]:
    """What the other functions beside one give for plain arguments.

    Args:
        tree: The module's syntax tree.
        module: The module.
        target: The function under test, a method of the class or at the top.
        owner: The class, or nothing.
        receiver: The object that methods are called on.
    """
    calls: List[Returned] = []
    for sibling in _siblings(tree, target, owner):
        row = _plainest_arguments(tree, module, sibling, owner)
        if not row:
            continue
        if receiver is None:
            function = Expression(sibling.name, ((sibling.name, module.__name__),))
            template = "{}"
        else:
            function, template = receiver, f"{{}}.{sibling.name}"
        places = ", ".join(["{}"] * len(row))
        calls.append(Returned(row, join(f"{template}({places})", [function, *row])))
    return calls[:MAX_SIBLINGS]


def _siblings(tree: ast.Module, target: Function, owner: str) -> Iterator[Function]:
    """The functions beside one whose result it may take."""
    body: Any = getattr(class_of(tree, owner), "body", []) if owner else tree.body
    for node in body:
        if _returns_something(node, target) and _fits(node, target):
            yield node


def _plainest_arguments(
    tree: ast.Module, module: Any, sibling: Function, owner: str
) -> List[Expression]:
    """One value for each of a function's one or two parameters; empty where it takes others."""
    pools = Pools(tree, module, sibling, 0)
    signature = signature_of(sibling, bound=bool(owner))
    values = [pools.of(parameter, None)[:1] for parameter in signature.required]
    if signature.by_keyword or not all(values) or not 0 < len(values) < 3:
        return []
    return [pool[0] for pool in values]


def _returns_something(node: ast.stmt, target: Function) -> bool:
    """Whether a statement defines a plain public function that may return a value."""
    if not isinstance(node, ast.FunctionDef) or node.name == target.name or node.decorator_list:
        return False
    if node.name.startswith("_"):
        return False
    if node.returns is not None and ast.unparse(node.returns) in _NOTHING:
        return False
    return any(isinstance(part, ast.Return) and part.value for part in ast.walk(node))


def _fits(node: Any, target: Function) -> bool:
    """Whether what one function says it returns is what the other says it takes, in a word."""
    accepted: Set[str] = set()
    for parameter, _ in signature_of(target).named:
        if parameter.annotation is not None:
            accepted |= _names(parameter.annotation)
    returned = _names(node.returns) if node.returns is not None else set()
    return not accepted or not returned or bool(accepted & returned)


def _names(hint: ast.expr) -> Set[str]:
    """The words of an annotation: str and bytes of `str | bytes`."""
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        return set(re.findall(r"\w+", hint.value))
    words = {getattr(node, "id", "") or getattr(node, "attr", "") for node in ast.walk(hint)}
    return words - {""}
