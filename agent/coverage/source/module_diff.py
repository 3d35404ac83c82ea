"""What differs between two versions of a module."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.agent.coverage.source.blocks import Block, Module

LOOKED_UP = re.compile(
    r"pytest_\w+|pytestmark|collect_ignore(_glob)?|load_tests|__(getattr|dir|all|path|test)__"
    r"|(async)?(setup|teardown)(_?(module|class|method|function))?",
    re.IGNORECASE,
)
"""Names that pytest, unittest or Python look for: nothing that is executed mentions them."""


class Delta(NamedTuple):
    """What differs between two versions of a module.

    `names` are bound differently, `anything` says a statement with unknown effect changed,
    `hooks` that pytest is hooked into differently, so that it may collect other tests, `calls`
    that a changed statement may call something.
    """

    names: frozenset[str]
    anything: bool
    hooks: bool = False
    calls: bool = False


def compare(old: Module, new: Module) -> Delta:
    """What the import of a module binds or does differently in its new version."""
    if old.broken or new.broken:
        return Delta(frozenset(), anything=True)
    before = {b.key: b for b in old.statements()}
    after = {b.key: b for b in new.statements()}
    gone = [before[k] for k in before.keys() - after.keys()]
    came = [after[k] for k in after.keys() - before.keys()]
    changed = gone + came
    # a class that came or went as a whole is known by its own name, not by its attributes'
    kept = _class_names([before[k] for k in before.keys() & after.keys()])
    whole = _class_names(changed) - kept
    renewed = _members(gone) & _members(came)
    names: set[str] = set()
    anything = hooks = False
    for block in changed:
        bound = block.binds or frozenset()
        hooks = hooks or any(map(_is_hook, bound))
        if block.binds is None or _is_looked_up(block):
            anything = True
        elif block.owner in whole:
            names.add(block.owner)
        else:
            names |= bound
            # an override that comes or goes is found by whoever calls by the inherited name
            kept_name = block.key[:2] == "d:" and not _members([block]) - renewed
            if block.reflected and bound and not kept_name:
                names.add(block.owner)
    if anything:
        return Delta(frozenset(), anything=True, hooks=hooks)
    return Delta(frozenset(names), anything=False, hooks=hooks, calls=any(map(_may_call, changed)))


def _may_call(block: Block) -> bool:
    """Whether it is a statement that takes something from elsewhere and is no import itself."""
    taken = block.mentions - (block.binds or frozenset())
    return block.key[:2] not in ("d:", "c:") and bool(taken) and "import" not in taken


def _members(blocks: Iterable[Block]) -> set[tuple[str, str]]:
    """The methods among some blocks, but for tests, which only pytest looks for."""
    return {
        (b.owner, name)
        for b in blocks
        if b.key[:2] == "d:"
        for name in b.binds or ()
        if not name.startswith("test")
    }


def _is_looked_up(block: Block) -> bool:
    """Whether it changes what is found without being named, like a fixture for every test."""
    names = block.binds or frozenset()
    return "autouse" in block.mentions or any(map(LOOKED_UP.fullmatch, names))


def _is_hook(name: str) -> bool:
    return name.startswith(("pytest_", "collect_ignore")) or name == "load_tests"


def hooks_into_pytest(module: Module) -> bool:
    """Whether a conftest file has hooks, or says which files not to collect."""
    return any(_is_hook(name) for block in module.statements() for name in block.binds or ())


def _class_names(blocks: Iterable[Block]) -> set[str]:
    return {name for b in blocks if b.key.startswith("c:") and b.binds for name in b.binds}
