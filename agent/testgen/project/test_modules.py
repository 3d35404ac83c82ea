"""A drafted test module as a syntax tree: which tests it holds, what they assert, what to keep."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from copydesk.agent.testgen.project.functions import Function

Span = tuple[int, int]

_NEEDS_A_YES = frozenset(
    {"gc", "ctypes", "subprocess", "_pytest", "pluggy", "coverage", "faulthandler"}
    | {"copydesk_tools"}
)
_REACHES_IN = frozenset(
    {"__code__", "__globals__", "__builtins__", "_exit", "settrace", "setprofile", "fork"}
    | {"system", "popen", "posix_spawn", "execv", "execve", "spawnv", "audit"}
    | {"get_objects", "get_referrers", "_current_frames", "_getframe"}
)


def tests(tree: ast.Module) -> dict[str, Function]:
    """The tests that pytest will find, as "test_name" or "TestClass::test_name", in order."""
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function) and node.name.startswith("test"):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef) and _holds_tests(node):
            for method in node.body:
                if isinstance(method, Function) and method.name.startswith("test"):
                    found[f"{node.name}::{method.name}"] = method
    return found


def _holds_tests(node: ast.ClassDef) -> bool:
    bases = {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
    return node.name.startswith("Test") or any(base.endswith("TestCase") for base in bases)


def asserts(test: Function, tree: ast.Module) -> bool:
    """Whether a test checks anything: an assertion that can fail, or an expected exception.

    `assert True` and its like check nothing. A helper function of the module counts for the
    tests that call it.
    """
    helpers = {node.name: node for node in tree.body if isinstance(node, Function)}
    if any(_checks(node) for node in ast.walk(test)):
        return True
    called = {
        node.func.id
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return any(_checks(node) for name in called & set(helpers) for node in ast.walk(helpers[name]))


def _checks(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return _can_fail(node.test)
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in {"assertTrue", "assertFalse", "assertIsNotNone", "assertEqual"}:
        return any(_can_fail(argument) for argument in node.args)
    return name in {"raises", "warns", "deprecated_call"} or name.lower().startswith("assert")


def _can_fail(test: ast.expr) -> bool:
    return any(isinstance(node, (ast.Name, ast.Call, ast.Await)) for node in ast.walk(test))


def mentions(tree: ast.Module, function: str, module: str) -> bool:
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
    wanted = {word for word in function.split(".") if word.isidentifier()}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            if node.module == module or module in names or _below(module, node.module):
                return True
        elif isinstance(node, ast.Import):
            if module and any(alias.name == module for alias in node.names):
                return True
        elif isinstance(node, ast.Constant):
            if module and isinstance(node.value, str) and node.value == module:
                return True
        elif {getattr(node, "id", None), getattr(node, "attr", None)} & wanted:
            return True
    return False


_OF_PYTEST = {"self", "request", "monkeypatch", "recwarn", "capsys", "capfd", "caplog", "mocker"}


def _asks_for_a_fixture(tree: ast.Module) -> bool:
    """Whether a test has an argument that neither the draft nor pytest itself explains."""
    made = {node.name for node in ast.walk(tree) if isinstance(node, Function)} | _OF_PYTEST
    given = {  # by parametrize
        name.strip()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in node.value.split(",")
    }
    return any(
        a.arg not in made | given and not a.arg.startswith(("tmp", "cap", "fake", "mock"))
        for test in tests(tree).values()
        for a in test.args.args
    )


def _below(module: str, imported: str | None) -> bool:
    """A package that re-exports what its modules define."""
    return bool(imported) and module.startswith(f"{imported}.")


def reaches_in(tree: ast.Module) -> list[str]:
    """What in a draft could make its own verdict: it needs a human's yes before it is run.

    Returns:
        In words, sorted; empty for nearly all honest tests (11 % of 1,660 real test files would
        be asked about by a wider list).
    """
    found: set[str] = set()
    asked = _NEEDS_A_YES - ({"subprocess"} if _runs_only_python(tree) else set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {f"imports {a.name}" for a in node.names if _root(a.name) in asked}
        elif isinstance(node, ast.ImportFrom) and _root(node.module or "") in _NEEDS_A_YES:
            found.add(f"imports {node.module}")
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "sys"}:
            names = {alias.name for alias in node.names}
            found |= {f"touches {name}" for name in names & (_REACHES_IN | {"modules"})}
        elif isinstance(node, ast.Attribute):
            if node.attr in _REACHES_IN:
                found.add(f"touches {node.attr}")
            elif node.attr == "modules" and getattr(node.value, "id", "") == "sys":
                found.add("touches sys.modules")
        elif isinstance(node, ast.Name) and node.id in {"__builtins__", "__import__"}:
            found.add(f"touches {node.id}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {f"names {word}" for word in _REACHES_IN if node.value == word}
            if "COPYDESK_" in node.value:
                found.add("names a variable of copydesk's own")
    return sorted(found)


def _runs_only_python(tree: ast.Module) -> bool:
    """Whether subprocess is used for one thing only: to run a module with this interpreter, as
    tests of a project's own command do.
    """
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "subprocess"
    ]
    starts = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _starts_a_module(node)
    }
    named = sum(getattr(node, "id", "") == "subprocess" for node in ast.walk(tree))
    return named == len(uses) and all(id(u) in starts or u.attr in _HARMLESS for u in uses)


_HARMLESS = {"PIPE", "DEVNULL", "STDOUT", "CalledProcessError", "TimeoutExpired"}


def _starts_a_module(call: ast.Call) -> bool:
    words = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
    keywords = {keyword.arg for keyword in call.keywords}
    return (
        getattr(call.func, "attr", "") in {"run", "check_output", "check_call", "call", "Popen"}
        and [ast.unparse(word) for word in words[:2]] == ["sys.executable", "'-m'"]
        and len(words) > 2
        and isinstance(words[2], ast.Constant)
        and not keywords & {"shell", "executable", "preexec_fn", "pass_fds", None}
    )


def _root(module: str) -> str:
    return module.split(".")[0]


def keep(text: str, names: Collection[str]) -> str:
    """The module with only these tests, and without imports that nothing uses any more."""
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    dropped = [node for name, node in tests(tree).items() if name not in names]
    spans = [_span(node, lines) for node in dropped]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and dropped and _only_holds(node, dropped):
            spans = [s for s in spans if not _inside(s, _span(node, lines))]
            spans.append(_span(node, lines))
    for first, last in sorted(spans, reverse=True):
        del lines[first:last]
    return prune_imports("".join(lines)).rstrip() + "\n"


def _only_holds(node: ast.ClassDef, dropped: Sequence[Function]) -> bool:
    methods = [part for part in node.body if isinstance(part, Function)]
    gone = [part for part in methods if part in dropped]
    left = [part for part in methods if part not in dropped and part.name.startswith("test")]
    return bool(gone) and not left


def _inside(span: Span, outer: Span) -> bool:
    return outer[0] <= span[0] and span[1] <= outer[1]


def _span(node: Function | ast.ClassDef, lines: Sequence[str]) -> Span:
    """The lines of a definition, its decorators, the comment above and the blank lines below."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    while last < len(lines) and not lines[last].strip():
        last += 1
    return first, last


def prune_imports(text: str) -> str:
    """The module without imported names that it never uses; `noqa` and __future__ stay."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for part in node.value.replace(".", " ").split()[:1]
    }
    lines = text.splitlines(keepends=True)
    for node, indent in reversed(list(_imports(tree))):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        kept = [alias for alias in node.names if _bound(alias) in used or alias.name == "*"]
        whole = "".join(lines[first:last])
        if len(kept) == len(node.names) or "noqa" in whole or ";" in whole:
            continue
        if not kept:
            del lines[first:last]
            continue
        node.names = kept
        lines[first:last] = [" " * indent + ast.unparse(node) + "\n"]
    return "".join(lines)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, int]]:
    for node in tree.body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not future:
            yield node, node.col_offset


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]
