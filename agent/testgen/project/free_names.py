"""Which names a piece of Python defines, imports and needs."""

from __future__ import annotations

import ast

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
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    if isinstance(statement, ast.If | ast.Try):
        inner = [*statement.body, *statement.orelse]
        inner += [s for h in getattr(statement, "handlers", []) for s in h.body]
        return {name for part in inner for name in defined_names(part)}
    return set()


def absolute_imports(body: list[ast.stmt], module: str) -> dict[str, str]:
    """The imports of the target module, by the name they bind, relative ones made absolute."""
    out: dict[str, str] = {}
    package = module.split(".")[:-1]
    for node in (n for statement in body for n in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                out[bound] = ast.unparse(ast.Import([alias]))
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            parts = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                if source and alias.name != "*":
                    made = ast.ImportFrom(source, [alias], 0)
                    out[alias.asname or alias.name] = ast.unparse(made)
    return out


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
