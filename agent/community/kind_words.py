"""The words of a message that its kind is told by: single words and pairs, by where they stand."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

from copydesk.agent.community.kind_cues import Facts

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[?!]|\d+")
_MOST_WORDS = 150
_FIRST_WORDS = 12
_ASKING_WORDS = 6
_START_WORDS = (2, 3, 4)
_LEAST_SHOWN = 4


class WordWeights(NamedTuple):
    """How loud words speak for kinds.

    Attributes:
        kinds: The kinds, in the order of the weights.
        weights: By word or pair, with the zone in front, a weight for each kind.
    """

    kinds: tuple[str, ...]
    weights: Mapping[str, Sequence[float]]


def words_of(facts: Facts) -> set[str]:
    """The words and pairs of a message, each with its zone in front.

    The zones are "" (anywhere), "first:" (in the first sentence), "start:" (how the message
    begins), "title:" (in the title of the thread that it opens) and "asks:" (how its questions
    begin). Numbers are all the same.
    """
    tokens = _tokens(facts.prose)[:_MOST_WORDS]
    words = {*_with_pairs("", tokens)}
    words.update(_with_pairs("first:", _tokens(facts.first)[:_FIRST_WORDS]))
    words.update(_with_pairs("title:", _tokens(facts.title)))
    for sentence in facts.sentences:
        if sentence.endswith("?"):
            words.update(_with_pairs("asks:", _tokens(sentence)[:_ASKING_WORDS]))
    start = ["^", *tokens[: _START_WORDS[-1]]]
    words.update("start:" + " ".join(start[:count]) for count in _START_WORDS)
    return words


def word_scores(words: set[str], learned: WordWeights) -> dict[str, float]:
    """How loud the words of a message speak for each kind, on the whole.

    Their weights are summed and divided by the root of their number, so that a long message does
    not speak louder than a short one.
    """
    rows = [learned.weights[word] for word in words if word in learned.weights]
    if not rows:
        return dict.fromkeys(learned.kinds, 0.0)
    root = math.sqrt(len(rows))
    sums = map(sum, zip(*rows, strict=True))
    return {kind: total / root for kind, total in zip(learned.kinds, sums, strict=True)}


def loudest_word(words: set[str], kind: str, learned: WordWeights) -> str:
    """The words that speak loudest for a kind, without their zone; "" if none speak for it.

    A word of fewer than four letters says nothing to a reader, and is not given.
    """
    place = learned.kinds.index(kind)
    weights = {
        word: learned.weights[word][place]
        for word in words
        if word in learned.weights and len(word.rpartition(":")[2]) >= _LEAST_SHOWN
    }
    best = max(weights, key=lambda word: (weights[word], word), default="")
    if weights.get(best, 0.0) <= 0:
        return ""
    return best.rpartition(":")[2].removeprefix("^").strip()


@cache
def load_words() -> WordWeights:
    """The weights that were fitted, of hundredths in kind_words.json."""
    text = resources.files(__package__).joinpath("kind_words.json").read_text("utf-8")
    document = json.loads(text)
    weights = {word: [w / 100 for w in row] for word, row in document["words"].items()}
    return WordWeights(tuple(document["kinds"]), weights)


def _tokens(text: str) -> list[str]:
    tokens = _TOKEN.findall(text.lower().replace("’", "'"))
    return ["0" if token[0].isdigit() else token for token in tokens]


def _with_pairs(zone: str, tokens: Sequence[str]) -> Iterator[str]:
    yield from (zone + token for token in tokens)
    yield from (f"{zone}{token} {after}" for token, after in pairwise(tokens))
