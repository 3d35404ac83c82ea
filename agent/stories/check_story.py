"""Hold every sentence of a story against the facts it cites.

What is compared, token by token: numbers (with their unit and the part they play), number words,
paths, identifiers, commit ids, dates, quotations, words of direction. What is refused outright
unless it is the author's own word: causes, superlatives, comparisons, claims about people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from copydesk.agent.records import Example, Fact, Sentence, Story
from copydesk.agent.stories.check_changes import (
    CHANGES_OF_API,
    other_side,
    without_people,
    wrong_changes,
    wrong_people,
)
from copydesk.agent.stories.check_numbers import wrong_numbers
from copydesk.agent.stories.check_readers import heard, is_topic, wrong_readers
from copydesk.agent.stories.check_repetition import wrong_repetition
from copydesk.agent.stories.check_words import wrong_causes, wrong_verdicts, wrong_words
from copydesk.agent.stories.cited_facts import CitedFacts, unquoted
from copydesk.agent.stories.template import SECTIONS, SPAN_HEADINGS
from copydesk.agent.stories.tokens import NAME_KINDS, Token, tokenize
from copydesk.agent.stories.vocabulary import ABBREVIATIONS, MONTHS


class Problem(NamedTuple):
    """What in a sentence its facts do not support."""

    sentence: str
    token: str
    why: str


MINE = "mine"
"""Stands among the facts of a sentence that the editor vouches for; nothing checks it."""

CATEGORIES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The headings of Keep a Changelog."""

_HEADINGS = frozenset({*dict(SECTIONS), *SPAN_HEADINGS, *CATEGORIES})
"""Headings that claim nothing."""


def check(story: Story, facts: Sequence[Fact]) -> list[Problem]:
    """Check a story: its title, hook, headings, sentences, list items, examples and captions.

    Args:
        story: As written by a template, a model or an editor's hand.
        facts: All facts of the story.

    Returns:
        What is not supported, in the order of the story; empty when all of it is.
    """
    problems = []
    for sentence in sentences_of(story, tuple(fact.id for fact in facts)):
        problems += check_sentence(sentence, facts)
    for example in story.examples:
        problems += _check_example(example, facts)
    return problems


def sentences_of(story: Story, all_ids: tuple[str, ...]) -> Iterator[Sentence]:
    """Everything in a story that is a sentence, or reads like one; a title may cite any fact.

    Args:
        story: The story.
        all_ids: The facts that a title and a heading may rest on.
    """
    yield Sentence(story.title, all_ids)
    yield from filter(None, (story.greeting, story.hook))
    for heading, sentences in (*story.sections, *story.changes):
        if heading not in _HEADINGS:
            yield Sentence(heading, all_ids)
        yield from sentences
    yield from (picture.alternative for picture in story.pictures)
    yield from filter(None, (story.question,))
    if story.poll is not None:
        yield from (story.poll.question, *story.poll.answers)
    yield from filter(None, (story.sign_off,))


def _check_example(example: Example, facts: Sequence[Fact]) -> Iterator[Problem]:
    """Find what of an example is not what was run and came back."""
    if MINE in example.facts:
        return
    for fact in facts:
        if fact.id in example.facts and fact.kind == "example":
            shown = {"code": example.code, "result": example.result, "before": example.before or ""}
            for key, text in shown.items():
                if text != fact.values.get(key, ""):
                    yield Problem(example.code, text, f"not the {key} of the call that was run")
            return
    yield Problem(example.code, example.code, "no fact of this story says that it was run")


def check_sentence(sentence: Sentence, facts: Sequence[Fact]) -> list[Problem]:
    """Check one sentence against the facts it cites; one that the editor vouches for is exempt."""
    if MINE in sentence.facts:
        return []
    by_id = {fact.id: fact for fact in facts}
    cited = CitedFacts.of(by_id[i] for i in sentence.facts if i in by_id)
    problems = [(i, "no fact of this story has that id") for i in sentence.facts if i not in by_id]
    if not cited.is_verbatim(sentence.text) and not is_topic(sentence.text, cited):
        problems += _unsupported(sentence.text, cited)
    if not sentence.facts:
        problems = [(token, "the sentence cites no fact") for token, _ in problems]
    return [Problem(sentence.text, token, why) for token, why in dict.fromkeys(problems)]


def _unsupported(text: str, cited: CitedFacts) -> Iterator[tuple[str, str]]:
    """What of a sentence the cited facts do not hold."""
    tokens = tokenize(without_people(text, cited))
    yield from wrong_numbers(tokens, cited)
    yield from _wrong_names(tokens, cited)
    yield from _wrong_quotes(tokens, cited)
    yield from wrong_words(tokens, cited)
    yield from wrong_verdicts(tokens, cited)
    yield from wrong_changes(tokens, cited)
    yield from wrong_people(text, cited)
    yield from wrong_readers(tokens, cited)
    yield from wrong_causes(tokens, without_people(text, cited), cited)
    yield from wrong_repetition(tokens, cited)


_Problems = Iterator[tuple[str, str]]
_PLAIN_CAPITALS = frozenset(
    {*("I", "Python", "Pythons", "Git", "Markdown", "Linux", *MONTHS), *ABBREVIATIONS}
)
_CODE_KINDS = frozenset({"path", "call", "dotted", "snake", "camel", "mixed", "sha", "code"})
_LITERAL_KINDS = frozenset({"url", "issue", "flag", "version"})
"""Kinds of token that only the author's words can hold."""


def _wrong_names(tokens: Sequence[Token], cited: CitedFacts) -> _Problems:
    """Find paths, identifiers, dates and names that the cited facts do not hold."""
    for index, token in enumerate(tokens):
        if problem := _name_problem(tokens, index, cited):
            yield token.text, problem


def _name_problem(tokens: Sequence[Token], index: int, cited: CitedFacts) -> str:
    """What is wrong with a token that is a name, "" for nothing."""
    token = tokens[index]
    if token.kind in _CODE_KINDS:
        return _code_problem(tokens, index, cited)
    if token.kind in _LITERAL_KINDS:
        return "" if _is_literal(token.text, cited) else "no cited fact has it"
    if token.kind == "date":
        return _date_problem(tokens, index, cited)
    if _is_proper_name(tokens, index) and not _is_fact_word_or_many(token, cited):
        return "" if cited.has_name(token.text) else "no cited fact has this name"
    return ""


def _is_fact_word_or_many(token: Token, cited: CitedFacts) -> bool:
    """Whether a word is one of the facts, or several of what one of them names."""
    word = token.text.lower()
    return word in cited.words or word.removesuffix("s") in cited.words


def _is_literal(text: str, cited: CitedFacts) -> bool:
    """Whether a flag, a version, an address or the number of an issue is in the facts."""
    return cited.author_says(text) or cited.has_name(text) or text in cited.values_of("url")


def _date_problem(tokens: Sequence[Token], index: int, cited: CitedFacts) -> str:
    """What is wrong with a date: it is in no fact, or a later one stands before it."""
    day = _day(tokens[index].text)
    if day not in cited.values_of("date"):
        return "no cited fact has this date"
    earlier = [_day(token.text) for token in tokens[:index] if token.kind == "date"]
    if earlier and max(earlier) >= day:
        return "the dates are not in order"
    return ""


def _code_problem(tokens: Sequence[Token], index: int, cited: CitedFacts) -> str:
    token = tokens[index]
    if not any(char.isalnum() for char in token.text):
        return ""  # a mark such as `|`
    if not cited.has_name(token.text) and not _is_fact_word(token, cited):
        return "no cited fact names it"
    container = _container(tokens, index)
    if container and not _in_one_fact(token.text, container, cited):
        return f"no cited fact puts it in {container}"
    if token.kind == "code" and _listed_twice(tokens, index, cited):
        return "it is named twice"
    if token.kind == "code" and (side := other_side(tokens, index, cited)):
        return side
    return ""


def _is_fact_word(token: Token, cited: CitedFacts) -> bool:
    """Whether what looks like an identifier is a word of the facts."""
    return token.kind in {"camel", "mixed"} and token.text.lower() in cited.words


def _container(tokens: Sequence[Token], index: int) -> str:
    """The name after "in" in "`f` in `p`", else ""."""
    following = tokens[index + 1 : index + 3]
    if len(following) == 2 and following[0].word == "in" and following[1].kind in NAME_KINDS:
        return following[1].text
    return ""


def _in_one_fact(name: str, container: str, cited: CitedFacts) -> bool:
    """Whether a fact holds both names, or one of them is in no fact."""
    if unquoted(name) == unquoted(container):
        return False
    with_name, with_container = cited.facts_naming(name), cited.facts_naming(container)
    return bool(with_name & with_container) or not with_name or not with_container


def _listed_twice(tokens: Sequence[Token], index: int, cited: CitedFacts) -> bool:
    """Whether a list of functions or files names one of them again, in place of another."""
    text = tokens[index].text
    is_repeated = any(token.kind == "code" and token.text == text for token in tokens[:index])
    kinds = {fact.kind for fact in cited.facts}
    lists = ({"functions"}, {"change", "file"}, {"fixed tests"}, {"accepted"}, CHANGES_OF_API)
    return is_repeated and any(kinds <= kinds_of_list for kinds_of_list in lists)


def _is_proper_name(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word is capitalised without beginning a sentence."""
    token = tokens[index]
    if token.kind != "word" or not token.text[:1].isupper() or token.text in _PLAIN_CAPITALS:
        return False
    return index > 0 and tokens[index - 1].text not in {".", "!", "?", ":"}


def _day(text: str) -> str:
    if text[:4].isdigit() and text[4:5] == "-":
        return text[:10]
    try:
        return datetime.strptime(text, "%d %B %Y").date().isoformat()
    except ValueError:
        return text


def _wrong_quotes(tokens: Sequence[Token], cited: CitedFacts) -> _Problems:
    for token in tokens:
        if token.kind != "quote" or token.text in heard(cited):
            continue
        if not cited.author_says(token.text.removesuffix("…")):
            yield token.text, "the cited facts do not hold these words"
