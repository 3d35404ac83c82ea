"""Which names a piece of Python defines, imports and needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

WELL_KNOWN = {
    "pytest": "import pytest",
    "Path": "from pathlib import Path",
    "Decimal": "from decimal import Decimal",
    "Fraction": "from fractions import Fraction",
    "date": "from datetime import date",
    "timedelta": "from datetime import timedelta",
    "timezone": "from datetime import timezone",
    "StringIO": "from io import StringIO",
    "BytesIO": "from io import BytesIO",
    "Counter": "from collections import Counter",
    "OrderedDict": "from collections import OrderedDict",
    "defaultdict": "from collections import defaultdict",
    "namedtuple": "from collections import namedtuple",
    "partial": "from functools import partial",
    "dataclass": "from dataclasses import dataclass",
    "SimpleNamespace": "from types import SimpleNamespace",
    "Enum": "from enum import Enum",
}
"""Imports that a model forgets most, by the name they bind."""


def defined_names(statement: ast.stmt) -> set[str]:
    """The names a top-level statement defines (imports not counted)."""
    match statement:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return {name}
        case ast.Assign(targets):
            return _names_in(targets)
        case ast.AnnAssign(target):
            return _names_in([target])
        case ast.If(_, body, orelse):
            return _defined_in([*body, *orelse])
        case ast.Try(body, handlers, orelse):
            names = _defined_in([*body, *orelse])
            for handler in handlers:
                names |= _defined_in(handler.body)
            return names
    return set()


def _defined_in(block: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for statement in block:
        names |= defined_names(statement)
    return names


def _names_in(targets: list[ast.expr]) -> set[str]:
    """The names in the targets of an assignment."""
    names: set[str] = set()
    for target in targets:
        names.update(node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    return names


def absolute_imports(body: list[ast.stmt], module: str) -> dict[str, str]:
    """The imports of the target module, by the name they bind, relative ones made absolute.

    Args:
        body: The statements of the module.
        module: Its dotted name.
    """
    imports: dict[str, str] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    imports[bound] = ast.unparse(ast.Import([alias]))
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                imports.update(_absolute_import_from(node, module))
    return imports


def _absolute_import_from(node: ast.ImportFrom, module: str) -> Iterator[tuple[str, str]]:
    """The bound names of an import, each with its statement."""
    source = _absolute_source(node, module)
    for alias in node.names:
        if source and alias.name != "*":
            yield alias.asname or alias.name, ast.unparse(ast.ImportFrom(source, [alias], 0))


def _absolute_source(node: ast.ImportFrom, module: str) -> str:
    """The dotted name of what a module imports from."""
    package = module.split(".")[:-1]
    parts = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*parts, node.module] if node.module else parts)


def free_names(node: ast.AST) -> set[str]:
    """The names a statement reads and does not itself bind anywhere in it."""
    read: set[str] = set()
    bound: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(name, ast.Load()):
                read.add(name)
            case ast.Name(name) | ast.arg(name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                bound.add(name)
            case ast.Import(names) | ast.ImportFrom(_, names):
                bound |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
    return read - bound
