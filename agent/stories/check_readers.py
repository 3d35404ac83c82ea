"""Whether what a story says of readers is what the facts say: counts, topics, exact quotations.

A sentence about readers has few words of its own, so that it can name nobody and claim nothing
else: the rest of it are counts, and quotations of readers, of topics and of the author's commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from copydesk.agent.records import Fact
from copydesk.agent.stories.cited_facts import CitedFacts
from copydesk.agent.stories.facts import HEARD_VALUES
from copydesk.agent.stories.tokens import Token, next_words, number_of
from copydesk.agent.stories.vocabulary import words

READER_KINDS = frozenset({"readers", "readers_wait", "reader_quote", "asked_and_done"})
"""Kinds of fact about what readers said and did."""

_WORDS = frozenset(
    words(
        "a one reader readers you asked wrote took part in the talk about which what should come"
        " first next or"
    )
)
"""All that a sentence about readers says in words of its own."""
_KEY_AFTER = {
    "wrote": "quote",
    **dict.fromkeys(("about", "first", "should", "or"), "topic"),
}
"""What a quotation after a word must be."""
_READERS = frozenset({"reader", "readers"})
_SAYING = frozenset({"wrote", "asked", "said"})
_UNWORDED = frozenset({"quote", "code", "number", "stop"})

_Problems = Iterator[tuple[str, str]]


def heard(cited: CitedFacts) -> set[str]:
    """What the cited facts have of readers that may be quoted, as it was written."""
    return {
        str(fact.values[key])
        for fact in _reader_facts(cited)
        for key in HEARD_VALUES
        if key in fact.values
    }


def is_topic(text: str, cited: CitedFacts) -> bool:
    """Whether a text is a topic of readers and nothing else, such as an answer of a poll."""
    return text in {str(fact.values.get("topic", "")) for fact in _reader_facts(cited)} - {""}


def wrong_readers(tokens: Sequence[Token], cited: CitedFacts) -> _Problems:
    """Find what a sentence about readers says that their facts do not.

    Args:
        tokens: The sentence.
        cited: The facts that it cites.

    Yields:
        A word, a quotation or a number, and what is wrong with it.
    """
    facts = _reader_facts(cited)
    if not facts or not _is_about_readers(tokens, cited):
        return
    for token in tokens:
        if token.kind not in _UNWORDED and token.word not in _WORDS and number_of(token) is None:
            yield token.text, "the facts say no such thing of readers"
    keys = _keys(tokens)
    topics = [tokens[index].text for index, key in keys.items() if key == "topic"]
    if len(set(topics)) < len(topics):
        yield topics[-1], "it is named twice"
    yield from _wrong_quotations(tokens, facts, keys)
    yield from _wrong_counts(tokens, facts, topics)


def _reader_facts(cited: CitedFacts) -> list[Fact]:
    return [fact for fact in cited.facts if fact.kind in READER_KINDS]


def _is_about_readers(tokens: Sequence[Token], cited: CitedFacts) -> bool:
    """Whether a sentence rests on what readers said alone, quotes it, or counts readers."""
    if all(fact.kind in READER_KINDS for fact in cited.facts):
        return True
    quotations = heard(cited)
    return any(
        (token.kind == "quote" and token.text in quotations)
        or _counts_readers(tokens, index)
        or (token.word in _READERS and next_words(tokens, index, 1) & _SAYING)
        for index, token in enumerate(tokens)
    )


def _counts_readers(tokens: Sequence[Token], index: int) -> bool:
    following = tokens[index + 1 : index + 2]
    return number_of(tokens[index]) is not None and bool(
        following and following[0].word in _READERS
    )


def _keys(tokens: Sequence[Token]) -> dict[int, str]:
    """What each quotation is of, by its place, and each commit's id."""
    keys: dict[int, str] = {}
    previous: Token | None = None
    for index, token in enumerate(tokens):
        if token.kind == "quote":
            keys[index] = _key_after(previous)
        elif token.kind == "code":
            keys[index] = "short"
        if token.kind != "stop":
            previous = token
    return keys


def _key_after(previous: Token | None) -> str:
    """What a quotation behind a word, behind another quotation, or ahead of all words is of."""
    if previous is None:
        return "quote"
    if previous.kind == "quote":
        return "subject"
    return _KEY_AFTER.get(previous.word, "quote")


def _wrong_quotations(
    tokens: Sequence[Token], facts: Sequence[Fact], keys: Mapping[int, str]
) -> _Problems:
    """Find quotations and commits that are not what their place says, or not on that topic."""
    topics = [tokens[index].text for index, key in keys.items() if key == "topic"]
    for index, key in keys.items():
        text = tokens[index].text
        if not _is_on_topic(key, text, facts, ()):
            yield text, f"that is no {key} of the cited facts"
        elif key != "topic" and not _is_on_topic(key, text, facts, topics):
            yield text, "the cited facts have it for another topic"


def _is_on_topic(key: str, text: str, facts: Sequence[Fact], topics: Sequence[str]) -> bool:
    return any(
        fact.values.get(key) == text and (not topics or fact.values.get("topic") in topics)
        for fact in facts
    )


def _wrong_counts(
    tokens: Sequence[Token], facts: Sequence[Fact], topics: Sequence[str]
) -> _Problems:
    """Find numbers of readers that the facts have for other readers, or for another topic."""
    kind = "readers" if any(token.word == "took" for token in tokens) else "readers_wait"
    counts = _counts(kind, facts, topics)
    for index, token in enumerate(tokens):
        if _counts_readers(tokens, index) and number_of(token) not in counts:
            yield token.text, "the cited facts do not count so many readers of it"
        if token.word == "readers" and (index == 0 or not _counts_readers(tokens, index - 1)):
            yield token.text, "how many is not said"


def _counts(kind: str, facts: Sequence[Fact], topics: Sequence[str]) -> set[float]:
    """The numbers of readers that facts of a kind have, for these topics where any are named."""
    of_kind = [fact for fact in facts if fact.kind == kind]
    of_topics = [fact for fact in of_kind if not topics or fact.values["topic"] in topics]
    return {float(fact.values["people"]) for fact in of_topics}
