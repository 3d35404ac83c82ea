"""Other ways in: the functions of a module that call one which nothing outside can call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, List

from ...source.functions import CONSTRUCTORS, Definition, Function, functions, signature_of
from ..values.call import Chain, Row
from ..values.expressions import Expression
from ..values.value_pools import Pools

MAX_ENTRIES = 4
MAX_DEPTH = 2
MAX_LEVELS = 3
"""Functions in functions that are looked into."""
MAX_CHAINS = 9
_VARIADIC_ROWS = (("'abc'",), ("1",), ("[3, 1, 2]",), ())


def entries(tree: ast.Module, target: Definition) -> List[Definition]:
    """Functions that call the target, directly or through one other; the public ones first."""
    every = list(functions(tree))
    reached = [target]
    callers: List[Definition] = []
    for _ in range(MAX_DEPTH):
        reached = [
            caller
            for caller in every
            if caller not in callers
            and caller.node is not target.node
            and _calls_any(caller.node, reached)
        ]
        callers += reached
    callable_ones = [caller for caller in callers if len(caller.owners) < 2]
    callable_ones.sort(key=_is_private)
    return callable_ones[:MAX_ENTRIES]


def _is_private(definition: Definition) -> bool:
    name = definition.node.name
    return name.startswith("_") and not name.endswith("__")


def _calls_any(caller: Function, targets: List[Definition]) -> bool:
    return any(_calls(caller, target) for target in targets)


def _calls(caller: Function, target: Definition) -> bool:
    """Whether a function calls another one by its name, or hands it over."""
    constructs = target.node.name in CONSTRUCTORS
    name = target.owners[-1] if constructs and target.owners else target.node.name
    for node in ast.walk(caller):
        called = getattr(node, "func", None)
        if name in (getattr(called, "id", None), getattr(called, "attr", None)):
            return True
        if not constructs and _reads(node, name):
            return True
    return False


def _reads(node: ast.AST, name: str) -> bool:
    if not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
        return False
    return name == (node.id if isinstance(node, ast.Name) else node.attr)


def later_calls(pools: Pools, target: Function) -> List[Chain]:
    """How to call what a function returns, where that is a function of its own: rows of rows.

    A decorator's result is called with a function, and that result with what functions take.
    """
    chains: List[Chain] = [()]
    for function in _returned_functions(target):
        rows = _rows(pools, function)
        chains = [(*chain, row) for chain in chains for row in rows][:MAX_CHAINS]
    return [chain for chain in chains if chain]


def _returned_functions(target: Function) -> Iterator[Any]:
    """The function or lambda that a function returns, the one that this one returns, and so on."""
    node: Any = target
    for _ in range(MAX_LEVELS):
        results = [part for part in ast.walk(node) if part is not node and _returns(node, part)]
        if not results:
            return
        node = results[0]
        yield node


def _returns(node: Any, function: Any) -> bool:
    """Whether a function returns another one that stands in it."""
    returns = [part for part in ast.walk(node) if isinstance(part, ast.Return)]
    values = [statement.value for statement in returns if statement.value is not None]
    if isinstance(function, ast.Lambda):
        return function in values
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    named = [getattr(part, "id", None) for value in values for part in ast.walk(value)]
    return function.name in named


def _rows(pools: Pools, function: Any) -> List[Row]:
    """Four rows of arguments for a function that another one returned."""
    signature = signature_of(function)
    if not signature.required:
        texts = _VARIADIC_ROWS if signature.variadic else ((),)
        return [tuple(map(Expression, row)) for row in texts]
    values = [pools.of(parameter, None)[:4] for parameter in signature.required]
    if not all(values):
        return []
    return [tuple(pool[turn % len(pool)] for pool in values) for turn in range(4)]
