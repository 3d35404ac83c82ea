"""The author's texts and values in source, as a story can show them."""

from __future__ import annotations

import ast
import re

from copydesk.agent.stories.facts import shortened

LONGEST_SENTENCE = 280
LONGEST_VALUE = 40
TOO_LONG = "…"
"""Stands for a value that is too long to show."""

_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|[A-Z])\.$")


def first_sentence(text: str) -> str:
    """The first sentence of a text's first paragraph, on one line.

    One that is longer than LONGEST_SENTENCE ends at a word, with an ellipsis.
    """
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    end = 0
    while match := _SENTENCE.match(paragraph, end):
        end = match.end()
        if not _ABBREVIATION.search(paragraph[:end]):
            break
    sentence = paragraph[:end] if end else paragraph
    return shortened(sentence, LONGEST_SENTENCE)


def shown_value(node: ast.expr) -> str:
    """A value as it is written in source, TOO_LONG where that does not fit into a sentence."""
    text = ast.unparse(node)
    fits = len(text) <= LONGEST_VALUE and not {"`", "\n"} & set(text)
    return text if fits else TOO_LONG
