"""What the names of a draft stand for: modules, and texts that are spelled out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set

from copydesk.agent.testgen.verify.questions.tables import ALLOWED_OF, NO_TEXTS, OF_MODULES


def package_of(module: str) -> str:
    """The first part of a module's name."""
    return module.split(".")[0]


def imported_as(tree: ast.Module) -> dict[str, str]:
    """What module each name of a draft stands for, wherever it is imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
                else:
                    names[package_of(alias.name)] = package_of(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in ALLOWED_OF or full in OF_MODULES:
                    names[alias.asname or alias.name] = full
    return names


def is_text(word: ast.expr) -> bool:
    """Whether an expression is a literal text: what it says is looked at as any other."""
    return isinstance(word, ast.Constant) and isinstance(word.value, str)


def names_of_literals(tree: ast.Module) -> set[str]:
    """The names in a draft that stand for nothing but literals: by assignment, as the variable of
    a loop over them, or as a parameter of a test.
    """
    good: set[str] = set()
    bad: set[str] = set()
    for name, values in _bindings(tree):
        (good if _holds_literals(values, good - bad) else bad).add(name)
    return good - bad


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that are bound in a draft and to what; None for what is not known."""
    parametrized: set[str] = set()
    for node in ast.walk(tree):
        for name, value in _bound_by(node):
            if isinstance(node, ast.Call):
                parametrized.add(name)
            yield name, value
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            for argument in [*node.posonlyargs, *node.args, *node.kwonlyargs]:
                if argument.arg not in parametrized:
                    yield argument.arg, None


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Call(ast.Attribute(attr="parametrize"), [ast.Constant(str(names)), values, *_]):
            yield from ((name.strip(), values) for name in names.split(","))
        case ast.Assign(targets, value):
            for target in targets:
                yield from _bound(target, value)
        case ast.For(target, values) | ast.comprehension(target, values):
            yield from _bound(target, values)
        case ast.AugAssign(target) | ast.AnnAssign(target) | ast.NamedExpr(target):
            yield from _bound(target, None)
        case ast.withitem(_, ast.expr() as target):
            yield from _bound(target, None)


def _bound(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id, value


def _holds_literals(value: ast.expr | None, literal: Set[str]) -> bool:
    """Whether all texts that come out of a value are spelled out in it."""
    if value is None:
        return False
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") != "param":
            return False
        if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Subscript | ast.comprehension):
            return False
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name):
            return False
    return all(name in literal or name in NO_TEXTS for name in _loaded_names(value))


def _loaded_names(value: ast.expr) -> Iterator[str]:
    """The variables that an expression reads, other than those whose attributes it takes."""
    owners = {id(node.value) for node in ast.walk(value) if isinstance(node, ast.Attribute)}
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and id(node) not in owners:
            yield node.id
