"""What a draft spells out: names of insides, of variables, of files, and pickles."""

from __future__ import annotations

import ast
import pickletools
from collections.abc import Iterator
from pathlib import PurePosixPath

from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import is_checked_unpickling
from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.imports import question_of_dotted
from copydesk.agent.testgen.verify.questions.tables import (
    BUILT_IN,
    ENVIRONMENT,
    HARMLESS_GLOBALS,
    SPELLED_OUT,
    TALKS_OF_INSIDES,
)


def check_texts(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Texts that name what the draft could look at."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return
    if isinstance(draft.parent(node), ast.Expr) and not draft.reads_docs:
        return
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    match = TALKS_OF_INSIDES.search(text)
    if match:
        yield f"names {match.group()}"
    elif _is_spelled_out(draft, node, text):
        yield f"names {text}"
    elif text.startswith(ENVIRONMENT) and text.isupper():
        yield f"names the variable {text}"
    elif _is_source(draft, text):
        yield f"names {text}, the source that it tests"


def _is_spelled_out(draft: Draft, node: ast.AST, text: str) -> bool:
    """Whether a text is the name of something that looks inside, by itself."""
    if text == "sys.modules":
        return not _is_patched_dict(draft, node)
    return text in SPELLED_OUT or (text in BUILT_IN and text.startswith("__"))


def check_pickles(draft: Draft, node: ast.AST) -> Iterator[str]:
    """What is unpickled was pickled in the draft, or names nothing but the project's classes."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    name = last_name(node.func)
    if name not in ("load", "loads") or not _is_of_pickle(draft, node.func):
        return
    for data in _sources(draft, node.args[0]):
        if is_checked_unpickling(node) and draft.is_listened_to(node, "pickle"):
            return
        if isinstance(data, ast.Constant) and isinstance(data.value, bytes):
            yield from _in_pickle(draft, data.value)
        elif not _is_pickled(data):
            yield "unpickles what is made up"


def _is_of_pickle(draft: Draft, function: ast.expr) -> bool:
    owners = {part for thing in draft.things(function) for part in thing.split(".")[:-1]}
    return bool(owners & {"pickle", "_pickle", "shelve"}) or (
        not owners and draft.resolver.imports_pickle and last_name(function) == "loads"
    )


def _sources(draft: Draft, node: ast.expr, depth: int = 0) -> Iterator[ast.expr | None]:
    """The expressions that a value may come from; None for one that is not known."""
    bindings = draft.bindings.of(node) if isinstance(node, ast.Name) else None
    if bindings is None or depth > 5:
        yield node
        return
    for binding in bindings:
        if binding.value is None:
            yield None
        elif not binding.element:
            yield from _sources(draft, binding.value, depth + 1)
        else:
            yield from _leaves(draft, binding.value, depth + 1)


def _leaves(draft: Draft, node: ast.expr, depth: int) -> Iterator[ast.expr | None]:
    match node:
        case ast.List(values) | ast.Tuple(values) | ast.Set(values):
            for value in values:
                yield from _leaves(draft, value, depth)
        case ast.Call(ast.Attribute(attr="param"), values):
            for value in values:
                yield from _leaves(draft, value, depth)
        case ast.Constant(bytes()):
            yield node
        case ast.Constant() | ast.Attribute() | ast.Lambda():
            return
        case ast.Name():
            if draft.bindings.of(node) is not None:
                yield from _sources(draft, node, depth)
        case ast.Call() if draft.texts(node) is None and not _is_pickled(node):
            return  # an object that stands beside the data
        case _:
            yield node


def _is_pickled(node: ast.expr | None) -> bool:
    """Whether an expression gives what has been pickled in this process."""
    if isinstance(node, ast.Call):
        return last_name(node.func) in ("dumps", "getvalue", "BytesIO") and (
            last_name(node.func) != "BytesIO" or not node.args
        )
    return False


def _in_pickle(draft: Draft, data: bytes) -> Iterator[str]:
    """What a pickle names, by reading its opcodes (pickletools runs nothing of it)."""
    pushed: list[str | None] = []
    memo: dict[int, str | None] = {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
                place = argument if isinstance(argument, int) else len(memo)
                memo[place] = pushed[-1] if pushed else None
                continue
            yield from _by_opcode(draft, opcode.name, argument, pushed)
            memorised = memo.get(argument) if isinstance(argument, int) else None
            is_kept = opcode.name in ("GET", "BINGET", "LONG_BINGET")
            pushed.append(argument if isinstance(argument, str) else memorised if is_kept else None)
    except ValueError:
        return  # what is no pickle cannot be unpickled


def _by_opcode(
    draft: Draft, name: str, argument: object, pushed: list[str | None]
) -> Iterator[str]:
    """What an opcode names; `pushed` are the texts before it, None for what is no text."""
    if name in ("GLOBAL", "INST"):
        yield from question_of_pickled(draft, str(argument).replace(" ", ".", 1))
    elif name == "STACK_GLOBAL":
        module, attribute = [None, None, *pushed][-2:]
        if module is None or attribute is None:
            yield "unpickles a literal"
        else:
            yield from question_of_pickled(draft, f"{module}.{attribute}")
    elif name in ("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"):
        yield "unpickles a literal"


def question_of_pickled(draft: Draft, dotted: str) -> Iterator[str]:
    """What to ask about a name that a pickle holds."""
    if dotted in HARMLESS_GLOBALS:
        return
    package = dotted.partition(".")[0]
    refused = any(True for _ in question_of_dotted(draft, dotted))
    if refused or not draft.is_known(package):
        yield "unpickles a literal"


def _is_patched_dict(draft: Draft, node: ast.AST) -> bool:
    """Whether a text is the dictionary of patch.dict("sys.modules", {"name": ...}), where nobody
    gets at the patched dictionary and the names may be imported.
    """
    call = draft.parent(node)
    if not isinstance(call, ast.Call) or last_name(call.func) != "dict" or len(call.args) != 2:
        return False
    holder = draft.parent(call)
    hidden = isinstance(holder, ast.withitem) and holder.optional_vars is None
    if not hidden and not isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    values = call.args[1]
    return isinstance(values, ast.Dict) and all(_is_known(draft, key) for key in values.keys)


def _is_known(draft: Draft, key: ast.expr | None) -> bool:
    """Whether an expression names modules that may be imported."""
    words = draft.texts(key) if key is not None else None
    return bool(words) and not any(True for w in words or () for _ in question_of_dotted(draft, w))


def _is_source(draft: Draft, text: str) -> bool:
    """Whether a text is the path of the file under test, or a pattern that has its name."""
    target: PurePosixPath = draft.target
    if "\n" in text or not text.endswith((target.name, f"{target.stem}.pyc")):
        return False
    rest = text[: -len(target.name)] if text.endswith(target.name) else "/"
    return not rest or rest.endswith(("/", "\\", "*"))
