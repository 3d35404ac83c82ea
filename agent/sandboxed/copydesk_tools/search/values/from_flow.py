"""What a parameter is by where it goes: functions of the module that it is handed to, libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Dict, List, Tuple

from ...source.functions import FUNCTIONS, signature_of
from .from_parameter_use import kinds_by_use
from .value_kinds import HINTS

MAX_DEPTH = 2
_ASKS = (ast.If, ast.IfExp, ast.While)
_LIBRARY: Dict[str, Tuple[str, ...]] = {
    "os.path.join": ("path",), "os.path.isdir": ("path",), "os.path.isfile": ("path",),
    "os.path.exists": ("path",), "os.walk": ("path",), "os.listdir": ("path",),
    "os.path.basename": ("str",), "os.path.splitext": ("str",), "os.path.dirname": ("str",),
    "Path": ("path",), "pathlib.Path": ("path",), "fnmatch": ("str",), "fnmatch.fnmatch": ("str",),
    "json.loads": ("str",), "json.dumps": ("dict",), "re.match": ("str",), "re.search": ("str",),
    "re.sub": ("str",), "re.split": ("str",), "re.findall": ("str",), "urlparse": ("str",),
    "urlsplit": ("str",), "html.escape": ("str",), "escape": ("str",), "Decimal": ("numeral",),
    "shlex.split": ("str",), "datetime.strptime": ("str",), "datetime.fromisoformat": ("str",),
}  # fmt: skip
"""Functions of libraries -> the kinds of what they are handed."""


def kinds_by_flow(tree: ast.AST, function: Any, name: str, depth: int = 0) -> List[str]:
    """The kinds that a parameter may be by what it is handed to.

    Args:
        tree: The module's syntax tree; functions of it that are given the parameter are looked
            into, and what those hand it to.
        function: The function in the tree.
        name: Of the parameter.
        depth: How many functions lie between.
    """
    kinds: List[str] = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if _is_in(node.args, name):
            kinds += _LIBRARY.get(ast.unparse(node.func), ())
        if depth < MAX_DEPTH:
            for callee, parameter in _handed_to(tree, node, name):
                if callee is not function:
                    kinds += _kinds_there(tree, callee, parameter, depth)
    return list(dict.fromkeys(kinds))


def _is_in(arguments: List[ast.expr], name: str) -> bool:
    return name in [getattr(argument, "id", "") for argument in arguments]


def _handed_to(tree: ast.AST, call: ast.Call, name: str) -> Iterator[Tuple[Any, ast.arg]]:
    """The functions of the module that a call may mean, with the parameter that is given."""
    called = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
    is_method = isinstance(call.func, ast.Attribute)
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if is_method and owner not in ("self", "cls"):
        return
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and node.name == called:
            for parameter in _parameters_given(node, call, name, is_method):
                yield node, parameter


def _parameters_given(
    function: Any, call: ast.Call, name: str, is_method: bool
) -> Iterator[ast.arg]:
    """The parameters of a function that a call gives a name for."""
    signature = signature_of(function, bound=is_method)
    for (parameter, _), argument in zip(signature.by_position, call.args):
        if getattr(argument, "id", "") == name:
            yield parameter
    by_name = {parameter.arg: parameter for parameter, _ in signature.named}
    for word in call.keywords:
        if getattr(word.value, "id", "") == name and word.arg in by_name:
            yield by_name[word.arg]


def _kinds_there(tree: ast.AST, callee: Any, parameter: ast.arg, depth: int) -> List[str]:
    """What a function says of its parameter: by its annotation, else by what it does with it."""
    if parameter.annotation is not None:
        word = getattr(parameter.annotation, "id", "")
        return list(HINTS.get(word, ()))
    if is_only_asked_for_truth(tree, callee, parameter.arg, depth + 1):
        return ["bool"]
    by_use = kinds_by_use(callee, parameter.arg)
    return by_use or kinds_by_flow(tree, callee, parameter.arg, depth + 1)


def is_only_asked_for_truth(tree: ast.AST, function: Any, name: str, depth: int = 0) -> bool:
    """Whether a parameter is a flag: all that the body does is ask whether it is true, or hand it
    to functions of the module that do no more.
    """
    uses = {id(node) for node in ast.walk(function) if getattr(node, "id", "") == name}
    explained = set()
    for node in ast.walk(function):
        explained |= {id(part) for test in _tests(node) for part in _asked(test)}
        if (
            isinstance(node, ast.Call)
            and depth < MAX_DEPTH
            and _takes_flag(tree, function, node, name, depth)
        ):
            explained |= {id(part) for part in [*node.args, *(w.value for w in node.keywords)]}
    return bool(uses) and uses <= explained


def _takes_flag(tree: ast.AST, function: Any, call: ast.Call, name: str, depth: int) -> bool:
    """Whether a call hands a parameter to something that takes it for a flag."""
    for callee, parameter in _handed_to(tree, call, name):
        is_itself = callee is function and parameter.arg == name
        if is_itself or is_only_asked_for_truth(tree, callee, parameter.arg, depth + 1):
            return True
    return False


def _tests(node: ast.AST) -> List[ast.expr]:
    """What a node asks for the truth of."""
    if isinstance(node, _ASKS):
        return [node.test]
    return list(node.ifs) if isinstance(node, ast.comprehension) else []


def _asked(test: ast.expr) -> List[ast.expr]:
    """The operands of a condition, through `and`, `or` and `not`."""
    if isinstance(test, ast.BoolOp):
        return [part for value in test.values for part in _asked(value)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _asked(test.operand)
    return [test]


def receives_results(tree: ast.AST, function: Any, name: str, depth: int = 0) -> bool:
    """Whether a parameter is called for its effect alone, `write(line)` as a statement, here or in
    the functions of the module that it is handed to.
    """
    uses = {id(node) for node in ast.walk(function) if getattr(node, "id", "") == name}
    explained = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and _writes(node.value, name):
            explained.add(id(node.value.func))  # type: ignore[attr-defined]
        elif isinstance(node, ast.Call) and _hands_on(tree, function, node, name, depth):
            explained |= {id(argument) for argument in node.args}
    return bool(uses) and uses <= explained


def _hands_on(tree: ast.AST, function: Any, call: ast.Call, name: str, depth: int) -> bool:
    """Whether a call hands a parameter to something that only writes with it."""
    if depth > MAX_DEPTH:
        return False
    for callee, parameter in _handed_to(tree, call, name):
        if callee is function or receives_results(tree, callee, parameter.arg, depth + 1):
            return True
    return False


def _writes(node: ast.AST, name: str) -> bool:
    """Whether a node calls a name with one argument."""
    is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    return is_call and len(node.args) == 1 and not node.keywords  # type: ignore[attr-defined]
