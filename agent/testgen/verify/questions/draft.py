"""A draft as the checks look at it."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeGuard

from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import names_bound_by
from copydesk.agent.testgen.verify.questions.bindings import Bindings, package_of
from copydesk.agent.testgen.verify.questions.modules import (
    ThingResolver,
    Things,
    is_library_module,
)
from copydesk.agent.testgen.verify.questions.tables import FINDERS_OF_FILES
from copydesk.agent.testgen.verify.questions.texts import PROJECTS, Texts

Known = Callable[[str], bool]
"""Whether a package outside of the standard library is the project's own, or used by it."""

_MOST_CODE_IN_TEXTS = 200
_READ_DOCS = frozenset({"__doc__", "getdoc", "help", "get_docstring"})


class Draft:
    """A draft, with what its names stand for.

    Code that stands in texts of the draft (doctests, annotations, what eval is given) is looked
    at as if it stood at the end of the module.

    Args:
        tree: The draft.
        target: The path of the file under test.
        is_known: Whether the project has or uses a package.
        listens: Whether what it makes up is looked at while it runs.

    Attributes:
        nodes: All that a test run may reach.
        starts_known: Whether it starts known programs only; None before that was looked at.
    """

    def __init__(
        self, tree: ast.Module, target: str, is_known: Known, *, listens: bool = False
    ) -> None:
        self.target = PurePosixPath(target)
        self.is_known = is_known
        self._listened_to = set(map(id, ast.walk(tree))) if listens else set()
        self.tree = _with_code_in_texts(tree)
        self.bindings = Bindings(self.tree)
        self.resolver = ThingResolver(self.tree, self.bindings)
        self.nodes = list(_reachable(self.tree))
        self.starts_known: bool | None = None

    @cached_property
    def attributes(self) -> dict[str, list[ast.Attribute]]:
        """All that is taken by a dot, by its name."""
        attributes: dict[str, list[ast.Attribute]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Attribute):
                attributes.setdefault(node.attr, []).append(node)
        return attributes

    def is_listened_to(self, call: ast.AST, function: str = "") -> bool:
        """Whether what a call is given is looked at as it runs: it stands in the draft itself, not
        in a text of it, and calls what it says.

        Args:
            call: The call.
            function: The built-in function that it calls, or "" for a method.
        """
        return id(call) in self._listened_to and function not in self._names_bound

    @cached_property
    def _names_bound(self) -> set[str]:
        return {name for node in ast.walk(self.tree) for name in names_bound_by(node)}

    @cached_property
    def used(self) -> Things:
        """All imported things that the draft uses."""
        every = (self.things(n) for n in self.nodes if isinstance(n, ast.Name | ast.Attribute))
        return frozenset().union(*every)

    @property
    def finds_files(self) -> bool:
        """Whether it looks for files that it does not name."""
        return not FINDERS_OF_FILES.isdisjoint(self.attributes)

    @cached_property
    def changes_path(self) -> bool:
        """Whether it may change where programs are found."""
        return any(isinstance(node, ast.Constant) and node.value == "PATH" for node in self.nodes)

    @cached_property
    def reads_docs(self) -> bool:
        """Whether it may read the texts that functions and classes are documented with."""
        return any(
            getattr(node, "attr", getattr(node, "id", getattr(node, "value", ""))) in _READ_DOCS
            for node in self.nodes
            if isinstance(node, ast.Attribute | ast.Name)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        )

    @cached_property
    def starts_children(self) -> bool:
        """Whether it may start processes that hand their errors back."""
        return any(
            thing.startswith("multiprocessing.") or thing.endswith("ProcessPoolExecutor")
            for thing in self.used
        )

    def uses_of(self, module: str) -> list[ast.expr] | None:
        """Where a module that is imported by a plain `import` of its own name is used; None where
        it is imported otherwise, or what may be it is not followed.
        """
        if any(_imports_otherwise(node, module) for node in self.nodes) or "." in module:
            return None
        names = (n for n in self.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        uses: list[ast.expr] = [node for node in names if module in self.things(node)]
        others = any(getattr(node, "id", "") != module for node in uses)
        return None if others or self._spells(module) else uses

    def _spells(self, text: str) -> bool:
        return any(isinstance(n, ast.Constant) and n.value == text for n in self.nodes)

    def parent(self, node: ast.AST) -> ast.AST:
        """The node that a node stands in."""
        return self.bindings.parents.get(id(node), self.tree)

    def things(self, node: ast.expr) -> Things:
        """What an expression may be, of what was imported; see ThingResolver."""
        return self.resolver.things(node)

    def is_module(self, node: ast.expr) -> bool:
        """Whether an expression may be a module that was imported."""
        return any(
            thing in self._modules or is_library_module(thing) for thing in self.things(node)
        )

    def is_library(self, node: ast.expr) -> bool:
        """Whether an expression may be a module of the standard library."""
        return any(is_library_module(thing) for thing in self.things(node))

    @cached_property
    def _modules(self) -> set[str]:
        aliases = (a for n in self.nodes if isinstance(n, ast.Import) for a in n.names)
        return {name for alias in aliases for name in (alias.name, package_of(alias.name))}

    def texts(self, node: ast.expr) -> Texts:
        """The texts that an expression may be; None where some of them are made up."""
        return self.resolver.texts.texts(node)

    def spelled(self, node: ast.expr) -> set[str]:
        """The texts that an expression may be, as far as they are spelled out in the draft."""
        return set(self.texts(node) or ()) - {PROJECTS}


def _imports_otherwise(node: ast.AST, module: str) -> bool:
    """Whether a module is imported under another name, or a part of it."""
    match node:
        case ast.ImportFrom(module=str(name)):
            return name.startswith(module)
        case ast.Import(aliases):
            parts = [alias for alias in aliases if alias.name.startswith(module)]
            return any(alias.asname or alias.name != module for alias in parts)
    return False


def last_name(node: ast.expr) -> str:
    """The name of a function that is called: f of f() and of x.f()."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _with_code_in_texts(tree: ast.Module) -> ast.Module:
    code: list[ast.stmt] = []
    for node in ast.walk(tree):
        for text, mode in _code_texts(node):
            if len(code) < _MOST_CODE_IN_TEXTS:
                code += _parse(text, mode)
    return ast.Module([*tree.body, *code], [])


def _code_texts(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The texts below a node that Python or a library may run as code."""
    match node:
        case ast.Constant(str(text)) if ">>>" in text:
            yield _examples(text), "exec"
        case ast.arg(annotation=ast.expr() as note) | ast.AnnAssign(annotation=note):
            yield from _annotations(note)
        case ast.FunctionDef(returns=ast.expr() as note):
            yield from _annotations(note)
        case ast.Call(ast.Name("eval" | "exec" as name), [ast.Constant(str(text)), *_]):
            yield text.strip(), name


def _annotations(note: ast.expr) -> Iterator[tuple[str, str]]:
    for node in ast.walk(note):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.strip(), "eval"


def _examples(text: str) -> str:
    """The code of the doctests in a text."""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return ""
    return "".join(example.source for example in examples)


def _parse(text: str, mode: str) -> list[ast.stmt]:
    """The statements of a text; none where it is no Python: then nothing can run it either."""
    try:
        return ast.parse(f"({text}\n)" if mode == "eval" else text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _reachable(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes, but of what runs only where the module is started as a program, or never."""
    only_typing = _means_type_checking(tree)
    renamed = any(_binds_its_name(node) for node in ast.walk(tree))
    for statement in tree.body:
        if not renamed and _is_main_guard(statement):
            continue
        if _is_for_type_checkers(statement) and only_typing:
            for other in statement.orelse:
                yield from ast.walk(other)
        else:
            yield from ast.walk(statement)


def _means_type_checking(tree: ast.Module) -> bool:
    """Whether TYPE_CHECKING is what typing has, and nobody writes to that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "typing" and not node.level:
            continue
        match node:
            case ast.Attribute(ast.Name("typing"), "TYPE_CHECKING", ast.Load()):
                pass
            case ast.Attribute(attr="TYPE_CHECKING") | ast.Constant("TYPE_CHECKING"):
                return False
            case ast.Import(aliases) | ast.ImportFrom(names=aliases):
                if any("TYPE_CHECKING" in (a.name, a.asname) for a in aliases):
                    return False
            case _:
                if "TYPE_CHECKING" in names_bound_by(node):
                    return False
    return True


def _is_for_type_checkers(node: ast.stmt) -> TypeGuard[ast.If]:
    names = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    return isinstance(node, ast.If) and ast.unparse(node.test) in names


def _binds_its_name(node: ast.AST) -> bool:
    """Whether a node may give the module another name."""
    match node:
        case ast.Name("__name__", ast.Store() | ast.Del()) | ast.alias(asname="__name__"):
            return True
        case ast.Constant("__name__") | ast.Global():
            return True
    return False


def _is_main_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or node.orelse:
        return False
    return ast.unparse(node.test) == "__name__ == '__main__'"
