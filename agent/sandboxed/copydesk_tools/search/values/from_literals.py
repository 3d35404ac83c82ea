"""What the syntax tree of a module holds: the class around a method, literals."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, List, Set

from .expressions import Expression
from .fitting_strings import MATCHING
from .value_kinds import neighbours, of_length

MAX_LITERALS = 120
MAX_NODES = 2000
CARRIED = [Expression(text) for text in ("999.9996", "999999", "9.9996")]
"""Numbers that rounding carries over to the next power of ten."""
_FORMATS = ("format", "fmt", "template", "pattern")


def class_around(function: ast.AST, tree: ast.Module) -> ast.ClassDef | None:
    """The class that a method stands in, or None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and function in node.body:
            return node
    return None


def literals_of(
    function: ast.AST, tree: ast.Module, owner: ast.ClassDef | None = None
) -> List[Expression]:
    """The literals of a function and of the constants of its module and class that it names; no
    docstrings.

    Args:
        function: The function.
        tree: Its module.
        owner: Its class.
    """
    skipped = _no_inputs(function)
    names = _names_used(function)
    statements = [*tree.body, *(owner.body if owner is not None else ())]
    constants = [value for statement in statements for value in _constants(statement, names)]
    literals: List[Expression] = []
    for root in [function, *constants]:
        for node in list(ast.walk(root))[:MAX_NODES]:
            if isinstance(node, ast.Constant) and id(node) not in skipped:
                literals += neighbours(node.value)
    return list(dict.fromkeys(literals))[:MAX_LITERALS]


def _no_inputs(function: ast.AST) -> Set[int]:
    """The ids of the nodes that say nothing about inputs: messages, docstrings, patterns."""
    skipped: Set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Raise, ast.JoinedStr)) or _is_docstring(node):
            skipped |= {id(part) for part in ast.walk(node)}
        elif isinstance(node, ast.Call) and _matches_a_pattern(node):
            # texts that fit a pattern are made of it elsewhere; the pattern is none
            skipped |= {id(argument) for argument in node.args[:1]}
    return skipped


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _matches_a_pattern(node: ast.Call) -> bool:
    """Whether a call is re.match(...) or another function of re that takes a pattern."""
    module = getattr(getattr(node.func, "value", None), "id", "")
    return getattr(node.func, "attr", "") in MATCHING and module == "re"


def _names_used(function: ast.AST) -> Set[str]:
    """The names and the attributes that a function uses."""
    names: Set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def _constants(statement: ast.stmt, names: Set[str]) -> Iterator[ast.expr]:
    """The value of an assignment that has to do with one of the names."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
        own = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if names & own:
            yield statement.value


def compared_with(function: ast.AST, name: str) -> List[Expression]:
    """Literals that a parameter itself is compared with, and their neighbours."""
    values: List[Expression] = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        parts = [part for side in sides for part in ast.walk(side)]
        if name in [getattr(part, "id", None) for part in parts]:
            is_length = any(_calls_len(side) for side in sides)
            for part in parts:
                if isinstance(part, ast.Constant):
                    values += _beside(part.value, is_length)
    return list(dict.fromkeys(values))


def _calls_len(node: ast.expr) -> bool:
    return getattr(getattr(node, "func", None), "id", "") == "len"


def _beside(value: Any, is_length: bool) -> List[Expression]:
    """Values for what is compared with a literal, or whose length is."""
    if value is None:
        return [Expression("None")]
    return of_length(value) if is_length else neighbours(value)


def skips_the_first(function: ast.AST, name: str) -> bool:
    """Whether a function looks at name[1:], as a program does that is given all of sys.argv."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Subscript) or getattr(node.value, "id", "") != name:
            continue
        if isinstance(node.slice, ast.Slice) and getattr(node.slice.lower, "value", None) == 1:
            return True
    return False


def rounds(function: ast.AST) -> bool:
    """Whether a function rounds numbers, itself or by the way it writes them."""
    return any(_rounds(node) for node in ast.walk(function))


def _rounds(node: ast.AST) -> bool:
    if getattr(getattr(node, "func", None), "id", "") in ("round", "floor", "ceil"):
        return True
    is_formatted = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
    return is_formatted and _is_format(node.left)  # type: ignore[attr-defined]


def _is_format(node: ast.expr) -> bool:
    """A text, or something named as one that numbers are written with."""
    return isinstance(getattr(node, "value", None), str) or getattr(node, "id", "") in _FORMATS
