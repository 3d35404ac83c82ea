"""The filter of the list: words, and `field:word` for a field of what is listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copydesk.agent.screen.entries import Entry

_FIELDS: dict[str, Callable[[Entry], str]] = {
    "kind": lambda entry: entry.kind,
    "file": lambda entry: entry.file,
    "author": lambda entry: entry.author,
    "verdict": lambda entry: entry.verdict,
    "commit": lambda entry: entry.commit,
}
FIELDS = tuple(_FIELDS)
"""What can be asked for by name."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are listed: those that hold every word, in the field that it names if any.

    `decided` lists what was decided on in place of what waits.
    """

    terms: tuple[tuple[str, str], ...] = ()
    decided: bool = False

    def __bool__(self) -> bool:
        return bool(self.terms) or self.decided

    def matches(self, entry: Entry) -> bool:
        """Whether an entry is listed; upper and lower case are the same."""
        return all(_holds(entry, field, word) for field, word in self.terms)

    def choose(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries that are listed, in their order."""
        return [entry for entry in entries if self.matches(entry)]


def parse_filter(text: str) -> Filter:
    """Read what was typed: words, `kind:`, `file:`, `author:`, `verdict:`, `commit:`; the word
    `:decided` lists what was decided on.

    A field that is half typed and unknown fields count as words: there is no text that is wrong.
    """
    terms: list[tuple[str, str]] = []
    decided = False
    for word in text.lower().split():
        field, colon, value = word.partition(":")
        if word == ":decided":
            decided = True
        elif colon and field in _FIELDS:
            terms.append((field, value))
        else:
            terms.append(("", word))
    return Filter(tuple(terms), decided)


def _holds(entry: Entry, field: str, word: str) -> bool:
    if field:
        return word in _FIELDS[field](entry).lower()
    texts = (entry.subject, entry.author, entry.kind, entry.verdict, entry.commit, str(entry.id))
    return any(word in text.lower() for text in texts)
