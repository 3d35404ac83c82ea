"""Looks at what a draft makes up while it runs: the names it gives to getattr, the texts it gives
to eval, the templates it fills, the fixtures it asks for.

A draft that spells them out is looked at before it runs. For the rest, its module is compiled with
calls that hand the value to a `Checker` first; the text of the draft, its lines and what the calls
give stay as they are. Loaded into the user's pytest; standard library only, Python 3.9 or later.
"""

from __future__ import annotations

import ast
import builtins
import io
import os
import pickle
import string
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from .looking_names import (
    BUILT_IN,
    FIXTURES,
    HARMLESS_GLOBALS,
    INSIDES,
    LOOKING_MODULES,
    LOOKING_NAMES,
    PYTEST_INSIDES,
    TEST_PACKAGES,
    WATCHED_PACKAGES,
)

NAME = "@copydesk"
"""A built-in name that no text of a draft can spell."""
IMPORTS = "imports a module named "
UNPICKLES = "unpickles by the name "
"""Begin words that end with a dotted name, which is to be looked at by who knows the project."""
NOT_CHECKED = "makes up names, which could not be looked at"
FORBIDDEN = (
    INSIDES
    | LOOKING_NAMES
    | LOOKING_MODULES
    | PYTEST_INSIDES
    | {"__dict__", "__file__", "traceback"}
)
_CALLED = frozenset({"getattr", "setattr", "delattr", "open", "input", "type", "super", "print"})
_NEVER_EVALUATED = BUILT_IN | LOOKING_MODULES | _CALLED | {"os", "pytest"}
_CODE = (types.CodeType, types.FrameType, types.TracebackType)
_BUILT_IN = [getattr(builtins, name) for name in BUILT_IN if name in vars(builtins)]
_LITERAL = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.keyword, ast.List, ast.Tuple),
    *(ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop),
)


_CHECKED_ATTRIBUTES = {"__dict__": "fields", "__self__": "owner", "__subclasses__": "subclassed"}


class Checker:
    """What the calls of a draft go through.

    Args:
        ask: Takes what a human is to be asked about, in words.
        name: Takes words that end with a name; who reads them knows whether to ask.
    """

    def __init__(self, ask: Callable[[str], None], name: Callable[[str], None]) -> None:
        self._ask, self._name = ask, name
        self.is_used = False

    def use(self) -> None:
        """Said by the draft's module when it is run as it was compiled here."""
        self.is_used = True

    def getattr(self, *arguments: Any) -> Any:
        """As getattr."""
        if len(arguments) > 1 and isinstance(arguments[1], str):
            name = str.__str__(arguments[1])
            arguments = (arguments[0], name, *arguments[2:])
            self._judge_name(arguments[0], name)
        value = getattr(*arguments)
        self._judge_value(value)
        return value

    def code(self, text: Any) -> Any:
        """What eval is given: the repr of an object, say, but no attributes and no code."""
        if isinstance(text, str):
            text = str.__str__(text)
            if not _is_literal(text):
                self._ask("uses eval")
        else:
            self._ask("uses eval")
        return text

    def template(self, text: Any) -> Any:
        """What has its format method called; a text tells in its fields what it takes of them."""
        if isinstance(text, str):
            for name in _fields(str.__str__(text)):
                if name in FORBIDDEN | LOOKING_MODULES:
                    self._ask(f"touches {name}")
        elif _is_module(text):
            self._ask("fills a template that is made up")
        return text

    def fixture(self, name: Any) -> Any:
        """What getfixturevalue is given."""
        if isinstance(name, str):
            name = str.__str__(name)
            if name in FIXTURES:
                self._ask(f"uses the fixture {name}")
        return name

    def attribute(self, owner: Any, name: Any, value: Any) -> None:
        """As setattr."""
        if isinstance(name, str):
            name = str.__str__(name)
            self._judge_name(owner, name)
        setattr(owner, name, value)

    def key(self, name: Any) -> Any:
        """What is taken out of sys.modules."""
        if not isinstance(name, str) or _is_foreign_name(str.__str__(name)):
            self._ask("touches sys.modules")
        return name

    def fields(self, owner: Any) -> Any:
        """What has all its attributes taken, by vars or as __dict__: no module may be."""
        if _is_module(owner):
            self._ask("takes all that is in a module")
        return owner

    def subclassed(self, owner: Any) -> Any:
        """What is asked for its subclasses: a class of the project's or of the draft's."""
        is_class = issubclass(type(owner), type)
        if is_class:
            fields = type.__dict__["__dict__"].__get__(owner)
            is_class = not _is_foreign_name(str(fields.get("__module__", "builtins")))
        if not is_class:
            self._ask("touches __subclasses__")
        return owner

    def owner(self, value: Any) -> Any:
        """What a bound method or a built-in function belongs to."""
        self._judge_value(value)
        return value

    def module(self, name: Any) -> Any:
        """What import_module and its like are given; who reads the words knows the project."""
        if isinstance(name, str):
            name = str.__str__(name)
            if _is_foreign_name(name):
                self._ask("imports a module whose name is made up")
            else:
                self._name(IMPORTS + name)
        return name

    def unpickle(self, function: str, data: Any) -> Any:
        """As pickle.load and pickle.loads."""
        checker = self

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str) -> Any:
                checker._judge_global(f"{module}.{name}")
                return super().find_class(module, name)

        file = io.BytesIO(data) if function == "loads" else data
        return Unpickler(file).load()

    def _judge_global(self, dotted: str) -> None:
        if not _is_foreign_name(dotted):
            self._name(UNPICKLES + dotted)
        elif dotted not in HARMLESS_GLOBALS:
            self._ask("unpickles what is made up")

    def _judge_name(self, owner: Any, name: str) -> None:
        if name in FORBIDDEN:
            self._ask(f"touches {name}")
        elif _is_module(owner) and _is_foreign(owner):
            self._ask("uses getattr with a name that is made up")

    def _judge_value(self, value: Any) -> None:
        if _is_module(value) and _is_foreign(value):
            self._ask("takes a module by a name that is made up")
        elif issubclass(type(value), _CODE) or any(value is function for function in _BUILT_IN):
            self._ask("takes code by a name that is made up")


def check_values_in(path: str, checker: Checker) -> None:
    """Have pytest compile a module so that what it makes up is looked at, in this process.

    Args:
        path: The module's file.
        checker: Looks at it.
    """
    from _pytest.assertion import rewrite

    setattr(builtins, NAME, checker)
    draft = os.path.realpath(path)
    original = rewrite.rewrite_asserts

    def rewrite_asserts(
        mod: ast.Module, source: bytes, module_path: str | None = None, config: Any = None
    ) -> None:
        if module_path is not None and os.path.realpath(module_path) == draft:
            with_checks(mod)
        original(mod, source, module_path, config)

    rewrite.rewrite_asserts = rewrite_asserts


def makes_up_values(path: str) -> bool:
    """Whether a module has calls that are looked at as it runs."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return False
    return with_checks(tree)


def with_checks(tree: ast.Module) -> bool:
    """Have a module's calls go through the built-in `NAME`, in place.

    Returns:
        Whether there are any.
    """
    checks = _Checked({name for node in ast.walk(tree) for name in names_bound_by(node)})
    tree.body = [checks.visit(statement) for statement in tree.body]
    place = 0
    while place < len(tree.body) and _stands_first(tree.body[place]):
        place += 1
    line = tree.body[place].lineno if place < len(tree.body) else 1
    mark = ast.Expr(ast.Call(_part("use"), [], []))
    for node in ast.walk(mark):
        _stand_at(node, line)
    tree.body.insert(place, mark)
    return checks.any


class _Checked(ast.NodeTransformer):
    """Puts the checks into expressions."""

    def __init__(self, bound: set[str]) -> None:
        self.bound = bound
        self.any = False

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """An attribute, once its owner has been changed."""
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or node.attr not in _CHECKED_ATTRIBUTES:
            return node
        self.any = True
        if node.attr == "__self__":
            return _checked("owner", node)
        node.value = _checked(_CHECKED_ATTRIBUTES[node.attr], node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        """A part, once its whole has been changed."""
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Del) and ast.unparse(node.value) == "sys.modules":
            self.any = True
            node.slice = _checked("key", node.slice)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """A call, once what it is given has been changed."""
        self.generic_visit(node)
        before = self._parts(node)
        self._check(node, node.func)
        self.any = self.any or self._parts(node) != before
        return node

    @staticmethod
    def _parts(node: ast.Call) -> list[int]:
        return [id(node.func), id(getattr(node.func, "value", None)), *map(id, node.args)]

    def _check(self, node: ast.Call, function: ast.expr) -> None:
        if isinstance(function, ast.Name) and function.id not in self.bound:
            self._check_function(node, function)
        elif isinstance(function, ast.Attribute):
            self._check_method(node, function)
        if is_checked_import(node):
            node.args = [_checked("module", node.args[0])]

    @staticmethod
    def _check_function(node: ast.Call, function: ast.Name) -> None:
        if function.id == "getattr" and not _is_spelled_out(node.args[1:2]):
            node.func = _at(_part("getattr"), function)
        elif function.id == "eval" and is_checked_eval(node):
            node.args = [_checked("code", node.args[0])]
        elif function.id == "vars" and is_plain_call(node):
            node.args = [_checked("fields", node.args[0])]
        elif function.id == "setattr" and len(node.args) == 3 and not node.keywords:
            node.func = _at(_part("attribute"), function)

    def _check_method(self, node: ast.Call, function: ast.Attribute) -> None:
        if function.attr in ("format", "format_map"):
            if not _is_spelled_out([function.value]):
                function.value = _checked("template", function.value)
        elif function.attr == "getfixturevalue" and is_plain_call(node):
            node.args = [_checked("fixture", node.args[0])]
        elif is_checked_unpickling(node) and "pickle" not in self.bound:
            node.func = _at(_part("unpickle"), function)
            node.args.insert(0, ast.copy_location(ast.Constant(function.attr), function))


def is_checked_eval(call: ast.Call) -> bool:
    """Whether what a call of eval evaluates is looked at as it runs: a text that is made up."""
    return is_plain_call(call) and not isinstance(call.args[0], ast.Constant)


def is_checked_import(call: ast.Call) -> bool:
    """Whether the module that a call imports is looked at as it does: its name is made up."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return (
        name in ("import_module", "importorskip", "__import__")
        and is_plain_call(call)
        and not isinstance(call.args[0], ast.Constant)
    )


def is_checked_unpickling(call: ast.Call) -> bool:
    """Whether what pickle.load(...) or pickle.loads(...) names is looked at as it does."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in ("load", "loads")
        and isinstance(function.value, ast.Name)
        and function.value.id == "pickle"
        and is_plain_call(call)
    )


def is_plain_call(call: ast.Call) -> bool:
    """Whether a call has one argument and nothing else."""
    return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred)


def _is_spelled_out(words: list[ast.expr]) -> bool:
    return bool(words) and isinstance(words[0], ast.Constant)


def _part(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name(NAME, ast.Load()), name, ast.Load())


def _checked(kind: str, value: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(_at(_part(kind), value), [value], []), value)


def _at(part: ast.Attribute, place: ast.expr) -> ast.Attribute:
    ast.copy_location(part.value, place)
    return ast.copy_location(part, place)


def _stand_at(node: Any, line: int) -> None:
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = 0


def _stands_first(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring or an import that has to stand before all others."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def names_bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a node may bind anew; `import pickle` gives pickle nothing new."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from filter(None, (_bound_by_import(node, alias) for alias in node.names))


def _bound_by_import(node: ast.AST, alias: ast.alias) -> str:
    plain = isinstance(node, ast.Import) and alias.name == "pickle" and not alias.asname
    return "" if plain else alias.asname or alias.name.partition(".")[0]


def _is_literal(text: str) -> bool:
    """Whether a text builds objects of names and literals, and takes nothing of them."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True  # nothing runs
    return all(
        isinstance(node, _LITERAL)
        and not (isinstance(node, ast.Name) and node.id in _NEVER_EVALUATED)
        for node in ast.walk(tree)
    )


def _fields(text: str) -> Iterator[str]:
    """The names of the attributes and elements that a template takes."""
    try:
        for _, field, spec, _ in string.Formatter().parse(text):
            for part in (field or "").replace("[", ".").split("."):
                yield part.rstrip("]")
            if spec and "{" in spec:
                yield from _fields(spec)
    except ValueError:
        return


def _is_module(value: Any) -> bool:
    return issubclass(type(value), types.ModuleType)


def _is_foreign(module: Any) -> bool:
    """Whether a module is of Python, of pytest, or one that looks inside."""
    names = {name for name, other in list(sys.modules.items()) if other is module}
    fields = types.ModuleType.__getattribute__(module, "__dict__")
    names.add(str(getattr(fields.get("__spec__"), "name", "")))
    return any(map(_is_foreign_name, names))


def _is_foreign_name(dotted: str) -> bool:
    """Whether a module of that name is of Python, of pytest, or one that looks inside."""
    return dotted.partition(".")[0] in _library() | WATCHED_PACKAGES | TEST_PACKAGES


def _library() -> frozenset[str]:
    if sys.version_info >= (3, 10):
        return sys.stdlib_module_names
    files = {name.partition(".")[0] for name in os.listdir(os.path.dirname(os.__file__))}
    return frozenset(files - {"site-packages"}) | frozenset(sys.builtin_module_names)
