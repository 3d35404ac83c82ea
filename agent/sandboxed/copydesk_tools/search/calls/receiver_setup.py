"""What to do to an object before the method under test is called: fill it, open it, change it."""

from __future__ import annotations

import ast
from typing import Any, List, Tuple

from ...source.functions import Function
from ..values.call import Step
from ..values.expressions import Expression
from ..values.value_pools import Pools

MAX_MUTATORS = 4
MAX_SETUPS = 9
_FIRST = ("add", "append", "put", "push", "insert", "set", "update", "extend", "__setitem__")
_LAST = ("clear", "pop", "close", "delete", "remove", "reset", "discard", "popitem", "stop")
_CHANGING = frozenset(
    {"append", "add", "insert", "extend", "update", "setdefault", "write", "push"}
    | {"pop", "popitem", "clear", "remove", "discard"}
)


def setups(tree: ast.Module, module: Any, owner: Any, target: Function, seed: int) -> Any:
    """Short sequences of steps that may bring an object of a class into another state.

    Args:
        tree: The module's syntax tree.
        module: The module.
        owner: The class.
        target: The method under test; parameters of the same name get the same values.
        seed: Of the random values.

    Returns:
        Tuples of steps, the most natural first; without the empty one.
    """
    own = Pools(tree, module, target, seed)
    shared = {a.arg: own.of(a, None)[:3] for a in target.args.args[1:]}
    steps: List[List[Step]] = []
    for method in mutators(tree, owner)[:MAX_MUTATORS]:
        rows = _rows(Pools(tree, module, method, seed), method, shared)
        steps.append([Step(method.name, row) for row in rows])
    inherited = _inherited(owner)
    if inherited and not any(s and s[0].name == inherited for s in steps):
        pairs = inherited == "__setitem__"
        texts = (("'abc'", "1"), ("''", "2"), ("1", "3")) if pairs else (("1",), ("2",), ("'abc'",))
        steps.insert(0, [Step(inherited, tuple(map(Expression, row))) for row in texts])
    found: List[Tuple[Step, ...]] = [(one[0],) for one in steps if one]
    found += [tuple(one[:2]) for one in steps if len(one) > 1]
    found += [(a[0], b[0]) for a in steps[:2] for b in steps[:3] if a and b and a is not b]
    found += [tuple(one[:3]) for one in steps if len(one) > 2]
    return found[:MAX_SETUPS]


def mutators(tree: ast.Module, owner: Any) -> List[Function]:
    """The methods of a class and its bases in this module that change the object."""
    bases = [base.__name__ for base in getattr(owner, "__mro__", ())]
    classes = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}
    found: dict[str, Function] = {}
    for name in bases:
        for node in getattr(classes.get(name), "body", ()):
            if not isinstance(node, ast.FunctionDef) or node.decorator_list:
                continue
            public = not node.name.startswith("_") or node.name == "__setitem__"
            if public and node.name not in found and _changes_itself(node):
                found[node.name] = node
    return sorted(found.values(), key=lambda node: (_order(node.name), node.lineno))


def _order(name: str) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    return 99 if name.startswith(_LAST) else 50


def _changes_itself(node: Function) -> bool:
    first = node.args.args[0].arg if node.args.args else ""
    if node.name in _FIRST:
        return True
    for part in ast.walk(node):
        targets = getattr(part, "targets", None) or [getattr(part, "target", None)]
        if not isinstance(part, ast.comprehension) and any(
            _root(t) == first for t in targets if isinstance(t, (ast.Attribute, ast.Subscript))
        ):
            return True
        called = getattr(part, "func", None)
        if getattr(called, "attr", "") in _CHANGING and _root(called) == first:
            return True
    return False


def _root(node: Any) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return getattr(node, "id", "")


def _rows(pools: Pools, method: Function, shared: Any) -> List[Tuple[Expression, ...]]:
    arguments = method.args.args[1:]
    required = arguments[: len(arguments) - len(method.args.defaults)]
    values = [shared.get(a.arg) or pools.of(a, None)[:3] for a in required]
    if method.args.vararg is not None and not required:
        values = [pools.of(method.args.vararg, None)[:3]]
    if not all(values) or len(values) > 3:
        return []
    if not values:
        return [()]
    longest = max(len(one) for one in values)
    return [tuple(one[i % len(one)] for one in values) for i in range(longest)]


def _inherited(owner: Any) -> str:
    """How an object of a built-in or abstract container kind is filled."""
    names = set(dir(owner))
    if "__setitem__" in names and "keys" in names:
        return "__setitem__"
    return "append" if "append" in names else "add" if {"add", "discard"} <= names else ""
