"""The author's voice for a model: in words, with two posts, and what must not leak from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.agent.records import Fact
from copydesk.agent.stories.voice.nearest import as_example, nearest
from copydesk.agent.stories.voice.posts import Post
from copydesk.agent.stories.voice.records import Voice

_WORD = re.compile(r"[^\W\d_]{4,}")
_MOST_WORDS = 12
"""Words that a model is told to use, or never to."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a model is to word a story.

    `prompt` is what it is told of that, "" for nothing. `never` are words that the author never
    uses, `foreign` those that one of the posts it is shown has and neither the facts nor other
    posts.
    """

    prompt: str = ""
    never: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def faults(self, text: str) -> list[str]:
        """What of a sentence is not the author's manner, or comes from a post: reasons in words."""
        words = {word.lower() for word in re.findall(r"[\w'’-]+", text)}
        faults = [f"{word}: the author never uses this word" for word in sorted(words & self.never)]
        leaked = sorted({word.lower() for word in _WORD.findall(text)} & self.foreign)
        return [
            *faults,
            *(f"{word}: a word of an earlier post, not of the facts" for word in leaked),
        ]


PLAIN_MANNER = Manner()


def manner_of(voice: Voice, posts: Sequence[Post], facts: Sequence[Fact]) -> Manner:
    """How a model is to word a story of facts.

    Args:
        voice: How the author writes.
        posts: The author's posts; the nearest are shown with X for what belongs to them.
        facts: The story's facts.
    """
    shown = [as_example(post) for post in nearest(posts, facts)]
    lines = list(_instructions(voice))
    if shown:
        lines.append("Two earlier posts show the tone. X stands for what was left out of them:")
        lines += [f"<post>\n{text}\n</post>" for text in shown]
        lines.append("Take the tone from them alone: no word on their subjects, and never an X.")
    counts = Counter(word for post in posts for word in _words_of(post))
    words_of_facts = {word.lower() for fact in facts for word in _WORD.findall(fact.text)}
    in_examples = {word.lower() for text in shown for word in _WORD.findall(text)}
    foreign = {word for word in in_examples if counts[word] <= 1} - words_of_facts - {*voice.words}
    return Manner("\n".join(lines), frozenset(voice.never), frozenset(foreign))


def _words_of(post: Post) -> set[str]:
    return {word.lower() for word in _WORD.findall("\n".join(post.paragraphs))}


def _instructions(voice: Voice) -> list[str]:
    """What a model is told of a voice."""
    lines = []
    if voice.person:
        lines.append(f"The author says “{voice.person}” of who did the work.")
    if voice.sentence_words:
        lines.append(f"Sentences have about {voice.sentence_words} words.")
    if voice.words:
        lines.append(f"Words the author likes: {', '.join(voice.words[:_MOST_WORDS])}.")
    if voice.never:
        lines.append(f"Words the author never uses: {', '.join(voice.never[:_MOST_WORDS])}.")
    return ["How the author writes:", *lines] if lines else []
