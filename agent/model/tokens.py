"""How many tokens a text is: guessed on the high side, and corrected by what servers counted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

LEAST_LEARNED: Final = 300
"""Tokens of a prompt from which on a server's count says something; in shorter ones the chat
template weighs too much."""

MOST_LEARNED: Final = 3.0
"""A factor beyond that is a mistake of the server's."""

# Letters of the longest piece that still counts as one token, by the kind of text. Held against
# the tokenizer of SmolLM2, whose 49,152 tokens are few, so that it needs many for a text: single
# digits, and hardly a word that is not English.
_LOWER_LETTERS, _UPPER_LETTERS = 4, 2
_FOREIGN_BYTES = 1.4
_SYMBOL = 0.9  # tokens; many stand together in one
_PIECE = re.compile(
    r"(?P<digits>\b(?=[a-f]{0,39}[0-9])[0-9a-f]{7,}\b|[^\S\n]?[+-]?[0-9]+[!-/:-@]?)"
    r"|(?P<lower>[a-z]+)|(?P<upper>[A-Z]+)|(?P<foreign>[^\x00-\x7f]+)"
    r"|(?P<blank>\n+|[^\S\n]{2,})|(?P<symbol>[!-/:-@\[-`{-~\x00-\x08\x0e-\x1f\x7f])"
)


def byte_guess(text: str) -> int:
    """A third of the bytes in UTF-8: what most models need for English prose and code."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def estimate(text: str) -> int:
    """The tokens of a text, guessed on the high side: a third of its bytes, or more where numbers,
    symbols, capitals or foreign letters are many."""
    count = 0.0
    for piece in _PIECE.finditer(text):
        count += _tokens(piece.lastgroup or "", piece[0])
    return max(byte_guess(text), math.ceil(count) + 1)


def learned_factor(counted: Iterable[tuple[str, int]]) -> float:
    """What the estimate is to be multiplied with for a model; never less than 1.

    The highest ratio counts: a prompt that is longer than was thought does not fit, one that is
    shorter only leaves some room unused.

    Args:
        counted: Prompts, and the tokens that the server counted in each.
    """
    ratios = [
        tokens / guess
        for prompt, tokens in counted
        if tokens >= LEAST_LEARNED and (guess := estimate(prompt))
    ]
    return min(max([1.0, *ratios]), MOST_LEARNED)


def _tokens(kind: str, piece: str) -> float:
    """The tokens of a piece of text of one kind."""
    if kind == "lower":
        return -(-len(piece) // _LOWER_LETTERS)
    if kind == "upper":
        return -(-len(piece) // _UPPER_LETTERS)
    if kind == "foreign":
        return 1 + len(piece.encode("utf-8", "replace")) / _FOREIGN_BYTES
    if kind == "digits":
        return len(piece)
    return _SYMBOL if kind == "symbol" else 1.0
