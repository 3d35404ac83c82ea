"""Strings that a regular expression is likely to match, made of its parsed pattern."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List

try:
    from re import _parser as _regex  # type: ignore[attr-defined]
except ImportError:  # before Python 3.11
    import sre_parse as _regex

MAX_REPEATS = 8
MAX_RANGE = 200
_CATEGORIES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}


def samples(pattern: str) -> List[str]:
    """A short and a longer text that a regular expression is likely to match.

    The parsed pattern is walked once taking the fewest repetitions and the first branch, once
    taking more and the last; look-arounds are ignored, so a sample is only a good guess.
    """
    try:
        parsed = _regex.parse(pattern)
        return [_Sampler(shortest).text(parsed) for shortest in (True, False)]
    except (re.error, RecursionError, ValueError, OverflowError):
        return []


class _Sampler:
    """Walks a parsed pattern; remembers what its groups matched."""

    def __init__(self, shortest: bool) -> None:
        self.shortest = shortest
        self.groups: Dict[int, str] = {}
        self.rules: Dict[str, Callable[[Any], str]] = {
            "LITERAL": chr,
            "ANY": lambda _: "x",
            "NOT_LITERAL": lambda code: "b" if chr(code) == "a" else "a",
            "IN": _one_of,
            "MAX_REPEAT": self._repeated,
            "MIN_REPEAT": self._repeated,
            "POSSESSIVE_REPEAT": self._repeated,
            "SUBPATTERN": self._group,
            "BRANCH": lambda branches: self.text(branches[1][0 if shortest else -1]),
            "GROUPREF": lambda number: self.groups.get(number, ""),
            "ATOMIC_GROUP": self.text,
        }

    def text(self, items: Any) -> str:
        """A text for a sequence; positions and look-arounds match none."""
        texts = []
        for code, value in items:
            rule = self.rules.get(str(code))
            texts.append(rule(value) if rule is not None else "")
        return "".join(texts)

    def _repeated(self, value: Any) -> str:
        fewest, most, items = value
        times = fewest if self.shortest else min(int(most), fewest + 2)
        return "".join(self.text(items) for _ in range(min(times, MAX_REPEATS)))

    def _group(self, value: Any) -> str:
        number, text = value[0], self.text(value[-1])
        if number is not None:
            self.groups[number] = text
        return text


def _one_of(members: Any) -> str:
    """One character of a set: the first it names, or one that a negated set does not hold."""
    is_negated = {str(code) for code, _ in members[:1]} == {"NEGATE"}
    if not is_negated:
        return next(iter(_characters(members)), "-")
    refused = _characters(members[1:])
    return next((character for character in "ab1- " if character not in refused), "~")


def _characters(members: Any) -> List[str]:
    characters: List[str] = []
    for code, value in members:
        if str(code) == "LITERAL":
            characters.append(chr(value))
        elif str(code) == "RANGE":
            last = min(value[1], value[0] + MAX_RANGE)
            characters += map(chr, range(value[0], last + 1))
        elif str(code) == "CATEGORY":
            characters.append(_CATEGORIES.get(str(value), "-"))
    return characters
