"""Calls of a function that somebody already wrote: in doctests, in production, in tests."""

from __future__ import annotations

import ast
import copy
import os
import tokenize
from collections.abc import Iterator
from typing import Any, Dict, List, NamedTuple, Tuple

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
MAX_TEXT = 600
MAX_NAMES = 5
"""Local names that stand for others."""
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox"}
_BUILTIN_CALLS = {"float", "set", "frozenset", "range", "bytes", "bytearray", "complex", "dict"}
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Bindings = Dict[str, ast.expr]
"""Local name -> the expression that it was given."""
Imports = Dict[str, Tuple[str, str]]
"""Local name -> (module, attribute); the attribute is empty for an imported module."""


class Site(NamedTuple):
    """The arguments of one call that stands somewhere in the project."""

    arguments: Tuple[Expression, ...]
    keywords: Tuple[Tuple[str, Expression], ...]
    origin: str
    receiver: Expression | None = None


class Callee(NamedTuple):
    """The function whose calls are looked for; calls of any object where it has an owner."""

    function: str
    owner: str

    def is_called_by(self, node: ast.AST) -> bool:
        """Whether a node is a call by the function's name."""
        called = getattr(node, "func", None)
        return self.function in (getattr(called, "id", None), getattr(called, "attr", None))


class Context(NamedTuple):
    """What names mean where a call stands: what is imported, and each way they are bound."""

    imports: Imports
    bindings: List[Bindings]
    origin: str


def find_sites(top: str, tree: ast.Module, function: str, owner: str = "") -> List[Site]:
    """Calls by name with arguments that can be written down again.

    Args:
        top: The folder of the project.
        tree: The module of the function; its doctests come first.
        function: The function's own name, or the class's for constructor calls.
        owner: The class of a method; calls of a local object made from it are taken then.
    """
    callee = Callee(function, owner)
    imports = _imports(tree)
    sites: List[Site] = []
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            sites += _from_doctest(ast.get_docstring(node) or "", callee, imports)
    for path in _files(top):
        text = _read(path)
        if f"{function}(" not in text:
            continue
        if path.endswith(".py"):
            sites += _from_module(text, callee, _origin(path))
        else:
            sites += _from_doctest(text, callee, imports)
    return list(dict.fromkeys(sites))[:MAX_SITES]


def _files(top: str) -> List[str]:
    """The paths of the project's sources and documents, in order."""
    paths: List[str] = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(filter(_is_source_folder, folders))
        sources = [name for name in sorted(names) if name.endswith((".py", ".md", ".rst"))]
        paths += [os.path.join(folder, name) for name in sources]
        if len(paths) > MAX_FILES:
            break
    return paths[:MAX_FILES]


def _is_source_folder(name: str) -> bool:
    return name not in _SKIPPED and not name.endswith(".egg-info")


def _read(path: str) -> str:
    try:
        if os.path.getsize(path) > MAX_FILE:
            return ""
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeError):
        return ""


def _origin(path: str) -> str:
    name = os.path.basename(path)
    is_test = name.startswith("test_") or name.endswith("_test.py")
    return "test" if is_test else "production"


def _from_doctest(text: str, callee: Callee, imports: Imports) -> List[Site]:
    """The calls in the examples of a text; what one example binds, the next ones know."""
    if ">>>" not in text:
        return []
    import doctest  # it brings unittest and pdb, a sixth of the start of a search

    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return []
    local: Bindings = {}
    sites: List[Site] = []
    for example in examples:
        try:
            parsed = ast.parse(example.source)
        except SyntaxError:
            continue
        imports = {**imports, **_imports(parsed)}
        local.update(_assigned(parsed.body))
        sites += _calls(parsed, callee, Context(imports, [local], "doctest"))
    return sites


def _from_module(text: str, callee: Callee, origin: str) -> List[Site]:
    """The calls in the functions of a module, then those outside of them."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    imports = _imports(tree)
    shared = _assigned(tree.body)
    sites: List[Site] = []
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            local = {**shared, **_assigned(node.body)}
            bindings = [{**local, **row} for row in _parametrized(node)]
            sites += _calls(node, callee, Context(imports, bindings or [local], origin))
    loose = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    context = Context(imports, [shared], origin)
    return [*sites, *_calls(ast.Module(loose, []), callee, context)]


def _imports(tree: ast.AST) -> Imports:
    imports: Imports = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                imports[alias.asname or alias.name] = (node.module, alias.name)
    return imports


def _assigned(body: List[ast.stmt]) -> Bindings:
    """name = <expression> statements of a body, the last one of each name."""
    bindings: Bindings = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                bindings[target.id] = statement.value
    return bindings


def _parametrized(node: Any) -> List[Bindings]:
    """The rows of pytest.mark.parametrize decorators as name -> expression."""
    rows: List[Bindings] = []
    for decorator in node.decorator_list:
        more_rows = _rows_of(decorator)
        if more_rows and rows:
            combined = [{**row, **more} for row in rows[:8] for more in more_rows]
            rows = combined[: 2 * MAX_ROWS]
        elif more_rows:
            rows = more_rows
    return rows


def _rows_of(decorator: ast.expr) -> List[Bindings]:
    """The rows of one decorator; none of another than parametrize."""
    if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
        return []
    if getattr(decorator.func, "attr", "") != "parametrize":
        return []
    names = _argument_names(decorator.args[0])
    rows = []
    for value in getattr(decorator.args[1], "elts", [])[:MAX_ROWS]:
        items = _row_items(value, len(names))
        if len(items) == len(names):
            rows.append(dict(zip(names, items)))
    return rows


def _row_items(value: ast.expr, count: int) -> List[ast.expr]:
    """The values of one row: of pytest.param(...), of a tuple, or the value alone."""
    if isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "param":
        return value.args
    return [value] if count == 1 else getattr(value, "elts", [])


def _argument_names(node: ast.expr) -> List[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [word.strip() for word in node.value.split(",") if word.strip()]
    return [str(item.value) for item in getattr(node, "elts", []) if isinstance(item, ast.Constant)]


def _calls(root: ast.AST, callee: Callee, context: Context) -> Iterator[Site]:
    for node in ast.walk(root):
        if isinstance(node, ast.Call) and callee.is_called_by(node):
            for binding in context.bindings:
                site = _site(node, callee.owner, binding, context)
                if site is not None:
                    yield site


def _site(node: ast.Call, owner: str, binding: Bindings, context: Context) -> Site | None:
    """A call with its arguments written down; None where that cannot be done."""
    receiver = None
    if owner:
        if not isinstance(node.func, ast.Attribute):
            return None
        receiver = expression_of(node.func.value, binding, context.imports)
    arguments = []
    for argument in node.args:
        written = expression_of(argument, binding, context.imports)
        if written is None:
            return None
        arguments.append(written)
    keywords = []
    for keyword in node.keywords:
        written = expression_of(keyword.value, binding, context.imports)
        if written is None or not keyword.arg:
            return None
        keywords.append((keyword.arg, written))
    return Site(tuple(arguments), tuple(keywords), context.origin, receiver)


def expression_of(node: ast.expr, binding: Bindings, imports: Imports) -> Expression | None:
    """An expression with its names resolved, or None when it is more than values and classes."""
    names: Dict[str, str] = {}
    try:
        plain = _Plain(binding, imports, names).visit(copy.deepcopy(node))
        text = ast.unparse(ast.fix_missing_locations(plain))
    except (_NotPlain, RecursionError):
        return None
    return Expression(text, tuple(sorted(names.items()))) if len(text) <= MAX_TEXT else None


class _NotPlain(Exception):
    """The expression holds something that cannot be written into a test."""


class _Plain(ast.NodeTransformer):
    """Replace local names by what they were bound to, and refuse everything else."""

    def __init__(self, binding: Bindings, imports: Imports, names: Dict[str, str]) -> None:
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
        if node.id in self.binding and self.depth < MAX_NAMES:
            self.depth += 1
            value: ast.AST = self.visit(copy.deepcopy(self.binding[node.id]))
            self.depth -= 1
            return value
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
