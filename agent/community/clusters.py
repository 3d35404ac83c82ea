"""Messages that no tag covers, put together by what they share."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from copydesk.agent.community.plain_words import prose_of

THRESHOLD = 0.25
"""The least cosine of two messages that belong together. In a trial on 15 short messages on seven
topics, 7 of 9 pairs on one topic had more (the others .19 and .00), pairs on two at most .18: it
misses rather than mixes."""

MOST_MESSAGES = 500
_GRAM = 4
_FEATURES = 40
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS = """
the and for with that this from have has had was were are but not you your can could would
should will what when where which who how why its it's does did there they them their our
please just like get got any all out use using used want need would make made know think thanks
thank also then than into some more very when about after before been being only code link don
doesn isn
"""
_COMMON = frozenset(_COMMON_WORDS.split())

Vector = dict[str, float]


def cluster(texts: Mapping[int, str]) -> list[list[int]]:
    """Group messages by single link: two with a cosine of THRESHOLD or more belong together.

    Args:
        texts: Texts by message id. Of more than MOST_MESSAGES those with the highest ids count.

    Returns:
        The groups of two and more, the largest first, each in ascending order; the same for
        texts in any order.
    """
    chosen = sorted(texts)[-MOST_MESSAGES:]
    vectors = _vectors({identity: texts[identity] for identity in chosen})
    group = {identity: identity for identity in chosen}

    def root(identity: int) -> int:
        while group[identity] != identity:
            group[identity] = group[group[identity]]
            identity = group[identity]
        return identity

    for first, second in _near_pairs(vectors):
        group[root(second)] = root(first)
    members: dict[int, list[int]] = defaultdict(list)
    for identity in chosen:
        members[root(identity)].append(identity)
    groups = [ids for ids in members.values() if len(ids) > 1]
    return sorted(groups, key=lambda ids: (-len(ids), ids))


def _near_pairs(vectors: Mapping[int, Vector]) -> list[tuple[int, int]]:
    holders: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for identity, vector in vectors.items():
        cosines: dict[int, float] = defaultdict(float)
        for feature, weight in vector.items():
            for other in holders[feature]:
                cosines[other] += weight * vectors[other][feature]
            holders[feature].append(identity)
        pairs += [(other, identity) for other, cosine in cosines.items() if cosine >= THRESHOLD]
    return pairs


def _vectors(texts: Mapping[int, str]) -> dict[int, Vector]:
    """TF-IDF over groups of characters within words, of unit length; the weightiest alone."""
    counts = {identity: Counter(_grams(text)) for identity, text in texts.items()}
    documents: Counter[str] = Counter()
    for grams in counts.values():
        documents.update(grams.keys())
    n = len(texts)
    vectors = {}
    for identity, grams in counts.items():
        weighted = {
            gram: (1 + math.log(count)) * (1 + math.log((1 + n) / (1 + documents[gram])))
            for gram, count in grams.items()
        }
        heaviest = sorted(weighted, key=lambda gram: (-weighted[gram], gram))[:_FEATURES]
        length = math.sqrt(sum(weighted[gram] ** 2 for gram in heaviest)) or 1.0
        vectors[identity] = {gram: weighted[gram] / length for gram in heaviest}
    return vectors


def _grams(text: str) -> list[str]:
    grams = []
    for word in words_of(text):
        padded = f" {word} "
        grams += [padded[i : i + _GRAM] for i in range(max(1, len(padded) - _GRAM + 1))]
    return grams


def words_of(text: str) -> list[str]:
    """The words of a message's prose that say something, in lower case."""
    words = _WORD.findall(prose_of(text).lower())
    return [word for word in words if word not in _COMMON]


def name_of(texts: Sequence[str], others: Counter[str]) -> str:
    """A name for a group: the two words that are in most of its messages and in few others.

    Args:
        texts: The messages of the group.
        others: In how many messages of all each word is.

    Returns:
        One or two words; "untitled" for messages without any.
    """
    within: Counter[str] = Counter()
    for text in texts:
        within.update(set(words_of(text)))
    scores = {word: count * count / others[word] for word, count in within.items() if count > 1}
    best = sorted(scores, key=lambda word: (-scores[word], word))[:2]
    return " ".join(best) or "untitled"
