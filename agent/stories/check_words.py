"""Whether the telling words of a sentence are held by its facts: directions, verdicts, causes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.stories.cited_facts import WORD, CitedFacts
from copydesk.agent.stories.tokens import Token, next_words, number_of
from copydesk.agent.stories.vocabulary import BANNED, CAUSE, LOOSE, UNITS, WAYS, words

_Problems = Iterator[tuple[str, str]]
"""Words of a sentence, each with what is wrong with it."""

_OTHER_WAY = "the cited facts did not go that way"
_OPINION = "an opinion or a comparison that no fact holds"
_NO_TEST_REACHES = re.compile(
    r"\bno tests? (?:reach|cover)|\bno longer (?:reach|cover)|\bun(?:covered|tested)\b"
)
_NOW_REACHED = re.compile(r"\bnewly\b|\bnow (?:reach|cover)")
_EDITS = {
    "added": frozenset({"add", "adds", "added", "adding"}),
    "removed": frozenset(words("remove removes removed removing delete deletes deleted deleting")),
}
_ALL = frozenset({"all", "every", "everything", "each"})
_NONE = frozenset({"no", "none", "neither", "zero"})
_FAILING = frozenset({"fail", "fails", "failed", "failing"})


def wrong_words(tokens: Sequence[Token], cited: CitedFacts) -> _Problems:
    """Find directions that no cited figure took, opinions and comparisons."""
    coverage_only = any(token.word == "coverage" for token in tokens)
    ways = cited.directions(coverage_only=coverage_only)
    for index, token in enumerate(tokens):
        is_authors_word = token.word in cited.words and cited.author_says(token.text)
        if is_authors_word or not token.word:
            continue
        if _is_authors_verb(token.word, cited) or _is_bound(tokens, index):
            continue
        if problem := _word_problem(tokens, index, ways):
            yield token.text, problem


def _is_authors_verb(word: str, cited: CitedFacts) -> bool:
    """Whether the author has a direction's verb in another form: "Drop support", "was dropped"."""
    way = WAYS.get(word)
    if way is None or len(word) < 4:
        return False
    return any(other[:4] == word[:4] and WAYS.get(other) == way for other in cited.spoken_words)


def _is_bound(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word belongs to a bound, not a direction: less than one, more than 20."""
    following = tokens[index + 1 : index + 3]
    if tokens[index].word not in {"less", "more", "fewer"} or len(following) < 2:
        return False
    return following[0].word == "than" and number_of(following[1]) is not None


def _word_problem(tokens: Sequence[Token], index: int, ways: set[str]) -> str:
    """What is wrong with a word, given the ways that the cited figures went; "" for nothing."""
    word = tokens[index].word
    direction = WAYS.get(word) or _up_or_down(tokens, index)
    if direction:
        return "" if direction in ways else _OTHER_WAY
    if word in BANNED:
        return "" if word in LOOSE and not _is_before_figure(tokens, index) else _OPINION
    if word == "more" and "rose" not in ways and next_words(tokens, index, 1) & {*UNITS, "than"}:
        return _OTHER_WAY
    return ""


def _up_or_down(tokens: Sequence[Token], index: int) -> str:
    """up and down tell a direction next to a figure; elsewhere they belong to a verb."""
    direction = {"up": "rose", "down": "fell"}.get(tokens[index].word, "")
    previous = tokens[index - 1].word if index else ""
    if previous in {"is", "was", "went", "goes", "coverage"}:
        return direction
    following = tokens[index + 1 : index + 2]
    if following and (number_of(following[0]) is not None or following[0].word in {"by", "from"}):
        return direction
    return ""


def _is_before_figure(tokens: Sequence[Token], index: int) -> bool:
    following = tokens[index + 1 : index + 2]
    if following and number_of(following[0]) is not None:
        return True
    return bool(next_words(tokens, index, 2) & set(UNITS))


def wrong_verdicts(tokens: Sequence[Token], cited: CitedFacts) -> _Problems:
    """Find what is claimed without a number: all passed, nothing measured, no test reaches."""
    words = [token.word for token in tokens]
    yield from _wrong_outcomes(frozenset(words), cited)
    yield from _wrong_gaps(" ".join(words), cited)
    yield from _wrong_edits(words, cited)


class _TestFigures(NamedTuple):
    """The numbers of tests that the cited facts give; None where they do not."""

    failed: float | None
    passed: float | None
    others: float | None
    selected: float | None
    total: float | None

    @classmethod
    def of(cls, cited: CitedFacts) -> _TestFigures:
        return cls(*(cited.value("tests", key) for key in cls._fields))

    @property
    def all_passed(self) -> bool:
        return self.failed == 0 and bool(self.passed) and not self.others

    @property
    def all_failed(self) -> bool:
        return self.passed == 0 and bool(self.failed) and not self.others

    @property
    def whole_suite_ran(self) -> bool:
        return self.selected is not None and self.selected == self.total


def _wrong_outcomes(told: frozenset[str], cited: CitedFacts) -> _Problems:
    """Find claims about the tests' outcomes that the cited figures do not bear out."""
    tests = _TestFigures.of(cited)
    if told & _ALL:
        yield from _wrong_all(told, tests)
    has_failures = tests.failed or cited.has_kind("fixed tests")
    if told & _FAILING and not has_failures and not _denies_failure(told, cited):
        yield "failed", "the cited facts have no failure"
    if told & {"whole", "entire"} and "suite" in told and not tests.whole_suite_ran:
        yield "suite", "the cited facts do not say that the whole suite ran"
    if told & {"nothing", "unmeasured"} and not cited.has_kind("unmeasured"):
        yield "nothing", "the cited facts do not say so"


def _wrong_all(told: frozenset[str], tests: _TestFigures) -> _Problems:
    if "passed" in told and not tests.all_passed:
        yield "passed", "the cited facts do not say that all passed"
    if told & _FAILING and not tests.all_failed:
        yield "failed", "the cited facts do not say that all failed"


def _denies_failure(told: frozenset[str], cited: CitedFacts) -> bool:
    """Whether a sentence says that none failed, or repeats the author's own words."""
    return bool(told & _NONE) or any(map(cited.author_says, _FAILING))


def _wrong_gaps(text: str, cited: CitedFacts) -> _Problems:
    """Find lines that are said to have become covered or uncovered, and did not."""
    if _NO_TEST_REACHES.search(text) and not _has_gap(cited, "opened"):
        yield "uncovered", "no cited fact tells of lines that became uncovered"
    became_covered = _has_gap(cited, "closed") or cited.has_kind("lines")
    if _NOW_REACHED.search(text) and not became_covered:
        yield "now", "no cited fact tells of lines that became covered"


def _has_gap(cited: CitedFacts, change: str) -> bool:
    return cited.has_kind(f"gap {change}") or cited.has_kind(f"gaps {change}")


def _wrong_edits(told: Sequence[str], cited: CitedFacts) -> _Problems:
    """Find verbs of adding and removing where nothing was added or removed."""
    for key, verbs in _EDITS.items():
        verbs_told = [word for word in told if word in verbs]
        is_held = any(figure.key == key and figure.value for figure in cited.figures)
        is_held |= any(fact.kind.endswith(f" {key}") for fact in cited.facts)
        if verbs_told and not is_held and not any(map(cited.author_says, verbs)):
            yield verbs_told[0], f"the cited facts have nothing {key}"


def wrong_causes(tokens: Sequence[Token], text: str, cited: CitedFacts) -> _Problems:
    """Find a cause that no cited note of the author gives; most of its words must be there.

    Args:
        tokens: The sentence.
        text: The same as text.
        cited: The facts that it cites.
    """
    text = _without_quotations(tokens, text)
    match = CAUSE.search(text)
    if match is None:
        return
    if match[0].lower() == "thanks to" and text[match.end() :].startswith("  "):
        return  # to somebody whom the facts name
    notes = _content_words(" ".join(str(f.values.get("note", "")) for f in cited.facts))
    reason = _content_words(text[match.end() :])
    if not notes or not reason or len(reason & notes) < 0.6 * len(reason):
        yield match[0].strip(",; "), "no note of the author gives this reason"


def _without_quotations(tokens: Sequence[Token], text: str) -> str:
    """A sentence with blanks for quotations and code: those are judged as what they quote."""
    for token in tokens:
        if token.kind in {"quote", "code"}:
            end = token.start + len(token.text) + 2
            text = text[: token.start] + " " * (end - token.start) + text[end:]
    return text


def _content_words(text: str) -> set[str]:
    """The words of a text that carry meaning: four letters and more."""
    return {word.lower() for word in WORD.findall(text) if len(word) > 3}
