"""The fixtures of wider scope ("class" to "session") that a test has had set up."""

from __future__ import annotations

from typing import Any, Callable

from .unaudited_calls import Replace


def context_of(definition: Any) -> str:
    """The context of a fixture of wider scope."""
    return f"fixture:{definition.scope}:{definition.baseid}:{definition.argname}"


def set_up_contexts(item: Any) -> list[str]:
    """The contexts of the wider fixtures that were set up for a test, asked after its set-up.

    What a test asks for is not enough: one that a mark skips has nothing set up, and what a fixture
    once executed must not count any more when no test is left that has it set up.
    """
    info = getattr(item, "_fixtureinfo", None)
    values = getattr(item, "funcargs", None) or {}
    contexts = []
    for definitions in info.name2fixturedefs.values() if info else ():
        for definition in definitions:
            if definition.scope == "function":
                continue
            if definition.argname in values or _has_raised(definition):
                contexts.append(context_of(definition))
    return sorted(contexts)


def watch_teardown(
    definition_class: type,
    under: Callable[[str], Any],
    torn_down: Callable[[Any], Any],
    replace: Replace,
) -> None:
    """The end of a wider fixture belongs to the fixture, not to the last test that used it.

    Args:
        definition_class: pytest's class of a fixture's definition.
        under: Lets a context own what runs meanwhile.
        torn_down: Told each fixture that was torn down.
        replace: Puts a method in place of another.
    """
    original = definition_class.finish  # type: ignore[attr-defined]

    def finish(self: Any, request: Any) -> None:
        if self.scope == "function":
            original(self, request)
            return
        with under(context_of(self)):
            original(self, request)
        torn_down(self)

    replace(definition_class, "finish", finish)


def has_empty_teardown(definition: Any) -> bool:
    """Whether tearing a fixture down runs nothing: all that is to be done is pytest's own."""
    finalizers = getattr(definition, "_finalizers", None)
    if finalizers is None:
        return False
    return all(_is_pytests_own(finalizer, type(definition)) for finalizer in finalizers)


def _is_pytests_own(finalizer: Any, definition_class: type) -> bool:
    function = getattr(finalizer, "func", finalizer)  # of a functools.partial
    owner = getattr(function, "__self__", None)
    return isinstance(owner, definition_class) and function.__name__ == "finish"


def _has_raised(definition: Any) -> bool:
    result = definition.cached_result
    return bool(result) and result[2] is not None
