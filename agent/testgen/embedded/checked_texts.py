"""Checks what the sandbox reports of a call, and notes the names that a test of it imports."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from typing import Any

from copydesk.agent.testgen.embedded.render_values import Refused, is_module, is_name, render

_NEVER_IMPORTED = ("os", "sys", "subprocess", "builtins")
_PATCHES = ("sys.argv", "sys.stdin", "cwd", "time.time", "seed")
_FILE = re.compile(r"file:[\w.-]*\w")
_COLUMN = re.compile(r'\["[\w.]+"\]')
_VIEWS = ("dict()", "list()", "len()")


class CheckedTexts:
    """Writes expressions anew, and decides which classes they may name.

    Args:
        module: The target's module.
        function: The target's name, which nothing else may have.
        tree: The module's syntax tree; what it imports a test may import too.

    Attributes:
        imports: Name -> module of what the texts name.
    """

    def __init__(self, module: str, function: str, tree: ast.Module) -> None:
        self.package = module.split(".")[0]
        self.function = function
        self.imported = _imported_packages(tree)
        self.imports: dict[str, str] = {}

    def text(self, expression: Any) -> str:
        """The checked text of an (expression, names) pair; its names are noted."""
        text, pairs = expression
        names = {name: self._allowed_module(name, module) for name, module in pairs}
        written = render(text, names, self.package)
        for name, module in names.items():
            if self.imports.setdefault(name, module) != module or name == self.function:
                raise Refused(f"two things named {name}")
        return written

    def texts(self, expressions: Any) -> tuple[str, ...]:
        """Each expression as source; raises Refused where one is nothing that a test may say."""
        return tuple(map(self.text, expressions))

    def exception(self, name: str, module: str) -> None:
        """Note the class of an exception; that of a builtin one needs no import."""
        if module != "builtins":
            self.imports[name] = self._allowed_module(name, module)
        elif not is_builtin(name, BaseException):
            raise Refused("exception")

    def field(self, name: object) -> str:
        """The name of an attribute, of a builtin that is applied to an object, or a column."""
        if name in _VIEWS or _COLUMN.fullmatch(str(name)):
            return str(name)
        return checked_name(name)

    def _allowed_module(self, name: object, module: object) -> str:
        """The module, when a test of this function may import the name from it."""
        if not is_name(name) or not is_module(module):
            raise Refused("not a name")
        package = str(module).split(".")[0]
        is_standard = package in sys.stdlib_module_names and package not in _NEVER_IMPORTED
        if is_standard or package == self.package or package in self.imported:
            return str(module)
        raise Refused(f"import of {module}")


def _imported_packages(tree: ast.Module) -> set[str]:
    """The packages that a module imports."""
    packages: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            packages.add((node.module or "").split(".")[0])
    return packages


def checked_name(name: object) -> str:
    """The text of a plain identifier."""
    if not is_name(name):
        raise Refused("not a name")
    return str(name)


def checked_step(name: object) -> str:
    """The name of a method that is called, or of a property that is set, with a `=` behind it."""
    plain = str(name).removesuffix("=")
    return checked_name(plain) + str(name)[len(plain) :]


def checked_patch(name: object) -> str:
    """The name of what is put around a call: a known one, a variable of the environment, a file."""
    if _FILE.fullmatch(str(name)):
        return str(name)
    variable = str(name).removeprefix("env:")
    is_variable = variable != name and is_name(variable)
    if name not in _PATCHES and not is_variable:
        raise Refused("patch")
    return str(name)


def is_builtin(name: object, base: type) -> bool:
    """Whether a builtin class of that name is a subclass of another."""
    kind = getattr(builtins, str(name), None)
    return isinstance(kind, type) and issubclass(kind, base)
