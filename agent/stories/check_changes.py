"""Whether what is told of names and people is what the facts say of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from copydesk.agent.stories.cited_facts import CitedFacts, unquoted
from copydesk.agent.stories.tokens import Token, next_words, tokenize
from copydesk.agent.stories.vocabulary import words

CHANGES_OF_API = frozenset(
    {
        *("api added", "api removed", "api moved", "api deprecated"),
        *("parameter added", "parameter removed", "parameter renamed", "default changed"),
        *("option added", "option removed", "option default"),
    }
)
"""Kinds of fact about what the project offers."""

PEOPLE = frozenset({"contributor", "other contributors"})
"""Kinds of fact about who made the commits."""

_VERBS = {
    **dict.fromkeys(words("new add adds added adding introduces introduced gains gained"), "added"),
    **dict.fromkeys(words("gone removed removes remove dropped drops deleted"), "removed"),
    **dict.fromkeys(words("deprecated deprecates deprecate"), "deprecated"),
    **dict.fromkeys(words("moved moves"), "moved"),
    **dict.fromkeys(words("renamed renames rename"), "renamed"),
}
_BY = frozenset({"by", "from", "thanks"})
_BETWEEN_NAMES = frozenset(words("and others more other people by from the here first commits to"))


def wrong_changes(tokens: Sequence[Token], cited: CitedFacts) -> Iterator[tuple[str, str]]:
    """Find verbs that tell another change of a name than the cited facts do.

    Only sentences whose facts are all of what the project offers are judged: of a commit a verb may
    tell anything.

    Yields:
        The verb, and what is wrong with it.
    """
    kinds = {fact.kind for fact in cited.facts}
    if not kinds or not kinds <= CHANGES_OF_API:
        return
    for index, token in enumerate(tokens):
        way = _way(tokens, index)
        if way and not any(kind.endswith(way) for kind in kinds):
            yield token.text, f"the cited facts have nothing {way}"
        if token.word in _TAKING and not any(kind.startswith(_OF_PARAMETERS) for kind in kinds):
            yield token.text, "no cited fact is about a parameter"


_TAKING = frozenset({"take", "takes", "took"})
_OF_PARAMETERS = ("parameter", "default", "option")


def _way(tokens: Sequence[Token], index: int) -> str:
    """The change that a word tells: added, removed, deprecated, moved; "" for none."""
    word = tokens[index].word
    previous = tokens[index - 1].word if index else ""
    if word in _TAKING:
        return "removed" if previous == "longer" else "added"
    return _VERBS.get(word, "")


def other_side(tokens: Sequence[Token], index: int, cited: CitedFacts) -> str:
    """What is wrong with a value or a path that is told as what was, and is what is now.

    Args:
        tokens: The sentence.
        index: The value's place.
        cited: The facts that it cites.

    Returns:
        What is wrong, "" for nothing.
    """
    name = unquoted(tokens[index].text)
    renamed = cited.values_of("old_parameter")
    earlier = cited.values_of("was") | cited.values_of("old_path") | renamed
    later = cited.values_of("now") | cited.values_of("path")
    if renamed:
        later |= cited.values_of("parameter")
    if not earlier:
        return ""
    near = tokens[index - 1].word if index else ""
    is_told_of_past = near in _OF_PAST or (renamed and near == "parameter")
    if is_told_of_past and name in later - earlier:
        return "that is what it is now"
    is_told_of_now = near in _OF_NOW or "now" in next_words(tokens, index, 1)
    named = cited.values_of("name") | cited.values_of("parameter")
    if is_told_of_now and name in earlier - later - named:
        return "that is what it was"
    return ""


_OF_NOW = frozenset({"to", "default", "gives", "raises"})
_OF_PAST = frozenset({"was", "from", "gave", "raised"})
"""Words right before a value that say whether it is so now, or was."""

_QUOTATION = re.compile(r'(“[^”]*”|"[^"]*")')


def without_people(text: str, cited: CitedFacts) -> str:
    """A sentence with blanks for the names of people that the cited facts have.

    Quotations stay whole: they are compared with what was said, names and all.
    """
    parts = _QUOTATION.split(text)
    authors = {str(fact.values["author"]) for fact in cited.facts if "author" in fact.values}
    for name in sorted(authors, key=len, reverse=True):  # with the quotes that a name may have
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        for index in range(0, len(parts), 2):
            parts[index] = pattern.sub(lambda match: " " * len(match[0]), parts[index])
    return "".join(parts)


def wrong_people(text: str, cited: CitedFacts) -> Iterator[tuple[str, str]]:
    """Find names of people that the cited facts do not have, in sentences about contributors.

    Yields:
        A word of a name, and what is wrong with it.
    """
    if not cited.facts or not all(fact.kind in PEOPLE for fact in cited.facts):
        return
    for token in _where_names_stand(tokenize(without_people(text, cited))):
        if token.kind not in ("stop", "number") and token.word not in _BETWEEN_NAMES:
            yield token.text, "no cited fact has this name"
    for name in cited.values_of("author"):
        if len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text)) > 1:
            yield name, "somebody is named twice"


def _where_names_stand(tokens: Sequence[Token]) -> Sequence[Token]:
    """What follows "by"; else what the sentence begins with, where that is capitalised."""
    for index, token in enumerate(tokens):
        if token.word in _BY:
            return tokens[index + 1 :]
    return [token for token in tokens[:2] if token.text[:1].isupper()]
