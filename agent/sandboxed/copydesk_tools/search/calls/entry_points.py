"""Other ways in: the functions of a module that call one which nothing outside can call."""

from __future__ import annotations

import ast
from typing import Any, List, Tuple

from ...source.functions import Function
from ..values.value_pools import Pools

Entry = Tuple[List[str], Function]

MAX_ENTRIES = 4
MAX_DEPTH = 2


def functions(tree: ast.Module) -> List[Entry]:
    """The functions of a module that are not inside another, with the classes around them."""
    found: List[Entry] = []

    def walk(body: List[ast.stmt], owners: List[str]) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append((owners, node))
            elif isinstance(node, ast.ClassDef):
                walk(node.body, [*owners, node.name])
            elif isinstance(node, (ast.If, ast.Try)):
                walk([*node.body, *node.orelse], owners)

    walk(tree.body, [])
    return found


def entries(tree: ast.Module, owners: List[str], target: Function) -> List[Entry]:
    """Functions that call the target, directly or through one other; the public ones first."""
    every = functions(tree)
    reached = [(owners, target)]
    found: List[Entry] = []
    for _ in range(MAX_DEPTH):
        reached = [
            entry
            for entry in every
            if entry not in found and entry[1] is not target
            and any(_calls(entry[1], *one) for one in reached)
        ]  # fmt: skip
        found += reached
    outside = [e for e in found if len(e[0]) < 2]
    outside.sort(key=lambda e: e[1].name.startswith("_") and not e[1].name.endswith("__"))
    return outside[:MAX_ENTRIES]


def _calls(caller: Function, owners: List[str], target: Function) -> bool:
    constructs = target.name in ("__init__", "__new__", "__post_init__")
    name = owners[-1] if constructs and owners else target.name
    for node in ast.walk(caller):
        func = getattr(node, "func", None)
        if name in (getattr(func, "id", None), getattr(func, "attr", None)):
            return True
        if not constructs and isinstance(node, (ast.Name, ast.Attribute)):
            passed = getattr(node, "id", None) or getattr(node, "attr", None)
            if passed == name and isinstance(getattr(node, "ctx", None), ast.Load):
                return True
    return False


def later_calls(pools: Pools, target: Function) -> List[Any]:
    """How to call what a function returns, where that is a function of its own: rows of rows.

    A decorator's result is called with a function, and that result with what functions take.
    """
    levels: List[Any] = []
    node: Any = target
    while len(levels) < 3:
        inner = [n for n in ast.walk(node) if n is not node and _returned(node, n)]
        if not inner:
            break
        node = inner[0]
        levels.append(_rows(pools, node))
    chains: List[Any] = [()]
    for rows in levels:
        chains = [(*chain, row) for chain in chains for row in rows][:9]
    return [chain for chain in chains if chain]


def _returned(node: Any, inner: Any) -> bool:
    returns = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    if isinstance(inner, ast.Lambda):
        return inner in returns
    if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return any(inner.name == getattr(n, "id", None) for value in returns for n in ast.walk(value))


def _rows(pools: Pools, node: Any) -> List[Any]:
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    required = plain[: len(plain) - len(arguments.defaults)]
    if not required:
        texts = (("'abc'",), ("1",), ("[3, 1, 2]",), ()) if arguments.vararg else ((),)
        return [tuple(pools.literal(text) for text in row) for row in texts]
    values = [pools.of(a, None)[:4] for a in required]
    if not all(values):
        return []
    return [tuple(one[i % len(one)] for one in values) for i in range(4)]
