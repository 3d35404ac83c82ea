"""Find what a sentence claims: its numbers, names, paths, ids and telling words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from copydesk.agent.stories.vocabulary import MONTHS, NUMBER_WORDS, words

_SUFFIXES = "|".join(
    words(
        "py pyi pyx md rst txt toml json yaml yml cfg ini html css js ts jsx tsx sh bat c "
        "h cpp hpp rs go java rb lock xml csv sql ipynb svg png jpg in log db env"
    )
)
_TOKEN = re.compile(
    rf"""
    (?P<url>(?:https?://|www\.)\S+)
  | (?P<date>\d{{4}}-\d\d-\d\d(?:T[\d:.+Z-]+)?|\d{{1,2}}\ (?:{"|".join(MONTHS)})\ \d{{4}})
  | (?P<path>(?<![\w/.])(?=[\w.+/-]*[A-Za-z])(?:\.{{0,2}}/)?(?:[\w.+-]+/)+[\w.+-]*\w
      |(?<![\w.])\.?[\w+-]+(?:\.[\w+-]+)*\.(?:{_SUFFIXES})\b
      |(?<![\w.])\.[A-Za-z]\w+)
  | (?P<issue>\#\d+)
  | (?P<flag>(?<!\w)--?[A-Za-z][\w-]*)
  | (?P<call>[A-Za-z_][\w.]*\(\))
  | (?P<version>\bv\d+(?:\.\d+)+\w*|\bv?\d+(?:\.\d+){{2,}}\w*)
  | (?P<number>(?:(?<![\w.])[+−-])?\b\d+(?:[,\u00a0\u202f]\d{{3}})*(?:\.\d+)?(?:\s?%)?(?![\w]))
  | (?P<sha>\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{7,64}}\b)
  | (?P<dotted>[^\W\d]\w*(?:\.[^\W\d]\w*)+)
  | (?P<snake>\w*_\w*)
  | (?P<mixed>\b(?=\w*\d)(?=\w*[^\W\d])\w+\b)
  | (?P<camel>\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*)\b)
  | (?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*|%)
  | (?P<stop>[.,;:()!?—–])
    """,
    re.X,
)
_QUOTE = re.compile(r'“([^”]*)”|"([^"]*)"')
_CODE = re.compile(r"`([^`]+)`")
_NO_CLAIM = frozenset({"e.g", "i.e", "a.m", "p.m", "and/or", "either/or", "GitHub", "PyPI"})
_NO_CLAIM |= {"JavaScript", "TypeScript", "GitLab", "I/O", "n/a"}


NAME_KINDS = frozenset({"code", "path", "call", "dotted", "snake", "flag"})
"""Kinds of token that name something a number may be told of."""


class Token(NamedTuple):
    """A piece of a sentence: its kind, its text, and where it begins."""

    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """The text in lower case when it is a word, else ""."""
        return self.text.lower() if self.kind == "word" else ""


def tokenize(text: str) -> list[Token]:
    """Cut a sentence into tokens, in order.

    Quotations and code spans are one token each; what neither claims anything nor ends a clause
    (blanks, dashes) is left out.
    """
    tokens = []
    for part, start in _quotations_and_rest(text):
        if isinstance(part, Token):
            tokens.append(part)
            continue
        for match in _TOKEN.finditer(part):
            kind = "word" if match[0] in _NO_CLAIM else str(match.lastgroup)
            tokens.append(Token(kind, match[0], start + match.start()))
    return tokens


def _quotations_and_rest(text: str) -> list[tuple[str | Token, int]]:
    """Quotations and code spans as tokens, the text between them, each with where it begins."""
    parts: list[tuple[str | Token, int]] = []
    position = 0
    for match in re.finditer(f"{_QUOTE.pattern}|{_CODE.pattern}", text):
        parts.append((text[position : match.start()], position))
        quoted = match[1] if match[1] is not None else match[2]
        kind, content = ("quote", quoted) if match[3] is None else ("code", match[3])
        parts.append((Token(kind, content, match.start()), match.start()))
        position = match.end()
    parts.append((text[position:], position))
    return parts


def number_of(token: Token) -> float | None:
    """The value of a number or number word, else None."""
    if token.kind == "number":
        return float(re.sub(r"[^\d.]", "", token.text))
    return NUMBER_WORDS.get(token.word)


def next_words(tokens: Sequence[Token], index: int, count: int) -> set[str]:
    """The words among the next tokens, in lower case."""
    return {token.word for token in tokens[index + 1 : index + 1 + count]}
