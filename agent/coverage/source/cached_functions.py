"""Functions that remember their results for the whole process, so that an import may fill them.

Whoever calls such a function first executes it, and nobody after: a module that calls it while it
is imported, or does so no longer, changes what tests execute that never mention the module's names.
"""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.coverage.source.blocks import parse

CACHE_DECORATORS = frozenset({"cache", "lru_cache"})
"""The decorators of functools that keep results as long as the process lives."""


def cached_functions(sources: Iterable[str]) -> frozenset[str]:
    """The caching functions of some sources, which a changed import may call first, or no longer.

    Args:
        sources: The changed module and all that it imports, where such functions may stand.
    """
    names: set[str] = set()
    for source in {text for text in sources if "cache" in text}:
        for block in parse(source).statements():
            if block.key.startswith("d:") and block.mentions & CACHE_DECORATORS:
                names |= block.binds or set()
    return frozenset(names)
