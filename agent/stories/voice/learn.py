"""Learn from posts how their author writes, with what each line was learnt from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from copydesk.agent.stories.voice.posts import Post
from copydesk.agent.stories.voice.style_words import STYLE_WORDS
from copydesk.agent.text import plural

FEWEST_POSTS = 2
"""Posts from which on anything is learnt."""
OFTEN = 0.4
"""The share of posts that must begin or end with the same words."""
MOST_WORDS, LONGEST_LINE, LONGEST_HEADING = 10, 80, 40
"""Words and characters of a greeting or a sign-off, characters of a heading."""
FEWEST_SENTENCES = 60
"""Sentences from which on a word that is not there is one that the author never uses."""

_FIRST = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|I'd|I’d|I'll|I’ll|my|mine|myself)\b")
_PLURAL = re.compile(r"\b(?:we|we're|we’re|we've|we’ve|we'd|we’d|we'll|we’ll|our|ours|us)\b", re.I)
_EMOJI = re.compile(
    "[\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff"
    "\u2600-\u27bf\u2b50\u2b55]\ufe0f?(?:[\U0001f3fb-\U0001f3ff]|\u200d[\u2600-\U0001faff]\ufe0f?)*"
)
_NOT_REPEATED = re.compile(r"\d|[`@#<>{}\[\]|]|://|www\.")
"""What makes a line one of its post: numbers, code, names of accounts, addresses."""
_MEANT_BY = {
    "new": r"\bnew\b|\bfeatures?\b|\badd(?:ed|itions?)\b|\bfresh\b",
    "fixed": r"\bfix(?:ed|es)?\b|\bbugs?\b|\brepair|\bmended\b|\bsquash",
    "changed": r"\bchang(?:ed|es)\b|\bimprove|\bdifferent\b|\bbreaking\b",
    "why": r"\bwhy\b|\bbackground\b|\bmotivation\b|\breasons?\b|\bstory behind\b",
    "tests": r"\btest(?:s|ed|ing)?\b|\bquality\b|\bcoverage\b",
    "examples": r"\bexamples?\b|\bin use\b|\busage\b|\bin action\b",
    "asked": r"\byou asked\b|\brequests?\b|\bwishes\b",
    "said": r"\bfeedback\b|\byou said\b|\bcommunity\b",
    "behind": r"\bnumbers\b|\bstatistics\b|\bstats\b|\bbehind the\b|\bthanks\b|\bcontributors?\b",
}


class Line(NamedTuple):
    """A line of a voice: its key, its value, and what it was learnt from."""

    key: str
    value: Any
    evidence: str


def learn(posts: Sequence[Post]) -> list[Line]:
    """Learn how an author writes.

    Nothing that belongs to one post is learnt: a greeting, a sign-off or a heading is one that
    several posts share, and holds no number, code, account or address; words are those of a list.

    Args:
        posts: The author's posts.

    Returns:
        A line for each thing that was learnt; none of fewer than FEWEST_POSTS posts.
    """
    if len(posts) < FEWEST_POSTS:
        return []
    sentences = [sentence for post in posts for sentence in post.sentences]
    parts: Iterable[Iterable[Line]] = (
        _person(sentences),
        _sentence_words(sentences),
        _shared("greeting", posts, _beginnings),
        _shared("sign_off", posts, _endings),
        _emoji(posts),
        _words(posts, sentences),
        _tags(posts),
        _headings(posts),
    )
    return [line for lines in parts for line in lines]


def _person(sentences: Sequence[str]) -> Iterator[Line]:
    ones = sum(bool(_FIRST.search(sentence)) for sentence in sentences)
    many = sum(bool(_PLURAL.search(sentence)) for sentence in sentences)
    evidence = f"“I” in {ones:,} and “we” in {many:,} of {plural(len(sentences), 'sentence')}"
    if max(ones, many) < FEWEST_POSTS or max(ones, many) < 2 * min(ones, many):
        return
    yield Line("person", "I" if ones > many else "we", evidence)


def _sentence_words(sentences: Sequence[str]) -> Iterator[Line]:
    counts = [len(sentence.split()) for sentence in sentences]
    if counts:
        evidence = (
            f"the median of {plural(len(counts), 'sentence')}, {min(counts)} to {max(counts)}"
        )
        yield Line("sentence_words", round(median(counts)), evidence)


def _beginnings(post: Post) -> Iterator[str]:
    """What a post may greet with: its first paragraph, the first line or sentence of that."""
    paragraph = post.paragraphs[0]
    yield paragraph.replace("\n", " ")
    yield paragraph.split("\n")[0]
    yield post.sentences[0]


def _endings(post: Post) -> Iterator[str]:
    """What a post may take leave with: its last paragraph, the last line or sentence of that."""
    paragraph = post.paragraphs[-1]
    yield paragraph.replace("\n", " ")
    yield paragraph.split("\n")[-1]
    yield post.sentences[-1]


def _shared(
    key: str, posts: Sequence[Post], lines_of: Callable[[Post], Iterator[str]]
) -> Iterator[Line]:
    """The line that most posts share, the longest of those that equally many do."""
    prose = [post for post in posts if post.sentences]
    counts = Counter(
        line for post in prose for line in dict.fromkeys(lines_of(post)) if _is_repeatable(line)
    )
    if not counts:
        return
    line, count = max(counts.items(), key=lambda item: (item[1], len(item[0]), item[0]))
    if count >= FEWEST_POSTS and count >= OFTEN * len(prose):
        yield Line(key, line, _of_posts(count, prose))


def _is_repeatable(line: str) -> bool:
    fits = len(line) <= LONGEST_LINE and len(line.split()) <= MOST_WORDS
    return fits and not _NOT_REPEATED.search(line)


def _of_posts(count: int, posts: Sequence[Post]) -> str:
    return f"{count} of {plural(len(posts), 'post')}"


def _emoji(posts: Sequence[Post]) -> Iterator[Line]:
    counts: Counter[str] = Counter()
    with_some = 0
    for post in posts:
        texts = "\n".join((post.title, *post.headings, *post.paragraphs))
        of_post = list(dict.fromkeys(_EMOJI.findall(texts)))
        with_some += bool(of_post)
        counts.update(of_post)
    if 2 * with_some >= len(posts):
        used = [emoji for emoji, count in counts.most_common(3) if count >= FEWEST_POSTS]
        if used:
            yield Line("emoji", used, f"{_of_posts(with_some, posts)} have some")


def _words(posts: Sequence[Post], sentences: Sequence[str]) -> Iterator[Line]:
    """Of the words of style those that several posts have, and those that none has."""
    texts = ["\n".join(post.paragraphs).lower() for post in posts]
    counts = {
        word: sum(bool(re.search(rf"(?<![\w'’-]){re.escape(word)}(?![\w-])", t)) for t in texts)
        for word in STYLE_WORDS
    }
    used = sorted((w for w in counts if counts[w] >= FEWEST_POSTS), key=lambda w: -counts[w])
    if used:
        shown = ", ".join(f"{word} {counts[word]}" for word in used[:5])
        yield Line("words", used, f"posts that have them: {shown}")
    never = [word for word in STYLE_WORDS if not counts[word]]
    if never and len(sentences) >= FEWEST_SENTENCES:
        yield Line("never", never, f"in none of {plural(len(sentences), 'sentence')}")


def _tags(posts: Sequence[Post]) -> Iterator[Line]:
    for key, more in (("tags", "more_tags"), ("categories", "")):
        counts = Counter(
            tag for post in posts for tag in dict.fromkeys(getattr(post, key)) if _is_lasting(tag)
        )
        everywhere = [tag for tag, count in counts.most_common() if 2 * count >= len(posts)]
        yield from _listed(key, everywhere[:10], counts, posts)
        if more:
            others = [t for t, n in counts.most_common(40) if t not in everywhere and n > 1]
            yield from _listed(more, others, counts, posts)


def _listed(
    key: str, tags: list[str], counts: Counter[str], posts: Sequence[Post]
) -> Iterator[Line]:
    """A line for tags, if there are any."""
    if tags:
        each = ", ".join(f"{tag} {counts[tag]}" for tag in tags[:5])
        yield Line(key, tags, f"of {plural(len(posts), 'post')}: {each}")


def _is_lasting(tag: str) -> bool:
    """Whether a tag may belong to a post that is not written yet."""
    return not _NOT_REPEATED.search(tag) and len(tag) <= LONGEST_HEADING


def _headings(posts: Sequence[Post]) -> Iterator[Line]:
    """The author's headings for what stories have, each in as many posts as share it."""
    for meaning, pattern in _MEANT_BY.items():
        fitting = re.compile(pattern, re.I)
        counts = Counter(
            heading
            for post in posts
            for heading in dict.fromkeys(post.headings)
            if fitting.search(heading) and _is_lasting(heading)
        )
        for heading, count in counts.most_common(1):
            if count >= FEWEST_POSTS:
                yield Line(meaning, heading, _of_posts(count, posts))
