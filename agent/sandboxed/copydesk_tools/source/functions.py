"""Where a function stands in a module's syntax tree, and how it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, FrozenSet, List, NamedTuple, Optional, Tuple, Union

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]
Parameter = Tuple[ast.arg, Optional[ast.expr]]
"""A parameter and its default."""

CONSTRUCTORS = ("__init__", "__new__", "__post_init__")
UNARY_METHODS = frozenset(
    {"__len__", "__repr__", "__str__", "__bool__", "__iter__", "__int__", "__float__", "__neg__"}
    | {"__abs__", "__reversed__"}
)
"""Special methods that an operator or a builtin calls with the object alone."""
BINARY_METHODS = frozenset(
    {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__mul__"}
    | {"__truediv__", "__floordiv__", "__mod__", "__and__", "__or__", "__xor__", "__contains__"}
    | {"__getitem__", "__delitem__"}
)
"""Special methods that an operator calls with the object and one value."""


class Definition(NamedTuple):
    """A function and the names of the classes and functions that it stands in, outermost first."""

    owners: Tuple[str, ...]
    node: Function

    @property
    def qualname(self) -> str:
        """The dotted name, without the `<locals>` of a function in a function."""
        return ".".join([*self.owners, self.node.name])


def functions(tree: ast.AST, *, nested: bool = False) -> Iterator[Definition]:
    """The functions of a module, methods included, in the order of the text.

    Args:
        tree: The module.
        nested: Whether to give the functions inside other functions as well.
    """
    return _functions(tree, (), nested)


def _functions(node: ast.AST, owners: Tuple[str, ...], nested: bool) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        below = owners
        if isinstance(child, FUNCTIONS):
            yield Definition(owners, child)
            if not nested:
                continue
        if isinstance(child, DEFINITIONS):
            below = (*owners, child.name)
        yield from _functions(child, below, nested)


def definitions_along(
    tree: ast.Module, qualname: str, lines: Sequence[int] = ()
) -> List[_Definition]:
    """The class and function definitions that a qualified name leads through, outermost first.

    Args:
        tree: The module.
        qualname: "parse", "Basket.total" or "outer.<locals>.inner" (the <locals> may be left out).
        lines: Of several definitions of a name (overloads, a property and its setter, the arms of
            a `try`) the one around the first of these is meant; the last one otherwise.

    Returns:
        As many definitions as there are words; fewer where a word names none.
    """
    path: List[_Definition] = []
    body: List[ast.stmt] = tree.body
    for word in qualname.split("."):
        if word == "<locals>":
            continue
        definition = _definition(body, word, lines)
        if definition is None:
            return path
        path.append(definition)
        body = definition.body
    return path


def _definition(body: List[ast.stmt], name: str, lines: Sequence[int]) -> _Definition | None:
    named = [node for node in _definitions(body) if node.name == name]
    for node in reversed(named):
        if lines and node.lineno <= lines[0] <= (node.end_lineno or 0):
            return node
    return named[-1] if named else None


def _definitions(body: Sequence[ast.AST]) -> Iterator[_Definition]:
    """The definitions of a body, those under if, try, with, match and loops included."""
    for node in body:
        if isinstance(node, DEFINITIONS):
            yield node
        elif not isinstance(node, ast.expr):
            yield from _definitions(list(ast.iter_child_nodes(node)))


def function_named(tree: ast.Module, qualname: str, lines: Sequence[int] = ()) -> Function | None:
    """The function of a qualified name, however deep it stands; None where there is none.

    Args:
        tree: The module.
        qualname: The function's qualified name.
        lines: See definitions_along.
    """
    words = [word for word in qualname.split(".") if word != "<locals>"]
    path = definitions_along(tree, qualname, lines)
    if len(path) < len(words) or not isinstance(path[-1], FUNCTIONS):
        return None
    return path[-1]


def outermost_function(
    tree: ast.Module, qualname: str, lines: Sequence[int] = ()
) -> Tuple[List[str], Function | None]:
    """The classes around a function and its node; an inner function gives its outermost one.

    Args:
        tree: The module.
        qualname: The function's qualified name.
        lines: See definitions_along.
    """
    owners: List[str] = []
    for node in definitions_along(tree, qualname, lines):
        if isinstance(node, FUNCTIONS):
            return owners, node
        owners.append(node.name)
    return owners, None


def shape_of(node: Function, owners: Sequence[str]) -> str:
    """How a function is called: function, static, construct, property, setter, method, or the
    name of the special method that an operator calls.

    Args:
        node: The function.
        owners: The classes around it.
    """
    if not owners:
        return "function"
    if node.name in CONSTRUCTORS:
        return "construct"
    decorators = decorator_names(node)
    if decorators & {"staticmethod", "classmethod"}:
        return "static"
    if "setter" in decorators:
        return "setter"
    if decorators & {"property", "cached_property"}:
        return "property"
    return node.name if node.name in UNARY_METHODS | BINARY_METHODS else "method"


def decorator_names(node: Function) -> FrozenSet[str]:
    """The last words of a function's decorators that are plain names or attributes."""
    return frozenset(getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list)


class Signature(NamedTuple):
    """The parameters of a function, without the object or class that a method is bound to."""

    by_position: Tuple[Parameter, ...]
    by_keyword: Tuple[Parameter, ...]
    variadic: ast.arg | None
    keywords: ast.arg | None
    positional_only: FrozenSet[str]

    @property
    def named(self) -> List[Parameter]:
        """Every parameter but `*args` and `**kwargs`."""
        return [*self.by_position, *self.by_keyword]

    @property
    def required(self) -> List[ast.arg]:
        """The parameters that have to be given by position."""
        return [parameter for parameter, default in self.by_position if default is None]

    @property
    def optional(self) -> List[Parameter]:
        """The others: those with a default, and those that are given by keyword only."""
        return [pair for pair in self.by_position if pair[1] is not None] + [*self.by_keyword]

    @property
    def required_keywords(self) -> FrozenSet[str]:
        """The names of the keyword-only parameters without a default."""
        return frozenset(parameter.arg for parameter, default in self.by_keyword if default is None)


def signature_of(node: Any, *, bound: bool = False) -> Signature:
    """The parameters of a function or lambda.

    Args:
        node: The function.
        bound: Whether its first parameter is the object that it is called on.
    """
    arguments: ast.arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args]
    missing = len(parameters) - len(arguments.defaults)
    defaults: List[ast.expr | None] = [*[None] * missing, *arguments.defaults]
    return Signature(
        tuple(zip(parameters, defaults))[1 if bound else 0 :],
        tuple(zip(arguments.kwonlyargs, arguments.kw_defaults)),
        arguments.vararg,
        arguments.kwarg,
        frozenset(parameter.arg for parameter in arguments.posonlyargs),
    )


def is_bound(node: Function, owner: str) -> bool:
    """Whether a function of a class (no class: of a module) is given the object or the class."""
    return bool(owner) and "staticmethod" not in decorator_names(node)
