"""What a function reads besides its arguments, and how a test puts it there: pytest's monkeypatch.

A patch is a name and a value: `sys.argv`, `sys.stdin` and `time.time` are replaced, `cwd` is the
folder that becomes the current one, `env:NAME` a variable of the environment (None where it must
not be there), `seed` what the random module starts from.
"""

from __future__ import annotations

import ast
import contextlib
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any, List, Tuple

from .call import Patches
from .expressions import Expression, evaluate

MAX_DEPTH = 2
MAX_VARIABLES = 4
MAX_CHOICES = 16
_STDIN = ("'Hello World\\n'", "''", "'a,b\\n1,2\\n'", "'y\\n'")
_VALUES = ("'1'", "'abc'", "'0'", "''", "'true'")


def choices(tree: ast.Module, function: ast.AST, lines: List[List[str]]) -> List[Patches]:
    """What to put around a call, the plainest first; nothing where the function asks for nothing.

    Args:
        tree: The module's syntax tree; the functions of it that are called are looked into.
        function: The function under test.
        lines: Command lines that the module's own parser understands.
    """
    asked = _asked(tree, function)
    kinds: List[List[Patches]] = []
    if "sys.argv" in asked:
        rows = [["program", *line] for line in [*lines[:24], ["abc"], []]]
        kinds.append([(("sys.argv", Expression(repr(row))),) for row in rows])
    if "sys.stdin" in asked:
        given = [Expression(f"StringIO({text})", (("StringIO", "io"),)) for text in _STDIN]
        kinds.append([(("sys.stdin", one),) for one in given])
    if "cwd" in asked:
        kinds.append([(("cwd", Expression("tmp_path")),)])
    variables = [name for name in asked if name.startswith("env:")][:MAX_VARIABLES]
    for name in variables:
        texts = ["None", *asked[name], *_VALUES]
        kinds.append([((name, Expression(text)),) for text in dict.fromkeys(texts)])
    if "time.time" in asked:
        kinds.append([(("time.time", Expression("1700000000.0")),)])
    if "seed" in asked:
        kinds.append([(("seed", Expression("1")),), (("seed", Expression("2")),)])
    if not kinds:
        return []
    first: Patches = sum((one[0] for one in kinds), ())
    changed = [
        sum((other if i == place else one[0] for i, one in enumerate(kinds)), ())
        for turn in range(1, max(map(len, kinds)))
        for place, ones in enumerate(kinds)
        if turn < len(ones)
        for other in [ones[turn]]
    ]
    return [first, *changed][: MAX_CHOICES + 24 * ("sys.argv" in asked)]


def _asked(tree: ast.Module, function: ast.AST) -> dict[str, List[str]]:
    """The surroundings that a function reads, itself or in what it calls of the module; with the
    literals that stand beside a variable's name.
    """
    known = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    found: dict[str, List[str]] = {}
    todo: List[Tuple[ast.AST, int]] = [(function, 0)]
    seen = set()
    while todo:
        node, depth = todo.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        for part in ast.walk(node):
            name, literals = _read(part)
            if name:
                found.setdefault(name, []).extend(literals)
            called = getattr(getattr(part, "func", None), "id", "")
            if called in known and depth < MAX_DEPTH:
                todo.append((known[called], depth + 1))
    compared = _texts_compared(function)
    return {n: [*compared, *own] if n.startswith("env:") else own for n, own in found.items()}


def _read(node: ast.AST) -> Tuple[str, List[str]]:
    """What a node reads: the patch's name, and literals that it may be."""
    if isinstance(node, ast.Attribute):
        owner = getattr(node.value, "id", "")
        if owner == "sys" and node.attr in ("argv", "stdin"):
            return f"sys.{node.attr}", []
        if (owner, node.attr) in (("os", "getcwd"), ("Path", "cwd")):
            return "cwd", []
        if (owner, node.attr) == ("time", "time"):
            return "time.time", []
        return ("seed", []) if owner == "random" and node.attr in _DRAWS else ("", [])
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "input":
        return "sys.stdin", []
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func) if isinstance(node.func, ast.Attribute) else ""
        reads = called in ("os.environ.get", "os.getenv", "environ.get")
        return _variable(node.args[0]) if reads and node.args else ("", [])
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        reads = ast.unparse(node.value) in ("os.environ", "environ")
        return _variable(node.slice) if reads else ("", [])
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        reads = ast.unparse(node.comparators[0]) in ("os.environ", "environ")
        return _variable(node.left) if reads else ("", [])
    return "", []


_DRAWS = {"random", "randint", "choice", "randrange", "uniform", "sample", "shuffle", "choices"}


def _variable(node: ast.AST) -> Tuple[str, List[str]]:
    name = getattr(node, "value", None)
    return (f"env:{name}", []) if isinstance(name, str) and name.isidentifier() else ("", [])


def _texts_compared(function: ast.AST) -> List[str]:
    """The short texts that a function compares something with."""
    sides = [
        part
        for node in ast.walk(function)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        for part in ast.walk(side)
    ]
    texts = [s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)]
    return [repr(text) for text in dict.fromkeys(texts) if len(text) < 20]


@contextlib.contextmanager
def applied(patches: Patches, local: dict[str, Any]) -> Iterator[None]:
    """Everything in place, and put back at the end."""
    with contextlib.ExitStack() as stack:
        for name, expression in patches:
            _apply(name, evaluate(expression, local), stack)
        yield


def _apply(name: str, value: Any, stack: contextlib.ExitStack) -> None:
    if name == "cwd":
        stack.callback(os.chdir, os.getcwd())
        os.chdir(value)
    elif name == "seed":
        stack.callback(random.setstate, random.getstate())
        random.seed(value)
    elif name.startswith("env:"):
        key = name[4:]
        before = os.environ.get(key)
        stack.callback(_set_variable, key, before)
        _set_variable(key, value)
    else:
        module: Any = time if name == "time.time" else sys
        word = name.rpartition(".")[2]
        stack.callback(setattr, module, word, getattr(module, word))
        setattr(module, word, (lambda: value) if name == "time.time" else value)


def _set_variable(key: str, value: Any) -> None:
    if value is None:
        os.environ.pop(key, None)
    else:
        os.environ[key] = value
