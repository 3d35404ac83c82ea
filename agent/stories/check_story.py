"""Hold every sentence of a story against the facts it cites.

What is compared, token by token: numbers (with their unit and the part they play), number words,
paths, identifiers, commit ids, dates, quotations, words of direction. What is refused outright
unless it is the author's own word: causes, superlatives, comparisons, claims about people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_numbers import wrong_numbers
from copydesk.agent.stories.check_words import wrong_causes, wrong_verdicts, wrong_words
from copydesk.agent.stories.cited_facts import Grounds, plain
from copydesk.agent.stories.template import SECTIONS
from copydesk.agent.stories.tokens import NAME_KINDS, Token, tokens
from copydesk.agent.stories.vocabulary import (
    MONTHS,
)


class Problem(NamedTuple):
    """What in a sentence its facts do not support."""

    sentence: str
    token: str
    why: str


def check(story: Story, facts: Sequence[Fact]) -> list[Problem]:
    """Check the title and every sentence of a story.

    Args:
        story: As written by a template, a model or an editor's hand.
        facts: All facts of the story.

    Returns:
        What is not supported, in the order of the story; empty when all of it is.
    """
    everything = tuple(fact.id for fact in facts)
    problems = []
    subjects = {plain(str(f.values.get("subject", ""))) for f in facts}
    if plain(story.title) not in subjects:
        problems += check_sentence(Sentence(story.title, everything), facts)
    for heading, lines in story.sections:
        if heading not in dict(SECTIONS):
            problems += check_sentence(Sentence(heading, everything), facts)
        for sentence in lines:
            problems += check_sentence(sentence, facts)
    return problems


def check_sentence(sentence: Sentence, facts: Sequence[Fact]) -> list[Problem]:
    """Check one sentence against the facts it cites."""
    table = {fact.id: fact for fact in facts}
    found = [(i, "no fact of this story has that id") for i in sentence.facts if i not in table]
    grounds = Grounds.of(table[i] for i in sentence.facts if i in table)
    cut = tokens(sentence.text)
    found += wrong_numbers(cut, grounds)
    found += _names(cut, grounds)
    found += _quotes(cut, grounds)
    found += wrong_words(cut, grounds)
    found += wrong_verdicts(cut, grounds)
    found += wrong_causes(cut, sentence.text, grounds)
    if found and not sentence.facts:
        found = [(token, "the sentence cites no fact") for token, _ in found]
    return [Problem(sentence.text, token, why) for token, why in dict.fromkeys(found)]


_Found = Iterator[tuple[str, str]]
_PLAIN_CAPITALS = frozenset({"I", "Python", "Git", "Markdown", "Linux", *MONTHS})


def _names(cut: Sequence[Token], grounds: Grounds) -> _Found:
    for i, token in enumerate(cut):
        if token.kind in {"path", "call", "dotted", "snake", "camel", "mixed", "sha", "code"}:
            if not grounds.names_it(token.text) and not _shown_word(token, grounds):
                yield token.text, "no cited fact names it"
            elif (other := _placed(cut, i)) and not _in_one_fact(token.text, other, grounds):
                yield token.text, f"no cited fact puts it in {other}"
            elif token.kind == "code" and _listed_twice(cut, i, grounds):
                yield token.text, "it is named twice"
        elif token.kind in {"url", "issue", "flag", "version"} and not grounds.says(token.text):
            yield token.text, "no cited fact has it"
        elif token.kind == "date" and _day(token.text) not in {
            str(fact.values.get("date", "")) for fact in grounds.facts
        }:
            yield token.text, "no cited fact has this date"
        elif _is_name(cut, i) and token.text.lower() not in grounds.words:
            yield token.text, "no cited fact has this name"


def _shown_word(token: Token, grounds: Grounds) -> bool:
    return token.kind in {"camel", "mixed"} and token.text.lower() in grounds.words


def _placed(cut: Sequence[Token], i: int) -> str:
    """The name after "in" in "`f` in `p`", else ""."""
    if i + 2 < len(cut) and cut[i + 1].word == "in" and cut[i + 2].kind in NAME_KINDS:
        return cut[i + 2].text
    return ""


def _in_one_fact(name: str, place: str, grounds: Grounds) -> bool:
    ours, theirs = grounds.about(name), grounds.about(place)
    if plain(name) == plain(place):
        return False
    return bool(ours & theirs) or not ours or not theirs


def _listed_twice(cut: Sequence[Token], i: int, grounds: Grounds) -> bool:
    """Whether a list of functions or files names one of them again, in place of another."""
    again = any(t.kind == "code" and t.text == cut[i].text for t in cut[:i])
    kinds = {fact.kind for fact in grounds.facts}
    return again and (kinds <= {"functions"} or kinds <= {"change", "file"})


def _is_name(cut: Sequence[Token], i: int) -> bool:
    """Whether a word is capitalised without beginning a sentence."""
    text = cut[i].text
    if cut[i].kind != "word" or not text[:1].isupper() or text in _PLAIN_CAPITALS:
        return False
    return i > 0 and cut[i - 1].text not in {".", "!", "?", ":"}


def _day(text: str) -> str:
    if text[:4].isdigit() and text[4:5] == "-":
        return text[:10]
    try:
        return datetime.strptime(text, "%d %B %Y").date().isoformat()
    except ValueError:
        return text


def _quotes(cut: Sequence[Token], grounds: Grounds) -> _Found:
    for token in cut:
        if token.kind == "quote" and not grounds.says(token.text.removesuffix("…")):
            yield token.text, "the cited facts do not hold these words"
