"""Whether a sentence that repeats the author's words repeats their names and numbers, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.stories.cited_facts import CitedFacts
from copydesk.agent.stories.public_api.texts import first_sentence
from copydesk.agent.stories.span.themes import without_type
from copydesk.agent.stories.tokens import NAME_KINDS, Token, number_of, tokenize

_FEWEST_WORDS = 4
"""Words that a sentence and the author's have in common for one to be a repetition."""


def wrong_repetition(tokens: Sequence[Token], cited: CitedFacts) -> Iterator[tuple[str, str]]:
    """Find names and numbers that stand where the author wrote another one.

    A sentence that has all other words of the author's, in their order, tells the same; a name that
    the author has somewhere else in it is not what the author said.

    Yields:
        The name or the number, and what is wrong with it.
    """
    plain = [token for token in tokens if token.kind != "stop"]
    words = _plain_words(plain)
    if len(words) < _FEWEST_WORDS:
        return
    for spoken in cited.as_written:
        for wording in (spoken, without_type(spoken), first_sentence(spoken)):
            authors = [token for token in tokenize(wording) if token.kind != "stop"]
            if len(authors) == len(plain) and _plain_words(authors) == words:
                yield from _differing(plain, authors)
                return


def _is_value(token: Token) -> bool:
    return token.kind in NAME_KINDS or token.kind == "camel" or number_of(token) is not None


def _plain_words(tokens: Sequence[Token]) -> list[str]:
    return [token.text.lower() for token in tokens if not _is_value(token)]


def _differing(tokens: Sequence[Token], authors: Sequence[Token]) -> Iterator[tuple[str, str]]:
    for token, author in zip(tokens, authors, strict=True):
        if token.text.removesuffix("()") != author.text.removesuffix("()"):
            yield token.text, f"the author wrote {author.text} here"
