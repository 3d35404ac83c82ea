"""The fixtures of wider scope that a test has had set up. Standard library only."""

from __future__ import annotations

from typing import Any, Callable


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


def watch_ends(under: Callable[[str], Any], ended: Callable[[Any], Any]) -> None:
    """The end of a wider fixture belongs to the fixture, not to the last test that used it.

    Args:
        under: Lets a context own what runs meanwhile.
        ended: Told each fixture that was torn down.
    """
    from _pytest.fixtures import FixtureDef

    inner = FixtureDef.finish

    def finish(self: Any, request: Any) -> None:
        if self.scope == "function":
            return inner(self, request)
        with under(context(self)):
            done = inner(self, request)
        ended(self)
        return done

    FixtureDef.finish = finish  # type: ignore[method-assign]


def ends_alone(definition: Any) -> bool:
    """Whether tearing a fixture down runs nothing: all that is to be done is pytest's own."""
    finalizers = getattr(definition, "_finalizers", None)
    if finalizers is None:
        return False
    own = type(definition)
    called = [getattr(finalizer, "func", finalizer) for finalizer in finalizers]
    return all(
        isinstance(getattr(call, "__self__", None), own) and call.__name__ == "finish"
        for call in called
    )


def _raised(definition: Any) -> bool:
    result = definition.cached_result
    return bool(result) and result[2] is not None
