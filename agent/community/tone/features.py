"""The nine numbers that tell the tone of a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from copydesk.agent.errors import CopydeskError

Features = tuple[float, ...]

_SMILEY = re.compile(r"[:;]-?[)DpP]")
_FROWNY = re.compile(r":-?[(/]")
_LONGEST = 5_000
"""Characters that are looked at: VADER's time grows with the square of a text's length."""


def features_of(text: str) -> Features:
    """VADER's and TextBlob's scores, punctuation, smileys and length of a text.

    The order and the limits are those that the shipped weights were fitted with: compound,
    positive, negative; polarity; `!` and `?` up to 3; smiley; frowny; words / 50 up to 4.

    Raises:
        CopydeskError: The two libraries are not installed.
    """
    shown = text[:_LONGEST]
    vader, polarity = _scorers()
    scores = vader(shown)
    return (
        scores["compound"],
        scores["pos"],
        scores["neg"],
        polarity(shown),
        float(min(3, shown.count("!"))),
        float(min(3, shown.count("?"))),
        float(bool(_SMILEY.search(shown))),
        float(bool(_FROWNY.search(shown))),
        min(4.0, len(shown.split()) / 50),
    )


@cache
def _scorers() -> tuple[Callable[[str], dict[str, float]], Callable[[str], float]]:
    """VADER's scores of a text, and TextBlob's polarity of it."""
    try:
        from textblob.en import polarity
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise CopydeskError(
            "the tone of messages needs vaderSentiment and textblob, which are not installed",
            slug="no-tone",
            hint='Install copydesk with its extra: pip install "copydesk[community]".',
        ) from error
    return SentimentIntensityAnalyzer().polarity_scores, polarity
