"""What the facts that a sentence cites allow it to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.records import Fact
from copydesk.agent.stories.facts import CODE_VALUES, HEARD_VALUES, SPOKEN_VALUES, direction
from copydesk.agent.stories.fill_slots import base
from copydesk.agent.stories.public_api.texts import first_sentence
from copydesk.agent.stories.span.themes import without_type

_MEANING: dict[tuple[str, str], tuple[str, str]] = {
    ("change", "files"): ("file", ""),
    ("change", "added"): ("line", "added"),
    ("change", "removed"): ("line", "removed"),
    ("change", "others"): ("file", "others"),
    ("file", "added"): ("line", "added"),
    ("file", "removed"): ("line", "removed"),
    ("functions", "functions"): ("function", ""),
    ("functions", "others"): ("function", "others"),
    ("tests", "selected"): ("test", "ran"),
    ("tests", "total"): ("test", "whole"),
    ("tests", "passed"): ("test", "passed"),
    ("tests", "failed"): ("test", "failed"),
    ("tests", "others"): ("test", "neither"),
    ("coverage", "before"): ("percent", "before"),
    ("coverage", "after"): ("percent", "after"),
    ("coverage", "change"): ("point", ""),
    ("lines", "covered_before"): ("line", "before"),
    ("lines", "executable_before"): ("line", "before"),
    ("lines", "covered_after"): ("line", "after"),
    ("lines", "executable_after"): ("line", "after"),
    ("gaps opened", "functions"): ("function", "opened"),
    ("gaps opened", "lines"): ("line", "opened"),
    ("gaps opened", "others"): ("function", "others"),
    ("gap opened", "lines"): ("line", "opened"),
    ("open gap", "lines"): ("line", "open"),
    ("unsteady test", "flips"): ("time", ""),
    ("unsteady test", "runs"): ("run", "whole"),
    ("gaps closed", "functions"): ("function", "closed"),
    ("gaps closed", "lines"): ("line", "closed"),
    ("gaps closed", "others"): ("function", "others"),
    ("gap closed", "lines"): ("line", "closed"),
    ("drafts", "drafts"): ("draft", ""),
    ("drafts", "killed"): ("mutant", "killed"),
    ("drafts", "mutants"): ("mutant", "whole"),
    ("drafts", "others"): ("draft", "others"),
    ("span", "commits"): ("commit", "whole"),
    ("span", "behind"): ("commit", ""),
    ("span", "by_type"): ("commit", "by"),
    ("span", "by_files"): ("commit", "by"),
    ("span", "by_word"): ("commit", "by"),
    ("span", "files"): ("file", ""),
    ("span", "added"): ("line", "added"),
    ("span", "removed"): ("line", "removed"),
    ("releases", "releases"): ("release", ""),
    ("other commits", "others"): ("commit", "others"),
    ("left out", "others"): ("", "others"),
    ("contributor", "commits"): ("commit", ""),
    ("other contributors", "others"): ("person", "others"),
    ("fixed tests", "fixed"): ("test", "fixed"),
    ("fixed tests", "others"): ("test", "others"),
    ("accepted", "accepted"): ("draft", ""),
    ("floor", "floor"): ("percent", "floor"),
    ("readers", "people"): ("reader", "readers"),
    ("readers_wait", "people"): ("reader", "readers"),
    ("draft", "drafts"): ("draft", ""),
    ("draft", "killed"): ("mutant", "killed"),
    ("draft", "mutants"): ("mutant", "whole"),
}
"""The unit of a number and the part it plays, by kind of fact and key."""

_PARTS = {
    ("selected", "total"),
    *((part, total) for part in ("passed", "failed", "others") for total in ("selected", "total")),
    ("covered_before", "executable_before"),
    ("covered_after", "executable_after"),
    ("killed", "mutants"),
    ("behind", "commits"),
}
"""Which key may stand before "of", and which after it."""

_NOT_SAID = frozenset(
    {
        *("direction", "url", "source"),
        *("code", "result", "before", "command", "tier", "before_sha"),  # of an example
        *("uses", "about"),  # of what readers said
        "never",  # what the author would not say
    }
)
"""Keys whose values are no words of a sentence."""

_TRAILING_REFERENCES = re.compile(
    r"[\s(\[,]*(?:\b(?:refs?|closes|fixes|pull|issue|pr)\b[\s:]*)?(?:(?:#|GH-)\d+[\s,)\].]*)+$",
    re.I,
)

_EMOJI_AT_THE_END = re.compile(r"[\s\u2600-\u27bf\u2b50\u2b55\ufe0f\u200d\U0001f300-\U0001faff]+$")

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Figure(NamedTuple):
    """A number of a cited fact, as it is shown."""

    value: float
    unit: str
    role: str
    key: str
    fact: Fact


@dataclass(frozen=True)
class CitedFacts:
    """The numbers, names and words of the facts that a sentence cites.

    `names` are paths, functions and commit ids; `spoken` are the author's own words; `words` are
    all words but names, in lower case.
    """

    facts: tuple[Fact, ...]
    figures: tuple[Figure, ...]
    names: frozenset[str]
    spoken: tuple[str, ...]
    words: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> CitedFacts:
        """Gather what facts support."""
        facts = tuple(facts)
        figures: list[Figure] = []
        names, spoken, texts = set[str](), list[str](), list[str]()
        for fact in facts:
            for key, value in fact.values.items():
                if isinstance(value, int | float):
                    unit, role = _MEANING.get((fact.kind, key), ("", ""))
                    figures.append(Figure(round(float(value), 2), unit, role, key, fact))
                elif base(key) in CODE_VALUES:
                    names.add(unquoted(value))
                elif base(key) in SPOKEN_VALUES:
                    spoken.append(unquoted(value))
                elif base(key) not in _NOT_SAID and key not in HEARD_VALUES:
                    texts.append(value)
        words = {word.lower() for text in (*spoken, *texts) for word in WORD.findall(text)}
        return cls(facts, tuple(figures), frozenset(names), tuple(spoken), frozenset(words))

    @property
    def spoken_words(self) -> set[str]:
        """The words of the author's own texts, in lower case."""
        return {word.lower() for text in self.spoken for word in WORD.findall(text)}

    @property
    def as_written(self) -> list[str]:
        """The author's own words with their backticks."""
        return [
            str(value)
            for fact in self.facts
            for key, value in fact.values.items()
            if base(key) in SPOKEN_VALUES
        ]

    def has_kind(self, kind: str) -> bool:
        """Whether a fact of that kind (or beginning with it) is cited."""
        return any(fact.kind.startswith(kind) for fact in self.facts)

    def author_says(self, text: str) -> bool:
        """Whether the author's own words hold the text, as whole words."""
        words = unquoted(text)
        if not words:
            return False
        pattern = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
        return any(pattern.search(spoken) for spoken in self.spoken)

    def is_verbatim(self, text: str) -> bool:
        """Whether a text is what the author wrote: an entry or a subject, or its first sentence.

        The type of a conventional commit, numbers of issues at the end, the full stop and a small
        first letter may be missing.
        """
        words = bare_words(text)
        if not words or text.lstrip()[:1] in '“"':
            return False
        return any(words in _wordings(spoken) for spoken in self.spoken)

    def has_name(self, token: str) -> bool:
        """Whether a path, function or commit id is in the facts, whole or by its last parts."""
        name = unquoted(token)
        if not name:
            return False
        if self._ends_a_name(name) or self._ends_a_name(name.removesuffix("()")):
            return True
        if re.fullmatch(r"[0-9a-f]{7,64}", name):
            shas = [str(fact.values["sha"]) for fact in self.facts if "sha" in fact.values]
            return any(sha.startswith(name) for sha in shas)
        return self.author_says(name) or self._is_of_known_parts(name)

    def _is_of_known_parts(self, name: str) -> bool:
        """Whether a dotted name is made of names and words of the facts, its last part a name."""
        *owners, last = name.removesuffix("()").split(".")
        if not owners or not self._ends_a_name(last):
            return False
        return all(self._ends_a_name(part) or part.lower() in self.words for part in owners)

    def _ends_a_name(self, text: str) -> bool:
        return any(_is_end_of(text, name) for name in self.names)

    def values_of(self, key: str) -> set[str]:
        """The texts that the facts give for a key, whatever number follows it."""
        return {
            unquoted(str(value))
            for fact in self.facts
            for name, value in fact.values.items()
            if base(name) == key
        }

    def facts_naming(self, name: str) -> frozenset[str]:
        """The ids of the cited facts that hold a name, whole or by its last parts."""
        text = unquoted(name).removesuffix("()")
        return frozenset(
            fact.id
            for fact in self.facts
            if fact.kind != "touched"  # it does not say which name is where
            and any(_is_end_of(text, unquoted(value)) for value in _code_values(fact))
        )

    def directions(self, *, coverage_only: bool) -> set[str]:
        """Which ways the cited figures went: rose, fell, unchanged."""
        ways = {str(f.values["direction"]) for f in self.facts if "direction" in f.values}
        if coverage_only:
            return ways
        for fact in self.facts:
            if fact.kind in {"change", "file", "span"}:
                ways.add(direction(float(fact.values["removed"]), float(fact.values["added"])))
        return ways

    def figures_of_value(self, value: float | None) -> list[Figure]:
        """The cited figures that show a number."""
        return [figure for figure in self.figures if figure.value == value]

    def value(self, kind: str, key: str) -> float | None:
        """One number of the first cited fact of a kind, or None."""
        return next((f.value for f in self.figures if f.fact.kind == kind and f.key == key), None)


def _code_values(fact: Fact) -> list[str]:
    """The names, paths and ids of a fact."""
    return [
        value
        for key, value in fact.values.items()
        if isinstance(value, str) and base(key) in CODE_VALUES
    ]


def _is_end_of(text: str, name: str) -> bool:
    """Whether a text is a path or dotted name, or the last parts of it."""
    return name == text or name.endswith((f".{text}", f"/{text}"))


def is_part_of_whole(part: Sequence[Figure], whole: Sequence[Figure]) -> bool:
    """Whether some two figures of one fact may be told as "part of whole"."""
    return any(a.fact is b.fact and (a.key, b.key) in _PARTS for a in part for b in whole)


def bare_words(text: str) -> str:
    """Words without conventional type, references and full stop, their first letter small."""
    text = _EMOJI_AT_THE_END.sub("", text)
    words = _TRAILING_REFERENCES.sub("", unquoted(without_type(text))).rstrip(".")
    return words[:1].lower() + words[1:]


def _wordings(spoken: str) -> set[str]:
    """The ways in which a story may repeat what the author wrote."""
    return {
        bare_words(spoken),
        bare_words(first_sentence(spoken)),
        bare_words(without_type(spoken)),
    }


def unquoted(text: str) -> str:
    """Text without quotes, backticks and doubled blanks, to compare words only."""
    return " ".join(re.sub("[“”„‘’'\"`]", "", text).split())
