"""What is asked of a drafted test module before anything of it is run."""

from __future__ import annotations

import ast

from copydesk.agent.testgen.project import Function, find_tests

_UNITTEST_ASSERTIONS = frozenset({"assertTrue", "assertFalse", "assertIsNotNone", "assertEqual"})
_EXPECT_EXCEPTIONS = frozenset({"raises", "warns", "deprecated_call"})
_PYTEST_ARGUMENTS = frozenset(
    {"self", "request", "monkeypatch", "recwarn", "capsys", "capfd", "caplog", "mocker"}
)


# -- assertions


def checks_something(test: Function, tree: ast.Module) -> bool:
    """Whether a test checks anything: an assertion that can fail, or an expected exception.

    `assert True` and its like check nothing. A helper function of the module counts for the
    tests that call it.

    Args:
        test: The test.
        tree: The module it is in.
    """
    if _holds_check(test):
        return True
    called = {
        node.func.id
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    helpers = {node.name: node for node in tree.body if isinstance(node, Function)}
    return any(_holds_check(helpers[name]) for name in called & set(helpers))


def _holds_check(function: Function) -> bool:
    return any(_is_check(node) for node in ast.walk(function))


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return _can_fail(node.test)
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in _UNITTEST_ASSERTIONS:
        return any(_can_fail(argument) for argument in node.args)
    return name in _EXPECT_EXCEPTIONS or name.lower().startswith("assert")


def _can_fail(test: ast.expr) -> bool:
    return any(isinstance(node, (ast.Name, ast.Call, ast.Await)) for node in ast.walk(test))


# -- the target


def names_target(tree: ast.Module, function: str, module: str) -> bool:
    """Whether a draft has to do with its target at all.

    Its own name, its class's, its module's, anything imported from the module, or a fixture of
    the project that may bring it: a helper is often reached through its callers, and the later
    rungs measure whether it is.

    Args:
        tree: The drafted module.
        function: The qualified name of the target, or "<module>".
        module: The dotted name of the target's module, or "".
    """
    if _asks_for_a_fixture(tree):
        return True
    words = {word for word in function.split(".") if word.isidentifier()}
    for node in ast.walk(tree):
        if module and _names_module(node, module):
            return True
        if getattr(node, "id", None) in words or getattr(node, "attr", None) in words:
            return True
    return False


def _names_module(node: ast.AST, module: str) -> bool:
    """Whether a node imports a module or a package above it, or is a text with its name."""
    match node:
        case ast.ImportFrom(source, aliases):
            if source == module or module.startswith(f"{source}."):  # a package that re-exports
                return True
            return any(f"{source}.{alias.name}" == module for alias in aliases)
        case ast.Import(aliases):
            return any(alias.name == module for alias in aliases)
        case ast.Constant(value):
            return isinstance(value, str) and value == module
    return False


def _asks_for_a_fixture(tree: ast.Module) -> bool:
    """Whether a test has an argument that neither the draft nor pytest itself explains."""
    explained = set(_PYTEST_ARGUMENTS)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            explained.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # by parametrize
            explained.update(name.strip() for name in node.value.split(","))
    for test in find_tests(tree).values():
        for argument in test.args.args:
            name = argument.arg
            if name not in explained and not name.startswith(("tmp", "cap", "fake", "mock")):
                return True
    return False
