"""What is asked of a drafted test module before anything of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from copydesk.agent.testgen.project import Function, find_tests

_RISKY_MODULES = frozenset(
    {"gc", "ctypes", "subprocess", "_pytest", "pluggy", "coverage", "faulthandler"}
    | {"copydesk_tools"}
)
_RISKY_NAMES = frozenset(
    {"__code__", "__globals__", "__builtins__", "_exit", "settrace", "setprofile", "fork"}
    | {"system", "popen", "posix_spawn", "execv", "execve", "spawnv", "audit"}
    | {"get_objects", "get_referrers", "_current_frames", "_getframe"}
)
_UNITTEST_ASSERTIONS = frozenset({"assertTrue", "assertFalse", "assertIsNotNone", "assertEqual"})
_EXPECT_EXCEPTIONS = frozenset({"raises", "warns", "deprecated_call"})
_PYTEST_ARGUMENTS = frozenset(
    {"self", "request", "monkeypatch", "recwarn", "capsys", "capfd", "caplog", "mocker"}
)
_RUN_A_PROGRAM = frozenset({"run", "check_output", "check_call", "call", "Popen"})
_HARMLESS_ATTRIBUTES = frozenset(
    {"PIPE", "DEVNULL", "STDOUT", "CalledProcessError", "TimeoutExpired"}
)
_UNSAFE_KEYWORDS = frozenset({"shell", "executable", "preexec_fn", "pass_fds", None})


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


# -- what needs a human's yes


def risky_parts(tree: ast.Module) -> list[str]:
    """What in a draft could make its own verdict: it needs a human's yes before it is run.

    Returns:
        In words, sorted; empty for nearly all honest tests (11 % of 1,660 real test files would
        be asked about by a wider list).
    """
    modules = _RISKY_MODULES
    if _only_starts_python(tree):
        modules -= {"subprocess"}
    parts: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            parts.update(f"imports {name}" for name in names if _package(name) in modules)
        elif isinstance(node, ast.ImportFrom):
            parts.update(_risky_in_import_from(node))
        elif isinstance(node, ast.Attribute | ast.Name):
            parts.update(_risky_in_name(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts.update(_risky_in_text(node.value))
    return sorted(parts)


def _risky_in_import_from(node: ast.ImportFrom) -> Iterator[str]:
    if _package(node.module or "") in _RISKY_MODULES:
        yield f"imports {node.module}"
    elif node.module in {"os", "sys"}:
        for alias in node.names:
            if alias.name in _RISKY_NAMES or alias.name == "modules":
                yield f"touches {alias.name}"


def _risky_in_name(node: ast.Attribute | ast.Name) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if node.id in {"__builtins__", "__import__"}:
            yield f"touches {node.id}"
    elif node.attr in _RISKY_NAMES:
        yield f"touches {node.attr}"
    elif node.attr == "modules" and getattr(node.value, "id", "") == "sys":
        yield "touches sys.modules"


def _risky_in_text(text: str) -> Iterator[str]:
    if text in _RISKY_NAMES:
        yield f"names {text}"
    if "COPYDESK_" in text:
        yield "names a variable of copydesk's own"


def _only_starts_python(tree: ast.Module) -> bool:
    """Whether subprocess is used for one thing only: to run a module with this interpreter, as
    tests of a project's own command do.
    """
    mentions = 0
    attributes: list[ast.Attribute] = []
    starts: list[ast.expr] = []
    for node in ast.walk(tree):
        if getattr(node, "id", "") == "subprocess":
            mentions += 1
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "subprocess":
            attributes.append(node)
        elif isinstance(node, ast.Call) and _starts_a_module(node):
            starts.append(node.func)
    if mentions != len(attributes):
        return False
    return all(node in starts or node.attr in _HARMLESS_ATTRIBUTES for node in attributes)


def _starts_a_module(call: ast.Call) -> bool:
    """Whether a call is run([sys.executable, "-m", "a constant", ...]) or one of its kin."""
    if getattr(call.func, "attr", "") not in _RUN_A_PROGRAM:
        return False
    words = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
    if [ast.unparse(word) for word in words[:2]] != ["sys.executable", "'-m'"]:
        return False
    keywords = {keyword.arg for keyword in call.keywords}
    return len(words) > 2 and isinstance(words[2], ast.Constant) and not keywords & _UNSAFE_KEYWORDS


def _package(module: str) -> str:
    return module.split(".")[0]
