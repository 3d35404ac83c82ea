"""Functions that remember their results for the whole process, so that an import may fill them.

Whoever calls such a function first executes it, and nobody after: a module that calls it while it
is imported, or does so no longer, changes what tests execute that never mention the module's names.
"""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.coverage.blocks import Block, Module, parse

REMEMBERING = frozenset({"cache", "lru_cache"})
"""The decorators of functools that keep results as long as the process lives."""


def filled(old: Module, new: Module, sources: Iterable[str]) -> frozenset[str]:
    """The remembering functions that a changed import may call first, or no longer.

    Args:
        old: The module as it was.
        new: The module as it is.
        sources: It and all that it imports, where such functions may stand.
    """
    before, after = ({b.key: b for b in module.statements()} for module in (old, new))
    changed = ((before | after)[key] for key in before.keys() ^ after.keys())
    if not any(map(_may_call, changed)):
        return frozenset()
    found: set[str] = set()
    for source in {text for text in sources if "cache" in text}:
        for block in parse(source).statements():
            if block.key.startswith("d:") and block.mentions & REMEMBERING:
                found |= block.binds or set()
    return frozenset(found)


def _may_call(block: Block) -> bool:
    """Whether it is a statement that takes something from elsewhere and is no import itself."""
    taken = block.mentions - (block.binds or frozenset())
    return block.key[:2] not in ("d:", "c:") and bool(taken) and "import" not in taken
