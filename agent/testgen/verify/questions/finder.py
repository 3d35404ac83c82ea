"""Walks a draft and collects what to ask about."""

from __future__ import annotations

import ast
import sys
from pathlib import PurePosixPath

from copydesk.agent.testgen.verify.questions.bindings import (
    imported_as,
    is_text,
    names_of_literals,
    package_of,
)
from copydesk.agent.testgen.verify.questions.programs import Known, only_starts_a_module
from copydesk.agent.testgen.verify.questions.tables import (
    ALLOWED_LIBRARY,
    ALLOWED_OF,
    BUILT_IN,
    BY_NAME,
    ENVIRONMENT,
    FIXTURES,
    INSIDES,
    LONGEST_LITERAL_TO_UNPICKLE,
    OF_MODULES,
    PYTEST_INSIDES,
    SPELLED_OUT,
    TALKS_OF_INSIDES,
    TEST_PACKAGES,
    WATCHED_PACKAGES,
)


def questions(tree: ast.Module, target: str, is_known: Known) -> list[str]:
    """What a human has to allow by name.

    Args:
        tree: The draft.
        target: The path of the file under test.
        is_known: Whether a package outside of the standard library is the project's own or one
            that it uses.

    Returns:
        In words, sorted and without doubles; empty for most honest tests.
    """
    finder = _Finder(tree, target, is_known)
    finder.visit(tree)
    return sorted(finder.found)


def _is_file(text: str, target: PurePosixPath) -> bool:
    """Whether a text is the path of the file under test, or finds it."""
    if "\n" in text or not text.endswith((target.name, f"{target.stem}.pyc", "*.py")):
        return False
    rest = text[: -len(target.name)] if text.endswith(target.name) else "/"
    return not rest or rest.endswith(("/", "\\", "*"))


class _Finder(ast.NodeVisitor):
    """Walks a draft and collects what to ask about."""

    def __init__(self, tree: ast.Module, target: str, is_known: Known) -> None:
        self.found: set[str] = set()
        self.target = PurePosixPath(target)
        self.is_known = is_known
        self.modules = imported_as(tree)
        self.starts_project_only = only_starts_a_module(tree, is_known)
        self.unpickles = any(name == "pickle" for name in self.modules.values())
        self.literal = names_of_literals(tree)

    def ask(self, words: str) -> None:
        self.found.add(words)

    # -- imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name not in ALLOWED_OF:  # what is taken of those is looked at
                self.imported(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level:
            return
        module = node.module or ""
        if module in ALLOWED_OF:
            for alias in node.names:
                if alias.name not in ALLOWED_OF[module]:
                    self.ask(f"imports {module}.{alias.name}")
            return
        self.imported(module)
        refused = OF_MODULES.get(module, frozenset())
        for alias in node.names:
            if alias.name in refused or alias.name in INSIDES:
                self.ask(f"imports {module}.{alias.name}")
            elif alias.name == "*" and refused:
                self.ask(f"imports everything of {module}")

    def imported(self, module: str) -> None:
        package = package_of(module)
        if package == "subprocess" and self.starts_project_only:
            return
        if package in WATCHED_PACKAGES:
            self.ask(f"imports {module}")
        elif package in sys.stdlib_module_names:
            if package not in ALLOWED_LIBRARY:
                self.ask(f"imports {module}")
        elif package not in TEST_PACKAGES and not self.is_known(package):
            self.ask(f"imports {module}, which the project does not use")

    # -- names and attributes

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in BUILT_IN:
            self.ask(f"uses {node.id}")
        elif node.id in BY_NAME or self.modules.get(node.id) in ALLOWED_OF:
            self.ask(f"hands {node.id} on")
        elif node.id == "pytest_plugins":
            self.ask("loads plugins")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        module = self.module_of(node.value)
        if node.attr in INSIDES:
            self.ask(f"touches {node.attr}")
        elif node.attr in OF_MODULES.get(module, ()):
            self.ask(f"touches {module}.{node.attr}")
        elif node.attr in PYTEST_INSIDES:
            self.ask(f"touches {node.attr} of pytest")
        elif node.attr == "__file__" or (node.attr == "__dict__" and module):
            self.ask(f"touches {node.attr} of a module")
        elif node.attr == "traceback" and not module:
            self.ask("touches a traceback")
        elif module in ALLOWED_OF and node.attr not in ALLOWED_OF[module]:
            self.ask(f"touches {module}.{node.attr}")
        if module not in ALLOWED_OF:
            self.visit(node.value)

    def module_of(self, node: ast.expr) -> str:
        """The module that an expression names, or ""."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            outer = self.modules.get(node.value.id, "")
            full = f"{outer}.{node.attr}"
            return full if full in ALLOWED_OF else ""
        return ""

    # -- calls

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in BY_NAME:
            self.by_name(node, name)
        else:
            self.visit(node.func)
        if getattr(node.func, "attr", name) in ("attrgetter", "methodcaller"):
            self.by_name(node, "attrgetter", position=0)
        if getattr(node.func, "attr", name) == "import_module":
            self.import_module(node)
        if self.unpickles and getattr(node.func, "attr", name) in ("load", "loads"):
            self.unpickled(node)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def by_name(self, node: ast.Call, name: str, position: int = 1) -> None:
        """An attribute that is named by a value: the value has to be a literal."""
        words = node.args[position : position + 1] if position else node.args
        if any(isinstance(word, ast.Starred) for word in node.args):
            self.ask(f"uses {name} with a name that is made up")
        for word in words:
            if not is_text(word) and getattr(word, "id", "") not in self.literal:
                self.ask(f"uses {name} with a name that is made up")

    def import_module(self, node: ast.Call) -> None:
        """A module that is imported by its name: as in an import statement."""
        for word in node.args[:1]:
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                if not word.value.startswith("."):
                    self.imported(word.value)
            else:
                self.ask("imports a module whose name is made up")

    def unpickled(self, node: ast.Call) -> None:
        for word in node.args[:1]:
            if isinstance(word, ast.Constant):
                self.ask("unpickles a literal")

    # -- definitions and literals

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.defined(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.defined(node)

    def defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if argument.arg in FIXTURES:
                self.ask(f"uses the fixture {argument.arg}")
        if node.name.startswith("pytest_"):
            self.ask(f"defines the hook {node.name}")
        elif node.name in ("find_class", "persistent_load"):
            self.ask(f"defines {node.name}")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bytes):
            whole = len(node.value) > LONGEST_LITERAL_TO_UNPICKLE and node.value.endswith(b".")
            if self.unpickles and whole:
                self.ask("unpickles a literal")
            text = node.value.decode("latin-1")
        elif isinstance(node.value, str):
            text = node.value
        else:
            return
        self.said(text)

    def said(self, text: str) -> None:
        """A text of the draft."""
        match = TALKS_OF_INSIDES.search(text)
        if match:
            self.ask(f"names {match.group()}")
        elif text in SPELLED_OUT or text in BUILT_IN:
            self.ask(f"names {text}")
        elif text.startswith(ENVIRONMENT) and text.isupper():
            self.ask(f"names the variable {text}")
        elif _is_file(text, self.target):
            self.ask(f"names {text}, the source that it tests")
