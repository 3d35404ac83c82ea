"""The functions of a span that examples are looked for: what is new, what has changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.examples.candidates import Definition, definition_of
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Fact, Sha
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.public_api import offers_anything, read_module

_CALLABLE = ("function", "method", "class")
_NEW = "api added"
_CHANGED = (
    *("parameter added", "parameter removed", "parameter renamed", "default changed"),
    "api deprecated",
)


class Target(NamedTuple):
    """A public function, method or class.

    `is_changed`: the span's start has it, too. `must_differ`: nothing tells of its change but a
    call that gives something else.
    """

    path: str
    name: str
    what: str
    is_changed: bool
    must_differ: bool = False


def targets(repo: Repository, facts: Sequence[Fact], since: Sha, last: Sha) -> list[Target]:
    """What a span's examples may show: what is new, what is called otherwise, what does something
    else; each once, in that order. Methods and classes are among them only where their docstring
    shows a call: there is no other source of calls for them.

    Args:
        repo: The repository.
        facts: The story's facts.
        since: The commit before the span, "" where there is none.
        last: Its last commit.
    """
    by_kind = [
        *(_target(fact, is_changed=False) for fact in facts if fact.kind == _NEW),
        *(_target(fact, is_changed=True) for fact in facts if fact.kind in _CHANGED),
    ]
    named = [target for target in by_kind if target.what in _CALLABLE]
    written_anew = _written_anew(repo, since, last) if since else ()
    by_name: dict[tuple[str, str], Target] = {}
    for target in (*named, *written_anew):
        by_name.setdefault((target.path, target.name), target)
    return _with_calls(repo, list(by_name.values()), last)


def _with_calls(repo: Repository, named: Sequence[Target], last: Sha) -> list[Target]:
    """The targets for which there is a source of calls."""
    files = git.tree(repo, last)
    paths = {target.path for target in named} & {*files}
    blobs = git.read_blobs(repo, {files[path].blob for path in paths})
    trees = {path: _tree(blobs.get(files[path].blob, b"")) for path in paths}
    return [target for target in named if _has_calls(target, trees.get(target.path))]


def _tree(source: bytes) -> ast.Module | None:
    try:
        return ast.parse(decode_source(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _has_calls(target: Target, tree: ast.Module | None) -> bool:
    node = definition_of(tree, target.name) if tree is not None else None
    if node is None:
        return False
    return target.what == "function" or ">>>" in (ast.get_docstring(node, clean=False) or "")


def _target(fact: Fact, *, is_changed: bool) -> Target:
    values = fact.values
    return Target(str(values["path"]), str(values.get("name", "")), str(values["what"]), is_changed)


def _written_anew(repo: Repository, since: Sha, last: Sha) -> Iterator[Target]:
    """The public functions that both ends have, and whose code differs."""
    before, after = git.tree(repo, since), git.tree(repo, last)
    paths = [
        path
        for path in sorted({*before} & {*after})
        if path.endswith(".py") and before[path].blob != after[path].blob and offers_anything(path)
    ]
    blobs = git.read_blobs(repo, {tree[path].blob for tree in (before, after) for path in paths})
    for path in paths:
        old, new = (decode_source(blobs.get(tree[path].blob, b"")) for tree in (before, after))
        yield from _changed_functions(path, old, new)


def _changed_functions(path: str, old: str, new: str) -> Iterator[Target]:
    api = read_module(new)
    if api is None or read_module(old) is None:
        return
    former, current = ast.parse(old), ast.parse(new)
    for public in api.names:
        if public.kind == "class":
            continue
        then, now = definition_of(former, public.name), definition_of(current, public.name)
        if then is not None and now is not None and _code(then) != _code(now):
            yield Target(path, public.name, public.kind, is_changed=True, must_differ=True)


def _code(node: Definition) -> list[str]:
    """The code of a definition without its docstring."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    signature = [] if isinstance(node, ast.ClassDef) else [ast.dump(node.args)]
    return [*signature, *map(ast.dump, (*node.decorator_list, *body))]
