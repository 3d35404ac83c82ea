"""The posts of an author that are nearest to a story, with nothing in them that could be repeated.

What stands in for a number, a name, code or an address can be written into no story.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from copydesk.agent.records import Fact
from copydesk.agent.stories.vocabulary import words
from copydesk.agent.stories.voice.posts import Post

MOST_EXAMPLES = 2
LONGEST_EXAMPLE = 1200
"""Characters of a post that a model is shown."""

_CODE = re.compile(r"`+[^`]*`+")
_NUMBER_LIKE = re.compile(r"\S*\d\S*")
_NUMBER_WORD = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred"
    r"|thousand|million|dozen)s?\b",
    re.I,
)
_IDENTIFIER = re.compile(r"\S*(?:\w[._/@\\]\w|[_@/\\#~])\S*|\b[a-z]+[A-Z]\w*|\b[A-Z]\w*[A-Z]\w*")
_QUOTED = re.compile(r"[“\"„«][^”\"“»]*[”\"“»]")
_CAPITALISED = re.compile(r"\b[A-Z][\w'’-]*")
_COMMON_STARTS = frozenset(
    words(
        "A An And As At Because But By For From He Her Here Hi Hello Hey How I If In It Its Let My"
        " No Not Now Of On Or Our So Still That The Then There These They This Those Thanks To"
        " Today Until We Well What When Where Which While Why With You Your Also After Before"
        " Finally Under Only Cheers Happy Enjoy Please"
    )
)


def nearest(posts: Sequence[Post], facts: Iterable[Fact]) -> list[Post]:
    """The posts whose words are most like those of a story's facts, the nearest first.

    Args:
        posts: The author's posts.
        facts: The story's facts.
    """
    texts = [_terms(" ".join((post.title, *post.headings, *post.paragraphs))) for post in posts]
    frequency = Counter(term for text in texts for term in text)
    wanted = _terms(" ".join(fact.text for fact in facts))

    def likeness(number: int) -> float:
        common = texts[number] & wanted
        rarity = sum(math.log(1 + len(posts) / frequency[term]) for term in common)
        return rarity / math.sqrt(1 + len(texts[number]))

    order = sorted(range(len(posts)), key=lambda number: (-likeness(number), -number))
    return [posts[number] for number in order[:MOST_EXAMPLES]]


def _terms(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[^\W\d_]{4,}", text)}


def as_example(post: Post) -> str:
    """A post's prose as a model is shown it, with X in place of all that belongs to the post."""
    prose = "\n".join(masked(paragraph) for paragraph in post.paragraphs)
    return prose[:LONGEST_EXAMPLE].rpartition(" ")[0] if len(prose) > LONGEST_EXAMPLE else prose


def masked(text: str) -> str:
    """Prose with X in place of quotations, code, numbers, identifiers, names and addresses."""
    for pattern in (_CODE, _QUOTED, _NUMBER_LIKE, _NUMBER_WORD, _IDENTIFIER):
        text = pattern.sub("X", text)
    text = _CAPITALISED.sub(lambda match: match[0] if _is_common(match[0]) else "X", text)
    return re.sub(r"\bX\b(?:[\s,-]+X\b)+", "X", text)


def _is_common(word: str) -> bool:
    """Whether a capitalised word is one that begins sentences everywhere."""
    return re.split(r"['’]", word)[0] in _COMMON_STARTS
