"""Whether the numbers of a sentence are its facts' numbers, told of what they are numbers of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from copydesk.agent.stories.cited_facts import CitedFacts, Figure, is_part_of_whole
from copydesk.agent.stories.tokens import NAME_KINDS, Token, next_words, number_of
from copydesk.agent.stories.vocabulary import FINITE, MONTHS, PARTICIPLES, UNITS

_CONJUNCTIONS = frozenset({"and", "but", "while", "whereas", "with", "against"})
_TO_WHOLE = frozenset({"of", "the", "all", "its", "those", "in"})
"""Words that may stand between the part and the whole in "3 of the 4 tests"."""

_WITH_BEFORE_AND_AFTER = frozenset({"percent", "line"})
"""Units of which the facts give figures before and after the commit."""

_VERSIONS = frozenset({"version", "versions", "release", "releases"})
_CHANGES = frozenset({"added", "removed", "opened", "closed"})


def wrong_numbers(tokens: Sequence[Token], cited: CitedFacts) -> Iterator[tuple[str, str]]:
    """Find numbers and number words that the cited facts do not hold.

    Args:
        tokens: The sentence.
        cited: The facts that it cites.

    Yields:
        The number as written, and what is wrong with it.
    """
    for index in range(len(tokens)):
        number = _Number(tokens, index)
        if not number.is_claim:
            continue
        figures = _fitting(number, cited)
        if not figures:
            if not number.is_in_authors_words(cited):
                yield number.token.text, _why_not(number, cited)
        elif number.whole is not None:
            wholes = cited.figures_of_value(number_of(tokens[number.whole]))
            if not is_part_of_whole(figures, wholes):
                yield number.token.text, "the facts do not tell it as a part of that whole"


def _fitting(number: _Number, cited: CitedFacts) -> list[Figure]:
    """The cited figures that a number may stand for."""
    unit = number.unit
    roles = number.roles
    if unit in _WITH_BEFORE_AND_AFTER or not unit:
        roles |= number.sign(unit)
    facts = number.facts_told_of(cited)
    return [
        figure
        for figure in cited.figures_of_value(number.value)
        if _is_unit(unit, figure)
        and _plays_all(figure, roles)
        and (not facts or figure.fact.id in facts)
    ]


def _is_unit(unit: str, figure: Figure) -> bool:
    """Whether a number may count what a figure does; where it counts nothing, not readers."""
    return unit == figure.unit or (not unit and figure.role != "readers")


def _plays_all(figure: Figure, roles: set[str]) -> bool:
    if not roles:  # "3 functions" is not "3 other functions"
        return figure.role not in {"others", "neither", "by"}
    return all(_plays(figure, role) for role in roles)


def _plays(figure: Figure, role: str) -> bool:
    if role not in {"before", "after"}:
        return figure.role == role
    if figure.unit in _WITH_BEFORE_AND_AFTER:
        # a count that has no earlier or later is neither
        return figure.role == role or figure.role in _CHANGES
    return role == "after"


def _why_not(number: _Number, cited: CitedFacts) -> str:
    if cited.figures_of_value(number.value):
        return "the cited facts have this number for something else"
    return "no cited fact has this number"


class _Number:
    """A token of a sentence, which may be a number, and what the words around it say of it.

    Args:
        tokens: The sentence.
        index: Which token.
    """

    def __init__(self, tokens: Sequence[Token], index: int) -> None:
        self._tokens = tokens
        self._index = index
        self.token = tokens[index]
        self.value = number_of(self.token)
        self.whole = _whole_of(tokens, index)
        """The index of the Y in "X of the Y", where this is the X."""

    @property
    def is_claim(self) -> bool:
        """Whether it is a number that tells a count, not a pronoun or part of a verdict."""
        if self.value is None or (self.token.word and not self._counts()):
            return False
        verdict = self._next_words(3) & {"reaches", "reach", "covers", "cover"}
        return not (self.token.word == "no" and verdict)  # "no test reaches"

    def _counts(self) -> bool:
        """Whether a number word stands for a count ("one test"), not a pronoun ("this one")."""
        if self.token.word not in {"one", "no"}:
            return True
        return bool(self._next_words(2) & set(UNITS)) or self.whole is not None

    def _next_words(self, count: int) -> set[str]:
        return next_words(self._tokens, self._index, count)

    def is_in_authors_words(self, cited: CitedFacts) -> bool:
        """Whether a number stands so in the author's words, or is a commit id of digits only; a
        number word, whether it is a name, such as that of a function.
        """
        if self.token.kind != "number":
            return not self.unit and cited.has_name(self.token.text)
        text = self.token.text
        following = self._tokens[self._index + 1 : self._index + 2]
        word = following[0].text if following and following[0].word else ""
        if text in cited.values_of("tag") or self._is_version(cited) or self._is_year(cited):
            return True
        return cited.author_says(f"{text} {word}") or (len(text) >= 7 and cited.has_name(text))

    def _is_version(self, cited: CitedFacts) -> bool:
        """Whether it is a version that the author names so: Python 3.9, version 4.2."""
        before = self._tokens[self._index - 1] if self._index else None
        if before is None or "." not in self.token.text or not before.word:
            return False
        named = before.word in _VERSIONS and cited.author_says(self.token.text)
        named |= cited.has_name(self.token.text)
        return named or cited.author_says(f"{before.text} {self.token.text}")

    def _is_year(self, cited: CitedFacts) -> bool:
        """Whether it is the year of a cited day, of the month before it where there is one."""
        before = self._tokens[self._index - 1].text if self._index else ""
        month = f"{MONTHS.index(before) + 1:02}" if before in MONTHS else ""
        if not month and before.lower() != "in":
            return False
        days = cited.values_of("date")
        return any(day.startswith(f"{self.token.text}-{month}") for day in days)

    @property
    def unit(self) -> str:
        """What it counts, "" where that is not told."""
        if self.token.text.endswith("%"):
            return "percent"
        unit = ""
        for token in self._clause_after(past_whole=True)[:5]:
            if token.word in UNITS:
                unit = UNITS[token.word]  # of "test drafts" the last word counts
            elif unit:
                break
        return unit

    def sign(self, unit: str) -> set[str]:
        """The role that a sign before a number gives it: +3 lines were added."""
        if self.token.kind != "number" or unit == "percent":
            return set()
        return {"+": {"added"}, "-": {"removed"}, "−": {"removed"}}.get(self.token.text[:1], set())

    @property
    def roles(self) -> set[str]:
        """The parts that the words around it say it plays."""
        if self._is_whole_of_another():
            words = {PARTICIPLES.get(token.word) for token in self._clause_after()}
            return {"before"} & words
        after = _meanings(self._clause_after(past_whole=True), PARTICIPLES)
        if "neither" in after:
            return {"neither"}
        if after:
            return {after[0]}
        return set(_meanings(self._clause_before()[:3], FINITE)[:1])

    def facts_told_of(self, cited: CitedFacts) -> frozenset[str]:
        """The facts of the name that it is told of: "3 lines of `f`", "`p` (3 added)"."""
        name = self._name_after() or self._name_before_parenthesis()
        return cited.facts_naming(name) if name else frozenset()

    def _name_after(self) -> str:
        for previous, token in pairwise(self._clause_after()[:4]):
            if token.kind in NAME_KINDS and previous.word in {"of", "in"}:
                return token.text
        return ""

    def _name_before_parenthesis(self) -> str:
        for index in range(self._index - 1, 0, -1):
            text = self._tokens[index].text
            if text == ")":
                break
            if text == "(" and self._tokens[index - 1].kind in NAME_KINDS:
                return self._tokens[index - 1].text
        return ""

    def _is_whole_of_another(self) -> bool:
        return any(
            number_of(self._tokens[index]) is not None
            and _whole_of(self._tokens, index) == self._index
            for index in range(max(0, self._index - 5), self._index)
        )

    def _clause_after(self, *, past_whole: bool = False) -> list[Token]:
        """The tokens of its clause behind it, up to the next number or conjunction.

        Args:
            past_whole: Of "X of the Y tests", go on behind Y.
        """
        start = self._index + 1
        if not past_whole or self.whole is None:
            return _clause(self._tokens[start:])
        return [*self._tokens[start : self.whole], *_clause(self._tokens[self.whole + 1 :])]

    def _clause_before(self) -> list[Token]:
        """The tokens of its clause ahead of it, the nearest first."""
        return _clause(self._tokens[self._index - 1 :: -1] if self._index else [])


def _clause(tokens: Iterable[Token]) -> list[Token]:
    """The tokens up to the end of a clause or the next number."""
    clause = []
    for token in tokens:
        if token.kind == "stop" or token.word in _CONJUNCTIONS or number_of(token) is not None:
            break
        clause.append(token)
    return clause


def _meanings(tokens: Iterable[Token], table: dict[str, str]) -> list[str]:
    return [table[token.word] for token in tokens if token.word in table]


def _whole_of(tokens: Sequence[Token], index: int) -> int | None:
    """The index of Y when the number at an index is the X of "X of the Y"."""
    has_of = False
    for candidate in range(index + 1, min(index + 5, len(tokens))):
        token = tokens[candidate]
        if number_of(token) is not None:
            return candidate if has_of else None
        is_unit = candidate == index + 1 and token.word in UNITS
        if not is_unit and token.word not in _TO_WHOLE:
            return None
        has_of |= token.word == "of"
    return None
