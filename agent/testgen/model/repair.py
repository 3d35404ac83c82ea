"""Mend a drafted test module without asking again.

Up to a third of a large model's failing tests fail for reasons that need no model: a wrong or
missing import, a copied function, a wrong literal in one assert (research/a1, YATE).
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from copydesk.agent.testgen.model.assertion_checks import (
    asserts_result,
    asserts_something,
    replaces,
    uses,
)
from copydesk.agent.testgen.project import (
    WELL_KNOWN,
    absolute_imports,
    defined_names,
    free_names,
    parse,
    source_roots,
)
from copydesk.agent.text import one_line

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINES = (*_FUNCTIONS, ast.ClassDef)
_Import: TypeAlias = ast.Import | ast.ImportFrom
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__"}


@dataclass(frozen=True, slots=True)
class Aim:
    """What a draft is about: the module it must import and that module's text."""

    module: str
    function: str
    source: str
    tree: Path | None = None


@dataclass(frozen=True, slots=True)
class Repaired:
    """A module that can be tried, the names of its tests, and what was mended."""

    content: str
    tests: tuple[str, ...]
    notes: tuple[str, ...] = ()


def repair(code: str, aim: Aim) -> Repaired | None:
    """Make a test module of what a model wrote.

    Adds missing imports, corrects the module path, leaves out the main block and every other
    statement that would run on import, copies of the target's own code, and tests that assert
    nothing, do not name the target, put something else in its place or use a name nobody
    defines. The tests of a class become functions.

    Args:
        code: Python that parses.
        aim: The target.

    Returns:
        None when no test is left.
    """
    tree = parse(code)
    if tree is None:
        return None
    module = _RepairedModule(aim, code.split("\n"))
    for statement in tree.body:
        module.take(statement)
    return module.finish()


class _Imports:
    """The imports of a draft, mended, and where a name that it uses can come from.

    Args:
        aim: The target.

    Attributes:
        statements: An import statement for each name that the draft imports.
        offered: The names that the target's module defines.
        notes: What was mended.
    """

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self.statements: dict[str, str] = {}
        self.notes: list[str] = []
        module = parse(aim.source)
        body = module.body if module else []
        self.offered: set[str] = set()
        for statement in body:
            self.offered |= defined_names(statement)
        self._imported_by_target = absolute_imports(body, aim.module)

    def mended(self, statement: _Import) -> dict[str, str]:
        """The imports of a statement one by one, from the places where they can succeed."""
        if isinstance(statement, ast.Import):
            return dict(self._mended_module(alias) for alias in statement.names)
        if statement.module == "__future__":
            return {"__future__": ast.unparse(statement)}
        is_wrong = self._is_wrong(statement)
        module = self.aim.module if is_wrong else statement.module
        mended = {}
        for alias in statement.names:
            if alias.name == "*":
                continue  # what it meant to bring is found by name
            if is_wrong and alias.name not in self.offered:
                continue
            if is_wrong:
                self.notes.append(f"imported {alias.name} from {module}")
            mended[alias.asname or alias.name] = f"from {module} import {_with_asname(alias)}"
        return mended

    def _is_wrong(self, statement: ast.ImportFrom) -> bool:
        """Whether an import cannot succeed, and the target's module has what it asks for."""
        if statement.level or not statement.module:
            return True
        if statement.module == self.aim.module or self._exists(statement.module):
            return False
        return any(alias.name in self.offered or alias.name == "*" for alias in statement.names)

    def _mended_module(self, alias: ast.alias) -> tuple[str, str]:
        bound = alias.asname or alias.name.partition(".")[0]
        last = self.aim.module.rpartition(".")[2]
        if alias.name in (last, f"your_{last}", "your_module") and not self._exists(alias.name):
            self.notes.append(f"imported {self.aim.module}")
            return bound, f"import {self.aim.module} as {bound}"
        return bound, f"import {_with_asname(alias)}"

    def _exists(self, module: str) -> bool:
        """Whether a module is the standard library's or has a file in the tree."""
        if module.partition(".")[0] in sys.stdlib_module_names or module == self.aim.module:
            return True
        if self.aim.tree is None:
            return False
        parts = module.split(".")
        for root in source_roots(self.aim.tree):
            path = (self.aim.tree / root).joinpath(*parts)
            if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
                return True
        return False

    def provider(self, name: str) -> str:
        """The statement that imports a name, or ""."""
        if name in self.statements:
            return self.statements[name]
        if name in self.offered:
            return f"from {self.aim.module} import {name}"
        statement = self._imported_by_target.get(name) or WELL_KNOWN.get(name, "")
        if not statement and name in sys.stdlib_module_names:
            return f"import {name}"
        return statement

    def names_of_target(self) -> set[str]:
        """The names by which the draft may call the target: its own, its module's, its classes'."""
        names = {*self.aim.function.split("."), *self.aim.module.split("."), *self.offered}
        for bound, statement in self.statements.items():
            if self.aim.module in statement:
                names.add(bound)
        return names


def _with_asname(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


class _Definition(NamedTuple):
    """A statement of a draft, and its text."""

    text: str
    node: ast.stmt


class _RepairedModule:
    """A module in the making: what was kept of a draft so far.

    Args:
        aim: The target.
        lines: The lines of the draft.
    """

    def __init__(self, aim: Aim, lines: list[str]) -> None:
        self.aim = aim
        self.lines = lines
        self.imports = _Imports(aim)
        self.helpers: dict[str, _Definition] = {}
        self.tests: dict[str, _Definition] = {}

    def take(self, statement: ast.stmt) -> None:
        """Keep one top-level statement, in the form that helps, or leave it out."""
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.imports.statements |= self.imports.mended(statement)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) if name.startswith("test"):
                self._take_test(name, _Definition(self._text(statement), statement))
            case ast.ClassDef(name) if name.startswith("Test"):
                self._take_class(statement)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                self._take_helper(name, statement)
            case ast.Assign() | ast.AnnAssign():
                names = defined_names(statement)
                if not names & self.imports.offered:
                    definition = _Definition(self._text(statement), statement)
                    self.helpers[min(names, default="")] = definition

    def _take_test(self, name: str, test: _Definition) -> None:
        if not asserts_something(test.node):
            self._leave_out(name, "it asserts nothing")
        elif replaces(test.node, self.aim.function, self.aim.module):
            self._leave_out(name, f"it replaces {self.aim.function}")
        else:
            self.tests[name] = test

    def _take_class(self, node: ast.ClassDef) -> None:
        """Turn the test methods of a class into functions; those that use self stay out."""
        for method in node.body:
            if not isinstance(method, _FUNCTIONS) or not method.name.startswith("test"):
                continue
            if any(isinstance(n, ast.Name) and n.id == "self" for n in ast.walk(method)):
                self._leave_out(method.name, "it needs its class")
                continue
            method.args.args = [arg for arg in method.args.args if arg.arg != "self"]
            self._take_test(method.name, _Definition(ast.unparse(method), method))

    def _take_helper(self, name: str, node: ast.stmt) -> None:
        if name in self.imports.offered:
            self._note(f"left out a copy of {name}")
        elif replaces(node, self.aim.function, self.aim.module):
            self._leave_out(name, f"it replaces {self.aim.function}")
        else:
            self.helpers[name] = _Definition(self._text(node), node)

    def _text(self, node: ast.stmt) -> str:
        """The statement as it was written, with the imports inside it mended."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        lines = self.lines[first - 1 : node.end_lineno or node.lineno]
        if len(lines) == 1 and node.col_offset:  # it shares its line with another one
            return ast.unparse(node)
        imports = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
        for statement in sorted(imports, key=lambda n: n.lineno, reverse=True):
            self._mend_inside(lines, statement, first)
        return "\n".join(lines)

    def _mend_inside(self, lines: list[str], statement: _Import, first: int) -> None:
        """Mend an import among the lines of a statement that begins at line `first`."""
        mended = sorted(set(self.imports.mended(statement).values()))
        indent = " " * statement.col_offset
        keyword = "from " if isinstance(statement, ast.ImportFrom) else "import "
        index = statement.lineno - first
        if lines[index].startswith(indent + keyword):
            end = (statement.end_lineno or statement.lineno) - first + 1
            lines[index:end] = [indent + line for line in mended or ["pass"]]

    def finish(self) -> Repaired | None:
        """Resolve the names that are used, drop the tests that cannot run, and put it together."""
        needed: dict[str, str] = {}
        for name, test in list(self.tests.items()):
            reason = self._reason_to_drop(test, needed)
            if reason:
                del self.tests[name]
                self._leave_out(name, reason)
        if not self.tests:
            return None
        helpers = self._used_helpers()
        for helper in helpers:
            self._resolve(helper.node, needed)
        future = self.imports.statements.get("__future__")
        texts = [_import_lines(needed, future)]
        texts += [definition.text for definition in (*helpers, *self.tests.values())]
        content = "\n\n\n".join(text for text in texts if text) + "\n"
        if parse(content) is None:
            return None
        notes = [*dict.fromkeys(map(one_line, self.imports.notes))]
        return Repaired(content, tuple(self.tests), tuple(notes))

    def _reason_to_drop(self, test: _Definition, needed: dict[str, str]) -> str:
        """Why a test is of no use, or ""; the imports that it needs are added to `needed`."""
        if not self._names_target(test.node):
            return f"it does not name {self.aim.function}"
        if not asserts_result(test.node, self._sources()):
            return "it asserts nothing about what the call gives"
        missing = self._resolve(test.node, needed)
        return f"nobody defines {', '.join(sorted(missing))}" if missing else ""

    def _names_target(self, node: ast.stmt) -> bool:
        """Whether a test, or a helper it could use, names the function or its class."""
        words = self.aim.function.split(".")
        nodes = [node, *(helper.node for helper in self.helpers.values())]
        return any(_names(part, words) for statement in nodes for part in ast.walk(statement))

    def _sources(self) -> set[str]:
        """The names that stand for the tested code in a test: its own, its module's, helpers'."""
        names = self.imports.names_of_target()
        before = -1
        while before != len(names):  # a helper that calls a helper that calls it
            before = len(names)
            for name, helper in self.helpers.items():
                if isinstance(helper.node, _DEFINES) and uses(helper.node, names):
                    names.add(name)
        return names

    def _resolve(self, node: ast.stmt, needed: dict[str, str]) -> set[str]:
        """Add the imports a statement needs; the names that nothing provides come back."""
        missing: set[str] = set()
        providers: dict[str, str] = {}
        for name in free_names(node) - set(self.helpers) - _BUILTINS:
            statement = self.imports.provider(name)
            if statement:
                providers[name] = statement
            else:
                missing.add(name)
        if not missing:
            needed.update(providers)
        return missing

    def _used_helpers(self) -> list[_Definition]:
        """The helpers the kept tests lean on, directly or not, in their first order."""
        used: set[str] = set()
        nodes = [test.node for test in self.tests.values()]
        while nodes:
            node = nodes.pop()
            names = free_names(node) | _arguments(node)
            for name in (names & set(self.helpers)) - used:
                used.add(name)
                nodes.append(self.helpers[name].node)
        return [helper for name, helper in self.helpers.items() if name in used]

    def _leave_out(self, name: str, why: str) -> None:
        self._note(f"left out {name}: {why}")

    def _note(self, text: str) -> None:
        self.imports.notes.append(text)


def _names(part: ast.AST, words: Collection[str]) -> bool:
    """Whether a node reads, asks for or imports one of some names."""
    match part:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name in words
        case ast.ImportFrom(names=aliases):
            return any(alias.name in words for alias in aliases)
    return False


def _arguments(node: ast.AST) -> set[str]:
    """The names of the arguments of a function, and of those inside it."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.arguments):
            names.update(argument.arg for argument in part.args)
    return names


def _import_lines(needed: dict[str, str], future: str | None) -> str:
    lines = sorted(set(needed.values()))
    return "\n".join([future, "", *lines] if future else lines)
