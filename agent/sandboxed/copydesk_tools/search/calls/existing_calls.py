"""Calls of a function that somebody already wrote: in doctests, in production, in tests."""

from __future__ import annotations

import ast
import copy
import doctest
import os
from typing import Any, Dict, NamedTuple

from ..values.expressions import (
    PLAIN_FUNCTIONS,
    PURE_MODULES,
    STANDARD_CLASSES,
    Expression,
    is_small_lambda,
)

MAX_FILES = 2000
MAX_FILE = 400_000
MAX_SITES = 80
MAX_ROWS = 40
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox"}
_BUILTIN_CALLS = {"float", "set", "frozenset", "range", "bytes", "bytearray", "complex", "dict"}

Bindings = Dict[str, ast.expr]


class Site(NamedTuple):
    """The arguments of one call that stands somewhere in the project."""

    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]
    origin: str
    receiver: Expression | None = None


def find_sites(top: str, tree: ast.Module, function: str, owner: str = "") -> list[Site]:
    """Calls by name with arguments that can be written down again.

    Args:
        top: The folder of the project.
        tree: The module of the function; its doctests come first.
        function: The function's own name, or the class's for constructor calls.
        owner: The class of a method; calls of a local object made from it are taken then.
    """
    found: list[Site] = []
    for text in _docstrings(tree):
        found += _from_doctest(text, function, owner, _imports(tree))
    for path in _files(top):
        text = _read(path)
        if function + "(" not in text:
            continue
        if path.endswith(".py"):
            found += _from_module(text, function, owner, path)
        elif ">>>" in text:
            found += _from_doctest(text, function, owner, _imports(tree))
    return list(dict.fromkeys(found))[:MAX_SITES]


def _files(top: str) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED and not f.endswith(".egg-info"))
        found += [
            os.path.join(folder, name)
            for name in sorted(names)
            if name.endswith((".py", ".md", ".rst"))
        ]
        if len(found) > MAX_FILES:
            break
    return found[:MAX_FILES]


def _read(path: str) -> str:
    try:
        if os.path.getsize(path) > MAX_FILE:
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _docstrings(tree: ast.Module) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    return [ast.get_docstring(n) or "" for n in ast.walk(tree) if isinstance(n, kinds)]


def _from_doctest(
    text: str, function: str, owner: str, imports: dict[str, tuple[str, str]]
) -> list[Site]:
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return []
    local: Bindings = {}
    found: list[Site] = []
    for example in examples:
        try:
            parsed = ast.parse(example.source)
        except SyntaxError:
            continue
        imports = {**imports, **_imports(parsed)}
        local.update(_assigned(parsed.body))
        found += _calls(parsed, function, owner, [local], imports, "doctest")
    return found


def _from_module(text: str, function: str, owner: str, path: str) -> list[Site]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    base = os.path.basename(path)
    origin = "test" if base.startswith("test_") or base.endswith("_test.py") else "production"
    imports = _imports(tree)
    shared = _assigned(tree.body)
    found: list[Site] = []
    functions = [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for node in functions:
        local = {**shared, **_assigned(node.body)}
        rows = _parametrized(node)
        bindings = [{**local, **row} for row in rows] if rows else [local]
        found += _calls(node, function, owner, bindings, imports, origin)
    loose = ast.Module(
        [s for s in tree.body if not isinstance(s, (ast.FunctionDef, ast.ClassDef))], []
    )
    return found + _calls(loose, function, owner, [shared], imports, origin)


def _imports(tree: ast.AST) -> dict[str, tuple[str, str]]:
    """Local name -> (module, attribute); the attribute is empty for an imported module."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name] = (name.name, "")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = (node.module, name.name)
    return found


def _assigned(body: list[ast.stmt]) -> Bindings:
    """name = <expression> statements of a body, the last one of each name."""
    found: Bindings = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                found[target.id] = statement.value
    return found


def _parametrized(node: Any) -> list[Bindings]:
    """The rows of pytest.mark.parametrize decorators as name -> expression."""
    rows: list[Bindings] = [{}]
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
            continue
        if getattr(decorator.func, "attr", "") != "parametrize":
            continue
        names = _argument_names(decorator.args[0])
        values = getattr(decorator.args[1], "elts", [])[:MAX_ROWS]
        made: list[Bindings] = []
        for value in values:
            if isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "param":
                items = value.args
            elif len(names) == 1:
                items = [value]
            else:
                items = getattr(value, "elts", [])
            if len(items) == len(names):
                made.append(dict(zip(names, items)))
        if made:
            rows = [{**row, **extra} for row in rows[:8] for extra in made][: 2 * MAX_ROWS]
    return rows if rows != [{}] else []


def _argument_names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [word.strip() for word in node.value.split(",") if word.strip()]
    return [str(e.value) for e in getattr(node, "elts", []) if isinstance(e, ast.Constant)]


def _calls(
    root: ast.AST,
    function: str,
    owner: str,
    bindings: list[Bindings],
    imports: dict[str, tuple[str, str]],
    origin: str,
) -> list[Site]:
    found: list[Site] = []
    for node in ast.walk(root):
        if not isinstance(node, ast.Call):
            continue
        if function not in (getattr(node.func, "id", None), getattr(node.func, "attr", None)):
            continue
        for binding in bindings:
            site = _site(node, owner, binding, imports, origin)
            if site is not None:
                found.append(site)
    return found


def _site(
    node: ast.Call,
    owner: str,
    binding: Bindings,
    imports: dict[str, tuple[str, str]],
    origin: str,
) -> Site | None:
    receiver = None
    if owner:
        if not isinstance(node.func, ast.Attribute):
            return None
        receiver = expression_of(node.func.value, binding, imports)
    arguments = [expression_of(a, binding, imports) for a in node.args]
    keywords = [(k.arg, expression_of(k.value, binding, imports)) for k in node.keywords]
    if any(a is None for a in arguments) or any(not n or v is None for n, v in keywords):
        return None
    return Site(
        tuple(a for a in arguments if a is not None),
        tuple((n, v) for n, v in keywords if n and v is not None),
        origin,
        receiver,
    )


def expression_of(
    node: ast.expr, binding: Bindings, imports: dict[str, tuple[str, str]]
) -> Expression | None:
    """An expression with its names resolved, or None when it is more than values and classes."""
    names: dict[str, str] = {}
    try:
        plain = _Plain(binding, imports, names).visit(copy.deepcopy(node))
        text = ast.unparse(ast.fix_missing_locations(plain))
    except (_NotPlain, RecursionError):
        return None
    return Expression(text, tuple(sorted(names.items()))) if len(text) <= 600 else None


class _NotPlain(Exception):
    """The expression holds something that cannot be written into a test."""


class _Plain(ast.NodeTransformer):
    """Replace local names by what they were bound to, and refuse everything else."""

    def __init__(
        self, binding: Bindings, imports: dict[str, tuple[str, str]], names: dict[str, str]
    ) -> None:
        self.binding, self.imports, self.names = binding, imports, names
        self.depth = 0

    def generic_visit(self, node: ast.AST) -> ast.AST:
        allowed = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp)
        marks = (ast.keyword, ast.expr_context, ast.unaryop)
        if not isinstance(node, allowed + marks):
            raise _NotPlain
        return super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A local name is its value; an imported class and a plain builtin are themselves."""
        if node.id in self.binding and self.depth < 5:
            self.depth += 1
            made: ast.AST = self.visit(copy.deepcopy(self.binding[node.id]))
            self.depth -= 1
            return made
        if node.id in PLAIN_FUNCTIONS and node.id not in self.imports:
            return node
        return self._imported(node.id, "")

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """A lambda that only calculates with what it is given."""
        if not is_small_lambda(node):
            raise _NotPlain
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """module.Class and Enum.MEMBER."""
        if not isinstance(node.value, ast.Name) or node.attr.startswith("_"):
            raise _NotPlain
        module, attribute = self.imports.get(node.value.id, ("", ""))
        if module and not attribute:
            return self._imported(node.value.id, node.attr)
        return ast.Attribute(self._imported(node.value.id, ""), node.attr, ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Only classes are called, and a few builtins that make values."""
        name = getattr(node.func, "id", "")
        function: Any = node.func
        if name not in _BUILTIN_CALLS:
            function = self.visit(node.func)
            if isinstance(function, ast.Attribute):  # Class.make() is a call of anything
                raise _NotPlain
        arguments = [self.visit(a) for a in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords if k.arg]
        return ast.Call(function, arguments, keywords)

    def _imported(self, name: str, member: str) -> ast.expr:
        module, attribute = self.imports.get(name, ("", ""))
        word = member or attribute
        if not module or not word:
            raise _NotPlain
        standard = (word,) if module in PURE_MODULES else STANDARD_CLASSES.get(module)
        if (standard is not None and word not in standard) or (
            not word[:1].isupper() and not standard
        ):
            raise _NotPlain
        if self.names.setdefault(word, module) != module:
            raise _NotPlain
        return ast.Name(word, ast.Load())
