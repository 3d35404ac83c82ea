"""Names, calls and definitions of a draft that reach for pytest, the interpreter or a log."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import (
    is_checked_eval,
    is_plain_call,
)
from copydesk.agent.testgen.verify.questions.attributes import is_harmless_mould
from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.tables import (
    BUILT_IN,
    FIXTURES,
    INSIDES,
    LOOKING_MODULES,
    READ_NAMES_ONLY,
)

_SUITES = ("unittest.TestLoader", "unittest.TestSuite", "unittest.makeSuite", "unittest.default")
_TAKES_LOCALS = frozenset({"format", "format_map", "dict"})
_FORMER_PYTEST = frozenset({"find_class", "persistent_load"})


def check_names(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Built-in names that reach into the interpreter, and plugins."""
    if not isinstance(node, ast.Name):
        return
    if node.id == "pytest_plugins":
        yield "loads plugins"
    elif node.id == "getattr":
        if not _is_called(draft, node):
            yield "hands getattr on"
    elif node.id in BUILT_IN and not (draft.bindings.is_local(node) or _is_harmless(draft, node)):
        yield f"uses {node.id}"


def check_definitions(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Hooks, fixtures of pytest's own, and parts of an unpickler."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if argument.arg in FIXTURES:
                yield f"uses the fixture {argument.arg}"
        if node.name.startswith("pytest_") and node.name != "pytest_generate_tests":
            yield f"defines the hook {node.name}"
        elif node.name in _FORMER_PYTEST:
            yield f"defines {node.name}"


def check_fixtures_by_name(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Fixtures that are asked for by a text."""
    if not isinstance(node, ast.Call):
        return
    name = last_name(node.func)
    if name not in ("getfixturevalue", "usefixtures"):
        return
    for argument in node.args:
        words = draft.texts(argument)
        if words is None and not _is_listened_to(draft, node):
            yield "uses a fixture whose name is made up"
        for word in sorted(words or ()):
            if word in FIXTURES:
                yield f"uses the fixture {word}"


def check_errors_of_children(draft: Draft, node: ast.AST) -> Iterator[str]:
    """What an error out of a child process is caused by: a text with the lines of the source."""
    errors = ("__cause__", "__context__")
    if isinstance(node, ast.Attribute) and node.attr in errors and draft.starts_children:
        yield f"touches {node.attr} of an error out of a child"


def check_runs_of_tests(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Test cases that a draft makes itself: their results quote the source."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return
    for binding in draft.nodes:
        if isinstance(binding, ast.ClassDef) and binding.name == node.func.id and node.args:
            bases = {last_name(base) for base in binding.bases}
            if any(base.endswith("TestCase") for base in bases):
                yield f"makes a {binding.name}, a test case"


def check_child_processes(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Children that are no copies of this process, where nothing listens."""
    if not isinstance(node, ast.Call):
        return
    name = last_name(node.func)
    if name == "get_context" and draft.things(node.func) != frozenset():
        if not any(thing.startswith("multiprocessing") for thing in draft.things(node.func)):
            return
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if draft.texts(argument) != frozenset({"fork"}):
                yield "starts child processes otherwise than by fork"
    elif name == "send_bytes" and draft.starts_children:
        yield "touches send_bytes"


def check_suites(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Suites of unittest that a draft runs itself: their results quote the source."""
    reads = isinstance(node, ast.Attribute) and node.attr in ("errors", "failures")
    if reads and any(thing.startswith(_SUITES) for thing in draft.used):
        yield "reads the results of a test suite"


def check_annotations(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Annotations that are evaluated are the project's; the draft's own are looked at as code."""
    if isinstance(node, ast.Attribute) and node.attr in ("__annotations__", "__doc__"):
        if isinstance(node.ctx, ast.Store | ast.Del) or _is_filled(draft, node):
            if _is_given_a_class(draft, node):
                return
            yield f"changes {node.attr}"
    elif isinstance(node, ast.Call) and last_name(node.func) == "type" and len(node.args) > 2:
        text = ast.unparse(node.args[2])
        if "__annotations__" in text or "__doc__" in text:
            yield "changes __annotations__"


def check_globals_of_a_dict(draft: Draft, node: ast.AST) -> Iterator[str]:
    """globals()["name"], where the name is one that looks inside."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Call):
        return
    if last_name(node.value.func) in ("globals", "locals", "vars"):
        for word in draft.spelled(node.slice):
            if word in BUILT_IN | LOOKING_MODULES:
                yield f"uses {word}"


# -- what is harmless


def _is_called(draft: Draft, node: ast.AST) -> bool:
    parent = draft.parent(node)
    return isinstance(parent, ast.Call) and parent.func is node


def _is_harmless(draft: Draft, node: ast.Name) -> bool:
    """Whether a built-in name is used in a way that shows nothing that is not shown otherwise."""
    if not _is_called(draft, node):
        return isinstance(node.ctx, ast.Store)
    call = draft.parent(node)
    assert isinstance(call, ast.Call)
    match node.id:
        case "eval" | "exec":
            return _runs_a_text(draft, call)
        case "__import__":
            return bool(call.args)
        case "compile":
            return isinstance(draft.parent(call), ast.Expr)  # what comes of it is dropped
        case "globals":
            return _is_subscript(draft, call)
        case "locals":
            return _is_local(draft, call)
        case "vars":
            return bool(call.args) and (
                _is_object(draft, call) or _is_listened_to_object(draft, call)
            )
    return False


def _runs_a_text(draft: Draft, call: ast.Call) -> bool:
    """Whether the code is a text of the draft that was looked at with it."""
    if is_checked_eval(call) and last_name(call.func) == "eval":
        return draft.is_listened_to(call, "eval")
    return bool(call.args) and isinstance(call.args[0], ast.Constant)


def _is_listened_to(draft: Draft, call: ast.Call) -> bool:
    """Whether the name of a fixture is looked at when it is asked for."""
    is_asked_for = isinstance(call.func, ast.Attribute) and call.func.attr == "getfixturevalue"
    return is_asked_for and is_plain_call(call) and draft.is_listened_to(call)


def _is_subscript(draft: Draft, call: ast.Call) -> bool:
    holder = draft.parent(call)
    if isinstance(holder, ast.Call) and last_name(holder.func) == "delitem":
        return all(draft.texts(word) for word in holder.args[1:])
    if not isinstance(holder, ast.Subscript):
        return False
    is_made = isinstance(holder.ctx, ast.Store) and is_harmless_mould(holder.slice)
    return is_made or bool(draft.texts(holder.slice))


def _is_local(draft: Draft, call: ast.Call) -> bool:
    """Whether locals() is that of a function, and only filled in or read by a known name."""
    node: ast.AST = call
    if _reads_names(draft.parent(call)):
        return True
    while not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
        if isinstance(node, ast.ClassDef):
            return False
        node = draft.parent(node)
    if isinstance(node, ast.Module):
        return False
    holder = draft.parent(call)
    if isinstance(holder, ast.keyword):
        outer = draft.parent(holder)
        return isinstance(outer, ast.Call) and last_name(outer.func) in _TAKES_LOCALS
    if isinstance(holder, ast.Compare):
        return True
    return _is_subscript(draft, call) or (
        isinstance(holder, ast.BinOp) and isinstance(holder.op, ast.Mod)
    )


def _is_object(draft: Draft, call: ast.Call) -> bool:
    """Whether vars(x) is what x.__dict__ is allowed for: x is no module, or it is only compared."""
    owner = call.args[0]
    holder = draft.parent(call)
    if isinstance(holder, ast.Compare) or _reads_names(holder):
        return True
    if isinstance(holder, ast.Subscript):
        words = draft.texts(holder.slice)
        return bool(words) and (INSIDES | LOOKING_MODULES | BUILT_IN).isdisjoint(words or ())
    if draft.things(owner) or last_name(owner) in ("module", "__class__"):
        return False
    return isinstance(owner, ast.Name) and _is_made_by_a_call(draft, owner)


def _is_listened_to_object(draft: Draft, call: ast.Call) -> bool:
    """Whether vars(x) is looked at as it runs, and x is no module for all that is known."""
    if not is_plain_call(call) or not draft.is_listened_to(call, "vars"):
        return False
    return not draft.is_module(call.args[0])


def _reads_names(holder: ast.AST) -> bool:
    """Whether a dictionary's holder takes no more of it than the names in it."""
    if isinstance(holder, ast.Attribute):
        return holder.attr == "keys"
    return isinstance(holder, ast.Call) and last_name(holder.func) in READ_NAMES_ONLY


def _is_made_by_a_call(draft: Draft, name: ast.Name) -> bool:
    bindings = draft.bindings.of(name) or []
    return bool(bindings) and all(
        isinstance(binding.value, ast.Call)
        and not binding.element
        and last_name(binding.value.func) not in ("type", "getattr", "import_module", "reload")
        for binding in bindings
    )


def _is_given_a_class(draft: Draft, node: ast.Attribute) -> bool:
    """Whether x.__annotations__["name"] gets something imported, which is no text to evaluate."""
    parent = draft.parent(node)
    outer = draft.parent(parent)
    return (
        node.attr == "__annotations__"
        and isinstance(parent, ast.Subscript)
        and isinstance(outer, ast.Assign)
        and parent in outer.targets
        and bool(draft.things(outer.value))
        and not draft.is_module(outer.value)
    )


def _is_filled(draft: Draft, node: ast.Attribute) -> bool:
    parent = draft.parent(node)
    if isinstance(parent, ast.Subscript):
        return isinstance(parent.ctx, ast.Store | ast.Del)
    return isinstance(parent, ast.Attribute) and parent.attr in (
        "update",
        "setdefault",
        "__setitem__",
    )
