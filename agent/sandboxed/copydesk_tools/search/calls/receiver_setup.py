"""What to do to an object before the method under test is called: fill it, open it, change it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any, Dict, List

from ...source.functions import Function, signature_of
from ..values.call import Row, Setup, Step
from ..values.expressions import Expression
from ..values.value_pools import Pools

MAX_MUTATORS = 4
MAX_SETUPS = 9
MAX_PROPERTIES = 2
_FIRST = ("add", "append", "put", "push", "insert", "set", "update", "extend", "__setitem__")
_LAST = ("clear", "pop", "close", "delete", "remove", "reset", "discard", "popitem", "stop")
_CHANGING = frozenset(
    {"append", "add", "insert", "extend", "update", "setdefault", "write", "push"}
    | {"pop", "popitem", "clear", "remove", "discard"}
)
_PAIRS = (("'abc'", "1"), ("''", "2"), ("1", "3"))
_ITEMS = (("1",), ("2",), ("'abc'",))


def setups(tree: ast.Module, module: Any, owner: Any, target: Function, seed: int) -> List[Setup]:
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
    pools = Pools(tree, module, target, seed)
    shared = {parameter.arg: pools.of(parameter, None)[:3] for parameter in target.args.args[1:]}
    steps: List[List[Step]] = []
    for method in mutators(tree, owner)[:MAX_MUTATORS]:
        rows = _rows(Pools(tree, module, method, seed), method, shared)
        steps.append([Step(method.name, row) for row in rows])
    set_first = _properties_set(tree, module, owner, target, seed)
    inherited = _inherited(owner)
    if inherited and inherited not in [rows[0].name for rows in steps if rows]:
        texts = _PAIRS if inherited == "__setitem__" else _ITEMS
        steps.insert(0, [Step(inherited, tuple(map(Expression, row))) for row in texts])
    sequences = _sequences(steps)
    fills = sequences[:2]
    with_properties = [(step, *more) for step in set_first for more in [*fills, ()]]
    return [*sequences[:1], *with_properties, *sequences[1:]][: MAX_SETUPS + len(with_properties)]


def _sequences(steps: List[List[Step]]) -> List[Setup]:
    """Each method once, twice, two methods, three times; `steps` has a list for each method."""
    sequences: List[Setup] = [tuple(rows[:1]) for rows in steps if rows]
    sequences += [tuple(rows[:2]) for rows in steps if len(rows) > 1]
    for first, second in itertools.product(steps[:2], steps[:3]):
        if first and second and first is not second:
            sequences.append((first[0], second[0]))
    sequences += [tuple(rows[:3]) for rows in steps if len(rows) > 2]
    return sequences


def _properties_set(
    tree: ast.Module, module: Any, owner: Any, target: Function, seed: int
) -> List[Step]:
    """The properties that the target reads, each set as a user of the object would."""
    read = {node.attr for node in ast.walk(target) if isinstance(node, ast.Attribute)}
    steps = []
    for name in sorted(read):
        setter = getattr(getattr(owner, name, None), "fset", None)
        node = _function_of(tree, setter)
        if node is None or name == target.name or name.startswith("_"):
            continue
        parameter = ast.arg(name, node.args.args[-1].annotation)
        values = Pools(tree, module, node, seed).of(parameter, None)
        steps += [Step(f"{name}=", (value,)) for value in values[:1]]
    return steps[:MAX_PROPERTIES]


def _function_of(tree: ast.Module, function: Any) -> Any:
    """The node of a function of the module; None for another one."""
    code: Any = getattr(function, "__code__", None)
    for node in ast.walk(tree) if code is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            decorators = [decorator.lineno for decorator in node.decorator_list]
            if code.co_firstlineno == [*decorators, node.lineno][0]:
                return node
    return None


def mutators(tree: ast.Module, owner: Any) -> List[Function]:
    """The methods of a class and its bases in this module that change the object."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    by_name: Dict[str, Function] = {}
    for base in getattr(owner, "__mro__", ()):
        for method in _public_methods(classes.get(base.__name__)):
            if method.name not in by_name and _changes_itself(method):
                by_name[method.name] = method
    return sorted(by_name.values(), key=lambda method: (_order(method.name), method.lineno))


def _public_methods(node: Any) -> Iterator[Function]:
    for method in getattr(node, "body", ()):
        if not isinstance(method, ast.FunctionDef) or method.decorator_list:
            continue
        if not method.name.startswith("_") or method.name == "__setitem__":
            yield method


def _order(name: str) -> int:
    """What fills an object comes first, what empties it last."""
    if name in _FIRST:
        return _FIRST.index(name)
    return 99 if name.startswith(_LAST) else 50


def _changes_itself(method: Function) -> bool:
    if method.name in _FIRST:
        return True
    receiver = method.args.args[0].arg if method.args.args else ""
    return any(_assigns_to(node, receiver) or _fills(node, receiver) for node in ast.walk(method))


def _assigns_to(node: ast.AST, receiver: str) -> bool:
    """Whether a node sets an attribute or an item of the object."""
    if isinstance(node, ast.comprehension):
        return False
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    parts = [target for target in targets if isinstance(target, (ast.Attribute, ast.Subscript))]
    return any(_root(part) == receiver for part in parts)


def _fills(node: ast.AST, receiver: str) -> bool:
    """Whether a node calls a method that changes a container which the object holds."""
    called = getattr(node, "func", None)
    return getattr(called, "attr", "") in _CHANGING and _root(called) == receiver


def _root(node: Any) -> str:
    """The name that a chain of attributes and items begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return getattr(node, "id", "")


def _rows(pools: Pools, method: Function, shared: Dict[str, List[Expression]]) -> List[Row]:
    """Arguments for a method that is called first; none where it takes too many."""
    signature = signature_of(method, bound=True)
    values = [
        shared.get(parameter.arg) or pools.of(parameter, None)[:3]
        for parameter in signature.required
    ]
    if signature.variadic is not None and not values:
        values = [pools.of(signature.variadic, None)[:3]]
    if not all(values) or len(values) > 3:
        return []
    if not values:
        return [()]
    longest = max(map(len, values))
    return [tuple(pool[turn % len(pool)] for pool in values) for turn in range(longest)]


def _inherited(owner: Any) -> str:
    """How an object of a built-in or abstract container kind is filled; empty for other kinds."""
    names = set(dir(owner))
    if {"__setitem__", "keys"} <= names:
        return "__setitem__"
    if "append" in names:
        return "append"
    return "add" if {"add", "discard"} <= names else ""
