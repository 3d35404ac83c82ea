"""What the facts that a sentence cites allow it to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.records import Fact
from copydesk.agent.stories.facts import CODE_VALUES, SPOKEN_VALUES
from copydesk.agent.stories.fill_slots import base

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
    ("draft", "drafts"): ("draft", ""),
    ("draft", "killed"): ("mutant", "killed"),
    ("draft", "mutants"): ("mutant", "whole"),
}
"""The unit of a number and the part it plays, by kind of fact and key."""

_PAIRS = {
    ("selected", "total"),
    *((part, whole) for part in ("passed", "failed", "others") for whole in ("selected", "total")),
    ("covered_before", "executable_before"),
    ("covered_after", "executable_after"),
    ("killed", "mutants"),
}
"""Which key may stand before "of", and which after it."""

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Figure(NamedTuple):
    """A number of a cited fact, as it is shown."""

    value: float
    unit: str
    role: str
    key: str
    fact: Fact


@dataclass(frozen=True)
class Grounds:
    """The numbers, names and words of the facts that a sentence cites."""

    facts: tuple[Fact, ...]
    figures: tuple[Figure, ...]
    names: frozenset[str]
    spoken: tuple[str, ...]
    words: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Grounds:
        """Gather what facts support."""
        facts = tuple(facts)
        figures, names, spoken, others = [], set(), [], []
        for fact in facts:
            for key, value in fact.values.items():
                if isinstance(value, int | float):
                    unit, role = _MEANING.get((fact.kind, key), ("", ""))
                    figures.append(Figure(round(float(value), 2), unit, role, key, fact))
                elif base(key) in CODE_VALUES:
                    names.add(plain(value))
                elif base(key) in SPOKEN_VALUES:
                    spoken.append(plain(value))
                elif key != "direction":
                    others.append(value)
        words = {w.lower() for text in (*spoken, *others) for w in WORD.findall(text)}
        return cls(facts, tuple(figures), frozenset(names), tuple(spoken), frozenset(words))

    def has(self, kind: str) -> bool:
        """Whether a fact of that kind (or beginning with it) is cited."""
        return any(fact.kind.startswith(kind) for fact in self.facts)

    def says(self, text: str) -> bool:
        """Whether the author's own words hold the text, as whole words."""
        wanted = plain(text)
        return bool(wanted) and any(
            re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", said) for said in self.spoken
        )

    def names_it(self, token: str) -> bool:
        """Whether a path, function or commit id is in the facts, whole or by its last parts."""
        name = plain(token)
        if not name:
            return False
        for known in (name, name.removesuffix("()")):
            if known in self.names or any(
                full.endswith((f".{known}", f"/{known}")) for full in self.names
            ):
                return True
        if re.fullmatch(r"[0-9a-f]{7,64}", name):
            shas = [str(f.values["sha"]) for f in self.facts if "sha" in f.values]
            return any(sha.startswith(name) for sha in shas)
        return self.says(name)

    def about(self, name: str) -> frozenset[str]:
        """The ids of the cited facts that hold a name."""
        wanted = plain(name).removesuffix("()")
        return frozenset(
            fact.id
            for fact in self.facts
            if any(
                isinstance(value, str)
                and base(key) in CODE_VALUES
                and (plain(value) == wanted or plain(value).endswith((f".{wanted}", f"/{wanted}")))
                for key, value in fact.values.items()
            )
        )

    def directions(self, *, coverage_only: bool) -> set[str]:
        """Which ways the cited figures went: rose, fell, unchanged."""
        ways = {str(f.values["direction"]) for f in self.facts if "direction" in f.values}
        for fact in self.facts if not coverage_only else ():
            if fact.kind in {"change", "file"}:
                net = float(fact.values["added"]) - float(fact.values["removed"])
                ways.add("rose" if net > 0 else "fell" if net < 0 else "unchanged")
        return ways

    def value(self, kind: str, key: str) -> float | None:
        """One number of the first cited fact of a kind, or None."""
        return next((f.value for f in self.figures if f.fact.kind == kind and f.key == key), None)


def pair(part: Sequence[Figure], whole: Sequence[Figure]) -> bool:
    """Whether some two figures of one fact may be told as "part of whole"."""
    return any(a.fact is b.fact and (a.key, b.key) in _PAIRS for a in part for b in whole)


def plain(text: str) -> str:
    """Text without quotes, backticks and doubled blanks, to compare words only."""
    return " ".join(re.sub("[“”„‘’'\"`]", "", text).split())
