"""What a function reads besides its arguments, and how a test puts it there: pytest's monkeypatch.

A patch is a name and a value: `sys.argv`, `sys.stdin` and `time.time` are replaced, `cwd` is the
folder that becomes the current one, `env:NAME` a variable of the environment (None where it must
not be there), `seed` what the random module starts from.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Dict, List, Tuple

from .call import Patches
from .expressions import Expression

MAX_DEPTH = 2
MAX_VARIABLES = 4
MAX_CHOICES = 16
MAX_LINES = 24
"""Command lines tried, where the function reads them."""
MAX_TEXT = 20
Patch = Tuple[str, Expression]
Text = Tuple[str, Tuple[Tuple[str, str], ...]]
_STDIN = ("'Hello World\\n'", "''", "'a,b\\n1,2\\n'", "'y\\n'")
_ENVIRON = ("os.environ", "environ")
_GETTERS = ("os.environ.get", "os.getenv", "environ.get")
_ATTRIBUTES = {
    ("sys", "argv"): "sys.argv",
    ("sys", "stdin"): "sys.stdin",
    ("os", "getcwd"): "cwd",
    ("Path", "cwd"): "cwd",
    ("time", "time"): "time.time",
}
_PARSERS = ("parse_args", "parse_known_args", "parse_intermixed_args")
"""Methods of argparse that read sys.argv where they are given no arguments, or None."""
_READ_ARGUMENTS = ("docopt", "Fire")
"""Functions of other libraries that read it."""
_USERS = ("'root'", "'editor'")
_DRAWS = {"random", "randint", "choice", "randrange", "uniform", "sample", "shuffle", "choices"}
_VALUES = ("'1'", "'abc'", "'0'", "''", "'true'")


def choices(tree: ast.Module, function: ast.AST, lines: List[List[str]]) -> List[Patches]:
    """What to put around a call, the plainest first; nothing where the function asks for nothing.

    Args:
        tree: The module's syntax tree; the functions of it that are called are looked into.
        function: The function under test.
        lines: Command lines that the module's own parser understands.
    """
    reads = surroundings_read(tree, function)
    pools = [
        [(name, Expression(text, names)) for text, names in texts]
        for name, texts in _texts(reads, lines).items()
    ]
    if not pools:
        return []
    plainest = tuple(pool[0] for pool in pools)
    most = MAX_CHOICES + (MAX_LINES if "sys.argv" in reads else 0)
    return [plainest, *_one_changed(plainest, pools)][:most]


def _one_changed(plainest: Patches, pools: List[List[Patch]]) -> Iterator[Patches]:
    """The plainest patches with one of them changed: each one's second value, then its third."""
    for turn in range(1, max(map(len, pools))):
        for index, pool in enumerate(pools):
            if turn < len(pool):
                yield (*plainest[:index], pool[turn], *plainest[index + 1 :])


def _texts(reads: Dict[str, List[str]], lines: List[List[str]]) -> Dict[str, List[Text]]:
    """The values of each patch that may matter, as texts with what they import, plainest first."""
    rows = [["program", *line] for line in [*lines[:MAX_LINES], ["abc"], []]]
    stream = (("StringIO", "io"),)
    every: Dict[str, List[Text]] = {
        "sys.argv": [(repr(row), ()) for row in rows],
        "sys.stdin": [(f"StringIO({text})", stream) for text in _STDIN],
        "cwd": [("tmp_path", ())],
    }
    variables = [name for name in reads if name.startswith("env:")]
    for name in variables[:MAX_VARIABLES]:
        plain = _USERS if name == "env:LOGNAME" else ("None",)
        values = dict.fromkeys([*plain, *reads[name], *_VALUES])
        every[name] = [(text, ()) for text in values]
    every["time.time"] = [("1700000000.0", ())]
    every["seed"] = [("1", ()), ("2", ())]
    return {name: texts for name, texts in every.items() if name in reads}


def surroundings_read(tree: ast.Module, function: ast.AST) -> Dict[str, List[str]]:
    """The surroundings that a function reads, itself or in what it calls of the module: the
    patch's name -> the texts that the function compares something with, for a variable.
    """
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    compared = _texts_compared(function)
    reads: Dict[str, List[str]] = {}
    waiting: List[Tuple[ast.AST, int]] = [(function, 0)]
    visited = set()
    while waiting:
        node, depth = waiting.pop(0)
        if id(node) in visited:
            continue
        visited.add(id(node))
        for part in ast.walk(node):
            name = _patch_of(part)
            if name:
                reads[name] = compared if name.startswith("env:") else []
            called = functions.get(getattr(getattr(part, "func", None), "id", ""))
            if called is not None and depth < MAX_DEPTH:
                waiting.append((called, depth + 1))
    return reads


def _patch_of(node: ast.AST) -> str:
    """The name of the patch for what a node reads; empty where it reads nothing around it."""
    if isinstance(node, ast.Attribute):
        return _patch_of_attribute(getattr(node.value, "id", ""), node.attr)
    if isinstance(node, ast.Call):
        called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        if called == "input":
            return "sys.stdin"
        if called == "getuser":
            return "env:LOGNAME"
        if called in _READ_ARGUMENTS or (called in _PARSERS and _reads_arguments(node)):
            return "sys.argv"
    variable = _variable_read(node)
    name = getattr(variable, "value", None)
    return f"env:{name}" if isinstance(name, str) and name.isidentifier() else ""


def _reads_arguments(call: ast.Call) -> bool:
    """Whether a parser may read sys.argv: it is given nothing, None, or what may be None."""
    given = call.args[0] if call.args else None
    if given is None:
        return True
    return isinstance(given, ast.Name) or getattr(given, "value", given) is None


def _patch_of_attribute(owner: str, attribute: str) -> str:
    if owner == "random" and attribute in _DRAWS:
        return "seed"
    return _ATTRIBUTES.get((owner, attribute), "")


def _variable_read(node: ast.AST) -> ast.AST | None:
    """The node of the name of a variable of the environment that a node reads, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        reads = ast.unparse(node.func) in _GETTERS
        return node.args[0] if reads and node.args else None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return node.slice if ast.unparse(node.value) in _ENVIRON else None
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return node.left if ast.unparse(node.comparators[0]) in _ENVIRON else None
    return None


def _texts_compared(function: ast.AST) -> List[str]:
    """The short texts that a function compares something with."""
    texts: Dict[str, None] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        for side in (node.left, *node.comparators):
            for part in ast.walk(side):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    texts[part.value] = None
    return [repr(text) for text in texts if len(text) < MAX_TEXT]
