"""Slots such as {F3.passed}: the way numbers and names get into a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

from copydesk.agent.records import Fact
from copydesk.agent.stories.facts import CODE_VALUES, HEARD_VALUES, SPOKEN_VALUES, number

SLOT = re.compile(r"\{(F\d+)\.(\w+)\}")
_MARKED = re.compile(r"([`“\"]?)\{(F\d+)\.(\w+)\}([`”\"]?)")
_PLURAL = re.compile(
    r"^( (?:(?:test|executable|other|changed) )?"
    r"(?:test|line|file|function|mutant|draft|point|commit|reader|other))s\b"
)


class UnknownSlot(Exception):
    """A sentence has a slot that no fact fills."""


def base(key: str) -> str:
    """The key of a value without its running number: function_2 is a function."""
    return re.sub(r"_\d+$", "", key)


def fill(text: str, facts: Mapping[str, Fact]) -> str:
    """Put the values of facts into the slots of a sentence.

    Numbers get their separators, names and paths stand in backticks, somebody's words between
    quotes; "1 tests" becomes "1 test".

    Args:
        text: A sentence with slots.
        facts: Facts by id.

    Raises:
        UnknownSlot: A slot names no fact, or a value that its fact has not.
    """

    def value_of(match: re.Match[str]) -> str:
        before, fact, key, after = match.groups()
        if fact not in facts or key not in facts[fact].values:
            raise UnknownSlot(f"{{{fact}.{key}}} is no value of the facts")
        value = facts[fact].values[key]
        if isinstance(value, int | float):
            return f"{before}{number(value)}{after}"
        marks = _marks(base(key))
        if marks and before in '`“"' and after in '`”"':
            before = after = ""
        return f"{before}{marks[:1]}{value}{marks[1:]}{after}"

    parts = []
    position = 0
    for match in _MARKED.finditer(text):
        parts += [text[position : match.start()], value_of(match)]
        position = match.end()
    parts.append(text[position:])
    return _singular(parts)


def cited(text: str) -> tuple[str, ...]:
    """The facts that the slots of a sentence name, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in SLOT.finditer(text)))


def _marks(key: str) -> str:
    if key in CODE_VALUES:
        return "``"
    return "“”" if key in (*SPOKEN_VALUES, *HEARD_VALUES) else ""


def _singular(parts: list[str]) -> str:
    """Join literal text and values; a plural noun right after the value 1 loses its s."""
    for i in range(1, len(parts), 2):
        if parts[i] == "1":
            parts[i + 1] = _PLURAL.sub(r"\1", parts[i + 1])
    return "".join(parts)
