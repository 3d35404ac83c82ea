"""Mend a drafted test module without asking again.

Up to a third of a large model's failing tests fail for reasons that need no model: a wrong or
missing import, a copied function, a wrong literal in one assert (research/a1, YATE).
"""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass
from pathlib import Path

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
    work = _Work(aim, code.split("\n"))
    for statement in tree.body:
        work.take(statement)
    return work.finish()


class _Work:
    """One repair in progress: what was kept so far."""

    def __init__(self, aim: Aim, lines: list[str]) -> None:
        self.aim = aim
        self.lines = lines
        self.imports: dict[str, str] = {}  # bound name -> statement
        self.helpers: dict[str, tuple[str, ast.stmt]] = {}
        self.tests: dict[str, tuple[str, ast.stmt]] = {}
        self.notes: list[str] = []
        module = parse(aim.source)
        body = module.body if module else []
        self.offered = {name for statement in body for name in defined_names(statement)}
        self.imported = absolute_imports(body, aim.module)

    def take(self, statement: ast.stmt) -> None:
        """Keep one top-level statement, in the form that helps, or leave it out."""
        match statement:
            case ast.Import() | ast.ImportFrom():
                self.imports |= self._mended(statement)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) if name.startswith("test"):
                self._take_test(name, statement, self._text(statement))
            case ast.ClassDef(name) if name.startswith("Test"):
                self._take_class(statement)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                if name in self.offered:
                    self._note(f"left out a copy of {name}")
                elif replaces(statement, self.aim.function, self.aim.module):
                    self._note(f"left out {name}: it replaces {self.aim.function}")
                else:
                    self.helpers[name] = self._text(statement), statement
            case ast.Assign() | ast.AnnAssign():
                names = defined_names(statement)
                if not names & self.offered:
                    self.helpers[min(names, default="")] = self._text(statement), statement

    def _take_test(self, name: str, node: ast.stmt, text: str) -> None:
        if not asserts_something(node):
            self._note(f"left out {name}: it asserts nothing")
        elif replaces(node, self.aim.function, self.aim.module):
            self._note(f"left out {name}: it replaces {self.aim.function}")
        else:
            self.tests[name] = text, node

    def _take_class(self, node: ast.ClassDef) -> None:
        """Turn the test methods of a class into functions; those that use self stay out."""
        for method in node.body:
            if isinstance(method, _FUNCTIONS) and method.name.startswith("test"):
                used = {n.id for n in ast.walk(method) if isinstance(n, ast.Name)}
                if "self" in used:
                    self._note(f"left out {method.name}: it needs its class")
                    continue
                method.args.args = [a for a in method.args.args if a.arg != "self"]
                self._take_test(method.name, method, ast.unparse(method))

    def _text(self, node: ast.stmt) -> str:
        """The statement as it was written, with the imports inside it mended."""
        decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
        first, last = min([node.lineno, *decorators]), node.end_lineno or node.lineno
        lines = self.lines[first - 1 : last]
        if len(lines) == 1 and node.col_offset:  # it shares its line with another one
            return ast.unparse(node)
        inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
        for found in sorted(inner, key=lambda n: n.lineno, reverse=True):
            mended = sorted(set(self._mended(found).values()))
            indent = " " * found.col_offset
            end = (found.end_lineno or found.lineno) - first + 1
            if lines[found.lineno - first].startswith(
                indent + ("import ", "from ")[_is_from(found)]
            ):
                lines[found.lineno - first : end] = [indent + m for m in mended or ["pass"]]
        return "\n".join(lines)

    def _mended(self, statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
        """The imports of a statement one by one, from the places where they can succeed."""
        if isinstance(statement, ast.Import):
            return dict(self._mended_module(alias) for alias in statement.names)
        if statement.module == "__future__":
            return {"__future__": ast.unparse(statement)}
        out = {}
        module, wrong = statement.module or "", self._is_wrong(statement)
        for alias in statement.names:
            bound, renamed = alias.asname or alias.name, f" as {alias.asname}" * bool(alias.asname)
            if alias.name == "*":
                continue  # what it meant to bring is found by name
            if not wrong:
                out[bound] = f"from {module} import {alias.name}{renamed}"
            elif alias.name in self.offered:
                out[bound] = f"from {self.aim.module} import {alias.name}{renamed}"
                self._note(f"imported {alias.name} from {self.aim.module}")
        return out

    def _is_wrong(self, statement: ast.ImportFrom) -> bool:
        if statement.level or not statement.module:
            return True
        if statement.module == self.aim.module or self._exists(statement.module):
            return False
        return any(a.name in self.offered or a.name == "*" for a in statement.names)

    def _mended_module(self, alias: ast.alias) -> tuple[str, str]:
        bound = alias.asname or alias.name.partition(".")[0]
        last = self.aim.module.rpartition(".")[2]
        if alias.name in (last, f"your_{last}", "your_module") and not self._exists(alias.name):
            self._note(f"imported {self.aim.module}")
            return bound, f"import {self.aim.module} as {bound}"
        return bound, f"import {alias.name}" + f" as {alias.asname}" * bool(alias.asname)

    def _exists(self, module: str) -> bool:
        """Whether a module is the standard library's or has a file in the tree."""
        if module.partition(".")[0] in sys.stdlib_module_names or module == self.aim.module:
            return True
        if self.aim.tree is None:
            return False
        folders = [self.aim.tree / root for root in source_roots(self.aim.tree)]
        parts = module.split(".")
        return any(
            folder.joinpath(*parts).with_suffix(".py").is_file()
            or folder.joinpath(*parts, "__init__.py").is_file()
            for folder in folders
        )

    def finish(self) -> Repaired | None:
        """Resolve the names that are used, drop the tests that cannot run, and put it together."""
        bound = set(self.helpers)
        needed: dict[str, str] = {}
        for name, (_, node) in list(self.tests.items()):
            if not self._is_about_target(node):
                del self.tests[name]
                self._note(f"left out {name}: it does not name {self.aim.function}")
            elif not asserts_result(node, self._sources()):
                del self.tests[name]
                self._note(f"left out {name}: it asserts nothing about what the call gives")
            elif missing := self._resolve(node, bound, needed):
                del self.tests[name]
                self._note(f"left out {name}: nobody defines {', '.join(sorted(missing))}")
        if not self.tests:
            return None
        helpers = self._used_helpers()
        for name in helpers:
            self._resolve(self.helpers[name][1], bound, needed)
        texts = [self.helpers[name][0] for name in helpers]
        texts += [text for text, _ in self.tests.values()]
        head = _import_lines(needed, self.imports.get("__future__"))
        content = "\n\n\n".join(part for part in (head, *texts) if part) + "\n"
        if parse(content) is None:
            return None
        return Repaired(content, tuple(self.tests), tuple(dict.fromkeys(self.notes)))

    def _is_about_target(self, node: ast.stmt) -> bool:
        """Whether a test, or a helper it could use, names the function or its class."""
        nodes = [node, *(helper for _, helper in self.helpers.values())]
        parts = [part for whole in nodes for part in ast.walk(whole)]
        said = {n.id for n in parts if isinstance(n, ast.Name)}
        said |= {n.attr for n in parts if isinstance(n, ast.Attribute)}
        said |= {a.name for n in parts if isinstance(n, ast.ImportFrom) for a in n.names}
        return not said.isdisjoint(self.aim.function.split("."))

    def _sources(self) -> set[str]:
        """The names that stand for the tested code in a test: its own, its module's, helpers'."""
        named = {*self.aim.function.split("."), *self.aim.module.split("."), *self.offered}
        named |= {bound for bound, text in self.imports.items() if self.aim.module in text}
        before = -1
        while before != len(named):  # a helper that calls a helper that calls it
            before = len(named)
            for name, (_, node) in self.helpers.items():
                if isinstance(node, _DEFINES) and uses(node, named):
                    named.add(name)
        return named

    def _resolve(self, node: ast.stmt, bound: set[str], needed: dict[str, str]) -> set[str]:
        """Add the imports a statement needs; the names that nothing provides come back."""
        missing = set()
        found = {}
        for name in free_names(node) - bound - _BUILTINS:
            statement = self._provider(name)
            if statement:
                found[name] = statement
            else:
                missing.add(name)
        if not missing:
            needed.update(found)
        return missing

    def _provider(self, name: str) -> str:
        if name in self.imports:
            return self.imports[name]
        if name in self.offered:
            return f"from {self.aim.module} import {name}"
        known = self.imported.get(name) or WELL_KNOWN.get(name, "")
        return known or (f"import {name}" if name in sys.stdlib_module_names else "")

    def _used_helpers(self) -> list[str]:
        """The helpers the kept tests lean on, directly or not, in their first order."""
        wanted: set[str] = set()
        nodes = [node for _, node in self.tests.values()]
        while nodes:
            node = nodes.pop()
            arguments = {
                a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in n.args
            }
            for name in (free_names(node) | arguments) & set(self.helpers) - wanted:
                wanted.add(name)
                nodes.append(self.helpers[name][1])
        return [name for name in self.helpers if name in wanted]

    def _note(self, text: str) -> None:
        self.notes.append(one_line(text))


def _is_from(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom)


def _import_lines(needed: dict[str, str], future: str | None) -> str:
    lines = sorted(set(needed.values()))
    return "\n".join(([future, ""] if future else []) + lines)
