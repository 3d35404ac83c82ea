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


class ModuleDifference(NamedTuple):
    """What differs between two versions of a module.

    `names` are bound differently, `anything` says a statement with unknown effect changed,
    `hooks` that pytest is hooked into differently, so that it may collect other tests, `calls`
    that a changed statement may call something.
    """

    names: frozenset[str]
    anything: bool
    hooks: bool = False
    calls: bool = False


def compare_modules(old: Module, new: Module) -> ModuleDifference:
    """What the import of a module binds or does differently in its new version."""
    if old.broken or new.broken:
        return ModuleDifference(frozenset(), anything=True)
    statements = _ChangedStatements.of(old, new)
    hooks = any(_is_hook(name) for block in statements.changed for name in block.binds or ())
    if any(block.binds is None or _is_looked_up(block) for block in statements.changed):
        return ModuleDifference(frozenset(), anything=True, hooks=hooks)
    names = set[str]()
    for block in statements.changed:
        names |= statements.names_of(block)
    calls = any(map(_may_call, statements.changed))
    return ModuleDifference(frozenset(names), anything=False, hooks=hooks, calls=calls)


class _ChangedStatements(NamedTuple):
    """The module-level statements that stand in one version only.

    `new_or_gone_classes` came or went as a whole: they are known by their own name, not by their
    attributes'. `replaced_methods` stand in both versions, as (class, name).
    """

    changed: list[Block]
    new_or_gone_classes: set[str]
    replaced_methods: set[tuple[str, str]]

    @classmethod
    def of(cls, old: Module, new: Module) -> _ChangedStatements:
        """Compare two versions of a module."""
        before = {block.key: block for block in old.statements()}
        after = {block.key: block for block in new.statements()}
        removed = [before[key] for key in before.keys() - after.keys()]
        added = [after[key] for key in after.keys() - before.keys()]
        unchanged = [before[key] for key in before.keys() & after.keys()]
        changed = removed + added
        classes = _class_names(changed) - _class_names(unchanged)
        return cls(changed, classes, _methods(removed) & _methods(added))

    def names_of(self, block: Block) -> set[str]:
        """The names through which a changed statement is noticed."""
        if block.owner in self.new_or_gone_classes:
            return {block.owner}
        names = set(block.binds or ())
        if names and block.reflected and not self._is_replaced_method(block):
            # an override that comes or goes is found by whoever calls by the inherited name
            names.add(block.owner)
        return names

    def _is_replaced_method(self, block: Block) -> bool:
        return _is_definition(block) and _methods([block]) <= self.replaced_methods


def _may_call(block: Block) -> bool:
    """Whether it is a statement that takes something from elsewhere and is no import itself."""
    if block.key.startswith(("d:", "c:")):
        return False
    mentions = block.mentions - (block.binds or frozenset())
    return bool(mentions) and "import" not in mentions


def _is_definition(block: Block) -> bool:
    return block.key.startswith("d:")


def _methods(blocks: Iterable[Block]) -> set[tuple[str, str]]:
    """The methods among some blocks, but for tests, which only pytest looks for."""
    methods = set()
    for block in filter(_is_definition, blocks):
        for name in block.binds or ():
            if not name.startswith("test"):
                methods.add((block.owner, name))
    return methods


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
    names = set[str]()
    for block in blocks:
        if block.key.startswith("c:"):
            names |= block.binds or frozenset()
    return names
