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


def asserts_something(test: ast.AST) -> bool:
    """Whether a test holds an assert about something, or expects an exception or a warning."""
    return any(
        (isinstance(part, ast.Assert) and any(map(_varies, ast.walk(part.test))))
        or _called(part) in _EXPECTS
        for part in ast.walk(test)
    )


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
    tainted = _tainted(test, set(sources) | set(_fixtures(test)))
    for part in ast.walk(test):
        if isinstance(part, ast.Assert) and _tells(part.test, tainted):
            return True
        if (
            isinstance(part, ast.With | ast.AsyncWith)
            and any(_called(item.context_expr) in _EXPECTS for item in part.items)
            and any(uses(inner, tainted) for inner in part.body)
        ):
            return True
        if isinstance(part, ast.Call) and _called(part) in _EXPECTS:
            given = any(uses(argument, tainted) for argument in part.args[1:])
            if given:
                return True
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
    first = function.partition(".")[0]
    owners = {module.rpartition(".")[2], *function.split(".")[:-1], *_aliases(node, module)}
    last = function.rpartition(".")[2]
    whole = (*module.split("."), *function.split("."))
    targets = {whole[-2:], (module.rpartition(".")[2], first)}
    for part in ast.walk(node):
        match part:
            case ast.Call(_, args, keywords) if _called(part) in _PATCHES and args:
                if _places(args[0]) in targets:
                    return True
                said = {word.arg for word in keywords} | {_last_word(a) for a in args[1:2]}
                if _last_word(args[0]) in owners and said & {last, first}:
                    return True
            case ast.Attribute(value, attr, ast.Store()) if attr in (last, first):
                if _last_word(value) in owners:
                    return True
            case ast.Name(name, ast.Store()) if name == first:
                return True
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                if part is not node and name == first:
                    return True
    return False


def _aliases(node: ast.AST, module: str) -> Iterator[str]:
    """The names under which a test imports a module."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import | ast.ImportFrom):
            base = getattr(part, "module", None)
            for alias in part.names:
                if module in (alias.name, f"{base}.{alias.name}") and alias.asname:
                    yield alias.asname


def _places(node: ast.expr) -> tuple[str, ...]:
    """The last two words of a dotted text."""
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
        case ast.Subscript(slice=inner) | ast.Call(args=[inner]):
            return _last_word(inner)
    return ""


def _called(node: ast.AST) -> str:
    match node:
        case ast.Call(ast.Name(name) | ast.Attribute(attr=name)):
            return name
    return ""


def _fixtures(test: ast.AST) -> Iterator[str]:
    if isinstance(test, _DEFINES):
        for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs):
            yield argument.arg


def uses(node: ast.AST, names: Collection[str]) -> bool:
    """Whether one of some names stands in a piece of code."""
    return any(
        (isinstance(n, ast.Name) and n.id in names)
        or (isinstance(n, ast.Attribute) and n.attr in names)
        for n in ast.walk(node)
    )


def _tainted(test: ast.AST, names: set[str]) -> set[str]:
    """The names whose values come from, or went through, one of some names."""
    before = -1
    while before != len(names):
        before = len(names)
        for part in ast.walk(test):
            if isinstance(
                part, (*_BINDS, *_CATCHES, ast.withitem, ast.comprehension, ast.Call)
            ) and uses(part, names):
                names |= set(_bound(part))
            elif isinstance(part, _DEFINES) and part is not test and uses(part, names):
                names.add(part.name)
    return names


def _bound(part: ast.AST) -> Iterator[str]:
    """The names a statement binds; of a call, the plain names among its arguments."""
    match part:
        case ast.Call(function, args, keywords):
            if isinstance(function, ast.Attribute):  # items.append(f(1))
                yield from (n.id for n in ast.walk(function) if isinstance(n, ast.Name))
            for value in (*args, *(word.value for word in keywords)):
                if isinstance(value, ast.Name):
                    yield value.id
            return
    for inner in ast.walk(part):
        match inner:
            case ast.Name(name, ast.Store()):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


def _tells(test: ast.expr, tainted: Collection[str]) -> bool:
    """Whether an asserted expression can be false for some value of what it is about."""
    match test:
        case ast.BoolOp(ast.And(), values):
            return any(_tells(value, tainted) for value in values)
        case ast.BoolOp(ast.Or(), values):
            return all(_tells(value, tainted) for value in values)
        case ast.UnaryOp(ast.Not(), inner):
            return _tells(inner, tainted)
        case ast.Compare(left, [ast.IsNot()], [ast.Constant(None)]):
            return False
        case ast.Compare(ast.Call(ast.Name("len")), [ast.GtE()], [ast.Constant(0)]):
            return False
        case ast.Compare(left, _, [right]) if ast.dump(left) == ast.dump(right):
            return False
        case ast.Call(ast.Name(name)) if name in _OF_ANY_VALUE:
            return False
    return uses(test, tainted)
