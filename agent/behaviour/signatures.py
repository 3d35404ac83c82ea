"""Calls of the parent's form that a changed function refuses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from copydesk.agent.behaviour.changed_functions import ChangedFunction, Version
from copydesk.agent.behaviour.records import Comparison
from copydesk.agent.sandboxed.copydesk_tools.source import (
    Signature,
    function_named,
    is_bound,
    signature_of,
)
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import python_files

MOST_CALLERS = 10


class Ends(Protocol):
    """The files that a commit changed, at both of its ends."""

    @property
    def before(self) -> Mapping[str, bytes]:
        """At the parent, by path."""

    @property
    def after(self) -> Mapping[str, bytes]:
        """At the commit, by path."""


class _Call(NamedTuple):
    """What a call hands over: so many by position, these by name; `open` for `*` and `**`."""

    positional: int
    keywords: frozenset[str]
    is_open: bool


def compare_signatures(
    change: ChangedFunction, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> Comparison | None:
    """The verdict on a function that refuses calls it took before; None where it takes them all.

    Args:
        change: The function.
        before: The changed files at the parent, by path.
        after: Those at the commit.
    """
    if change.before is None or change.after is None:
        return None
    old, new = _signature(change.before, before), _signature(change.after, after)
    if old is None or new is None:
        return None
    reason = _refusal(old, new)
    return Comparison(change, "signature", reason) if reason else None


def _signature(version: Version, sources: Mapping[str, bytes]) -> Signature | None:
    try:
        tree = ast.parse(decode_source(sources[version.path]))
    except (KeyError, SyntaxError, ValueError, RecursionError):
        return None
    node = function_named(tree, version.function, [version.line])
    owner = version.function.rpartition(".")[0]
    return signature_of(node, bound=is_bound(node, owner)) if node is not None else None


def _refusal(old: Signature, new: Signature) -> str:
    """What of calls that the old form takes the new one refuses; "" for nothing."""
    return _gone(old, new) or _required(old, new) or _moved(old, new) or _less_open(old, new)


def _gone(old: Signature, new: Signature) -> str:
    by_name = {parameter.arg for parameter, _ in new.named}
    by_position = {parameter.arg for parameter, _ in old.by_position}
    gone = [parameter.arg for parameter, _ in old.named if parameter.arg not in by_name]
    is_taken = new.keywords is not None and by_position.isdisjoint(gone)
    return f"removed {_parameters(gone)}" if gone and not is_taken else ""


def _required(old: Signature, new: Signature) -> str:
    required_before = {p.arg for p in old.required} | set(old.required_keywords)
    required = {p.arg for p in new.required} | set(new.required_keywords)
    fresh = sorted(required - required_before)
    return f"new required {_parameters(fresh)}" if fresh else ""


def _moved(old: Signature, new: Signature) -> str:
    was = [parameter.arg for parameter, _ in old.by_position]
    now = [parameter.arg for parameter, _ in new.by_position]
    if len(now) < len(was) and new.variadic is None:
        return f"{', '.join(was[len(now) :])} by keyword only"
    return "" if now[: len(was)] == was else f"parameters in another order: {', '.join(now)}"


def _less_open(old: Signature, new: Signature) -> str:
    if old.variadic and not new.variadic:
        return f"removed parameter *{old.variadic.arg}"
    return f"removed parameter **{old.keywords.arg}" if old.keywords and not new.keywords else ""


def _parameters(names: list[str]) -> str:
    return f"parameter{'s' if len(names) > 1 else ''} {', '.join(names)}"


def refused_callers(change: ChangedFunction, tree: Path, ends: Ends) -> tuple[str, ...]:
    """The places of a tree that call a function in a way it refuses now, as path:line.

    Found by the name that is called, so a call of another function of that name may be among them.

    Args:
        change: The function.
        tree: The commit's files.
        ends: The files that it changed.
    """
    assert change.after is not None
    signature = _signature(change.after, ends.after)
    owner, _, name = change.after.function.rpartition(".")
    word = owner if name in ("__init__", "__new__") else name
    if signature is None:
        return ()
    callers: list[str] = []
    for path in python_files(tree):
        for line, call in _calls(_text(tree / path, word), word):
            if not _takes(signature, call):
                callers.append(f"{path}:{line}")
    return tuple(callers[:MOST_CALLERS])


def _text(path: Path, word: str) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    return decode_source(content) if word.encode() in content else ""


def _calls(text: str, word: str) -> Iterator[tuple[int, _Call]]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if word not in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            continue
        is_open = any(isinstance(a, ast.Starred) for a in node.args)
        is_open = is_open or any(keyword.arg is None for keyword in node.keywords)
        names = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
        yield node.lineno, _Call(len(node.args), names, is_open)


def _takes(signature: Signature, call: _Call) -> bool:
    """Whether a call's arguments fit; one with `*` or `**` is taken to."""
    if call.is_open:
        return True
    names = [parameter.arg for parameter, _ in signature.by_position]
    if call.positional > len(names) and signature.variadic is None:
        return False
    handed = {*names[: call.positional], *call.keywords}
    named_parameters = {parameter.arg for parameter, _ in signature.named}
    if call.keywords - named_parameters and signature.keywords is None:
        return False
    required = {parameter.arg for parameter in signature.required} | signature.required_keywords
    return required <= handed
