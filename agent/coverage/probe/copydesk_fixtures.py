"""The fixtures of wider scope that a test has had set up. Standard library only."""

from __future__ import annotations

from typing import Any


def context(definition: Any) -> str:
    """The context of a fixture of wider scope."""
    return f"fixture:{definition.scope}:{definition.baseid}:{definition.argname}"


def used(item: Any) -> list[str]:
    """The contexts of the wider fixtures that were set up for a test, asked after its set-up.

    What a test asks for is not enough: one that a mark skips has nothing set up, and what a fixture
    once executed must not count any more when no test is left that has it set up.
    """
    info = getattr(item, "_fixtureinfo", None)
    done = getattr(item, "funcargs", None) or {}
    return sorted(
        context(definition)
        for definitions in (info.name2fixturedefs.values() if info else ())
        for definition in definitions
        if definition.scope != "function" and (definition.argname in done or _raised(definition))
    )


def _raised(definition: Any) -> bool:
    result = definition.cached_result
    return bool(result) and result[2] is not None
