"""Whether what a drafted test asserts depends on what it tests.

`assert True`, an assertion about a constant or about a stand-in, and one that holds for any
value (`is not None`, `isinstance`, `x == x`) fail only where the call itself raises. They would
climb the ladder on the mutants that raise, and prove nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

_PATCHES = frozenset({"setattr", "delattr", "setitem", "patch", "object", "multiple"})
_EXPECTS = frozenset({"raises", "warns", "deprecated_call"})
_OF_ANY_VALUE = frozenset({"isinstance", "issubclass", "hasattr", "callable", "bool", "id"})
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef)
_BINDS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor)
_CATCHES = (ast.Try, ast.TryStar, ast.Match)
_PASSES_VALUES_ON = (*_BINDS, *_CATCHES, ast.withitem, ast.comprehension, ast.Call)


def asserts_something(test: ast.AST) -> bool:
    """Whether a test holds an assert about something, or expects an exception or a warning."""
    for part in ast.walk(test):
        if isinstance(part, ast.Assert) and any(map(_varies, ast.walk(part.test))):
            return True
        if _called_name(part) in _EXPECTS:
            return True
    return False


def _varies(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Call)


def asserts_result(test: ast.AST, sources: Collection[str]) -> bool:
    """Whether a test asserts something that can differ with what the tested code does.

    Args:
        test: The test function.
        sources: Names that stand for the tested code: the function, its class, its module, helpers
            that call it. What is computed from them, given to them or asked for as a fixture
            depends on it.
    """
    dependent = _dependent_names(test, set(sources) | set(_fixtures(test)))
    return any(_depends(part, dependent) for part in ast.walk(test))


def _depends(part: ast.AST, dependent: Collection[str]) -> bool:
    """Whether a part of a test is an assertion that hangs on one of some names."""
    match part:
        case ast.Assert(asserted):
            return _can_be_false(asserted, dependent)
        case ast.With(items, body) | ast.AsyncWith(items, body):
            expects = any(_called_name(item.context_expr) in _EXPECTS for item in items)
            return expects and any(uses(statement, dependent) for statement in body)
        case ast.Call(_, arguments) if _called_name(part) in _EXPECTS:
            return any(uses(argument, dependent) for argument in arguments[1:])
    return False


def replaces(node: ast.AST, function: str, module: str) -> bool:
    """Whether a test puts something else where the function under test, or its class, is.

    By a patch (monkeypatch.setattr, mock.patch and their kin), an assignment or a definition. What
    merely has the same name, `subprocess.run` in a test of a `run`, may be replaced.

    Args:
        node: The test.
        function: The qualified name of what it tests.
        module: The dotted name of the module that it is in.
    """
    target = _PatchTarget(node, function, module)
    return any(target.is_replaced_by(part) for part in ast.walk(node))


class _PatchTarget:
    """The function under test, as a test may name it.

    Args:
        test: The test.
        function: The qualified name of the function.
        module: The dotted name of its module.
    """

    def __init__(self, test: ast.AST, function: str, module: str) -> None:
        self.test = test
        *classes, self.last = function.split(".")
        self.first = function.partition(".")[0]
        module_name = module.rpartition(".")[2]
        self.owners = {module_name, *classes, *_aliases(test, module)}
        dotted = (*module.split("."), *function.split("."))
        self.dotted_ends = {dotted[-2:], (module_name, self.first)}

    def is_replaced_by(self, part: ast.AST) -> bool:
        """Whether a part of the test puts something else in its place."""
        match part:
            case ast.Call(_, arguments, keywords) if _called_name(part) in _PATCHES and arguments:
                return self._is_patched(arguments, keywords)
            case ast.Attribute(owner, name, ast.Store()):
                return name in (self.last, self.first) and _last_word(owner) in self.owners
            case ast.Name(name, ast.Store()):
                return name == self.first
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                return part is not self.test and name == self.first
        return False

    def _is_patched(self, arguments: list[ast.expr], keywords: list[ast.keyword]) -> bool:
        """Whether a call of a patching function names it."""
        if _last_two_words(arguments[0]) in self.dotted_ends:
            return True
        names = {keyword.arg for keyword in keywords} | set(map(_last_word, arguments[1:2]))
        return _last_word(arguments[0]) in self.owners and bool(names & {self.last, self.first})


def _aliases(node: ast.AST, module: str) -> Iterator[str]:
    """The names under which a test imports a module."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import | ast.ImportFrom):
            base = getattr(part, "module", None)
            for alias in part.names:
                if module in (alias.name, f"{base}.{alias.name}") and alias.asname:
                    yield alias.asname


def _last_two_words(node: ast.expr) -> tuple[str, ...]:
    """The last two words of a dotted text; none of anything else."""
    match node:
        case ast.Constant(str(text)):
            return tuple(text.split("."))[-2:]
    return ()


def _last_word(node: ast.expr) -> str:
    """What a module, a class or a text is called last: "pager" of sys.modules["shop.pager"]."""
    match node:
        case ast.Constant(str(text)):
            return text.rpartition(".")[2]
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=key) | ast.Call(args=[key]):
            return _last_word(key)
    return ""


def _called_name(node: ast.AST) -> str:
    """The last name of what a call calls; "" of anything else."""
    match node:
        case ast.Call(ast.Name(name) | ast.Attribute(attr=name)):
            return name
    return ""


def _fixtures(test: ast.AST) -> Iterator[str]:
    """The arguments of a test."""
    if isinstance(test, _DEFINES):
        for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs):
            yield argument.arg


def uses(node: ast.AST, names: Collection[str]) -> bool:
    """Whether one of some names stands in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in names:
            return True
        if isinstance(part, ast.Attribute) and part.attr in names:
            return True
    return False


def _dependent_names(test: ast.AST, names: set[str]) -> set[str]:
    """Some names, and those whose values come from, or went through, one of them."""
    before = -1
    while before != len(names):
        before = len(names)
        for part in ast.walk(test):
            if isinstance(part, _PASSES_VALUES_ON) and uses(part, names):
                names.update(_bound_names(part))
            elif isinstance(part, _DEFINES) and part is not test and uses(part, names):
                names.add(part.name)
    return names


def _bound_names(part: ast.AST) -> Iterator[str]:
    """The names a statement binds; of a call, the plain names among its arguments."""
    if isinstance(part, ast.Call):
        yield from _names_given_to(part)
        return
    for node in ast.walk(part):
        match node:
            case ast.Name(name, ast.Store()):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


def _names_given_to(call: ast.Call) -> Iterator[str]:
    """What a call may change: its arguments, and the object whose method it is."""
    if isinstance(call.func, ast.Attribute):  # items.append(f(1))
        for node in ast.walk(call.func):
            if isinstance(node, ast.Name):
                yield node.id
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Name):
            yield value.id


def _can_be_false(test: ast.expr, dependent: Collection[str]) -> bool:
    """Whether an asserted expression can be false for some value of what it is about."""
    match test:
        case ast.BoolOp(ast.And(), values):
            return any(_can_be_false(value, dependent) for value in values)
        case ast.BoolOp(ast.Or(), values):
            return all(_can_be_false(value, dependent) for value in values)
        case ast.UnaryOp(ast.Not(), operand):
            return _can_be_false(operand, dependent)
    return not _holds_for_any_value(test) and uses(test, dependent)


def _holds_for_any_value(test: ast.expr) -> bool:
    """Whether an expression is true for nearly any value: `x is not None`, `x == x`."""
    match test:
        case ast.Compare(_, [ast.IsNot()], [ast.Constant(None)]):
            return True
        case ast.Compare(ast.Call(ast.Name("len")), [ast.GtE()], [ast.Constant(0)]):
            return True
        case ast.Compare(left, _, [right]):
            return ast.dump(left) == ast.dump(right)
        case ast.Call(ast.Name(name)):
            return name in _OF_ANY_VALUE
    return False
