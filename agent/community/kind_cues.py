"""What in a message speaks for its kind: phrases, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from copydesk.agent.community import kind_phrases as phrases
from copydesk.agent.community import passing_phrases as passing
from copydesk.agent.community.plain_words import prose_of, sentences_of

Cues = dict[str, str]
"""The cues that a message gives by name, each with the words that gave it; "" for none."""


class Facts(NamedTuple):
    """What the cues look at.

    `lower` is the prose in lower case, character by character; `words` is how many it has, `first`
    its first sentence; `title` is that of a thread which the message opens.
    """

    text: str
    prose: str
    lower: str
    sentences: list[str]
    first: str
    words: int
    title: str
    tone: str
    is_reply: bool
    by_author: bool


_SHORT = 12
_PHRASES: dict[str, tuple[re.Pattern[str], str]] = {
    "report form": (phrases.REPORT_FORM, ""),
    "fault": (phrases.FAULT, "first reply"),
    "request": (phrases.REQUEST, "first reply"),
    "answers": (phrases.ANSWERS, "first reply"),
    "praise": (phrases.PRAISE, ""),
    "complaint": (phrases.COMPLAINT, ""),
    "wonders": (phrases.WONDERS, ""),
    "confirms": (passing.CONFIRMS, ""),
    "failing": (passing.FAILING, "first reply"),
    "announces": (passing.ANNOUNCES, "first"),
    "done": (passing.DONE, "first reply short"),
    "advises": (passing.ADVISES, "first reply"),
    "solved": (passing.SOLVED, ""),
    "proposes": (passing.PROPOSES, "first reply"),
    "asks for review": (passing.ASKS_FOR_REVIEW, ""),
    "displeased": (passing.DISPLEASED, "first short"),
    "chat": (passing.CHAT, "short"),
    "weighs": (passing.WEIGHS, "first"),
    "thanks": (passing.THANKS, "first short"),
    "pleased": (passing.PLEASED, "first short"),
}
"""The phrases, and where they count apart: in the first sentence, in a reply, in a short text."""

_LOWER_PHRASES = {
    name: (re.compile(pattern.pattern, pattern.flags & ~re.IGNORECASE), places)
    for name, (pattern, places) in _PHRASES.items()
}
"""The same for text in lower case: searching without regard to case takes twice to three times
as long."""

_CONTEXT: dict[str, Callable[[Facts], bool]] = {
    "it is a reply": lambda facts: facts.is_reply,
    "the author replies": lambda facts: facts.by_author and facts.is_reply,
    "the author begins": lambda facts: facts.by_author and not facts.is_reply,
    "it opens a thread": lambda facts: bool(facts.title),
    "it is one word": lambda facts: facts.words <= 1,
    "it has at most 3 words": lambda facts: facts.words <= 3,
    "it has at most 8 words": lambda facts: facts.words <= 8,
    "it has at most 25 words": lambda facts: facts.words <= 25,
    "it has more than 60 words": lambda facts: facts.words > 60,
    "it has more than 120 words": lambda facts: facts.words > 120,
    "it is short, and no reply": lambda facts: facts.words <= 8 and not facts.is_reply,
    "its tone is positive": lambda facts: facts.tone == "positive",
    "its tone is negative": lambda facts: facts.tone == "negative",
    "it is short, of positive tone": lambda facts: facts.tone == "positive" and facts.words <= 15,
    "it is short, of negative tone": lambda facts: facts.tone == "negative" and facts.words <= 30,
    "it has an exclamation mark": lambda facts: "!" in facts.text,
    "it has code": lambda facts: "`" in facts.text,
    "it has a link": lambda facts: "https://" in facts.text or "http://" in facts.text,
    "it begins with a quotation": lambda facts: facts.text.lstrip().startswith(">"),
    "it addresses somebody": lambda facts: facts.text.lstrip().startswith(("@", "<@")),
}

_TEXTS: dict[str, tuple[re.Pattern[str], str]] = {
    "trace": (passing.TRACE, ""),
    "change link": (passing.CHANGE_LINK, "reply"),
    "emoji": (passing.EMOJI, ""),
}


def facts_of(text: str, title: str, tone: str, is_reply: bool, by_author: bool) -> Facts:
    """What the cues look at, of a message."""
    prose = prose_of(text)
    sentences = sentences_of(prose)
    first = sentences[0] if sentences else ""
    return Facts(
        *(text, prose, _lowered(prose), sentences, first, len(prose.split())),
        *(title, tone, is_reply, by_author),
    )


def _lowered(text: str) -> str:
    """A text in lower case whose characters stand where they stood."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def cues_of(facts: Facts) -> Cues:
    """The cues that a message gives."""
    cues = {name: "" for name, holds in _CONTEXT.items() if holds(facts)}
    first = _lowered(facts.first)
    for name, (pattern, places) in _LOWER_PHRASES.items():
        match = pattern.search(facts.lower)
        if match is not None:
            is_first = "first" in places and pattern.search(first) is not None
            words = facts.prose[match.start() : match.end()]
            cues |= dict.fromkeys(_phrase_cues(facts, name, places, is_first), words)
    for name, (pattern, places) in _TEXTS.items():
        match = pattern.search(facts.text)
        if match is not None:
            cues |= dict.fromkeys(_phrase_cues(facts, name, places, is_first=False), match[0])
    return cues | _questions(facts) | _beginning(facts) | _title(facts.title)


def _phrase_cues(facts: Facts, name: str, places: str, is_first: bool) -> list[str]:
    """The cues of a phrase that the message has, by where it has it."""
    names = [name]
    if is_first:
        names.append(f"{name} first")
    if "reply" in places and facts.is_reply:
        names.append(f"{name} in a reply")
    if "short" in places and facts.words <= _SHORT:
        names.append(f"{name} in short")
    return names


def _questions(facts: Facts) -> Cues:
    """Cues of the sentences that ask. "Does that help?" and the like ask for no answer."""
    asking = [
        sentence
        for sentence in facts.sentences
        if sentence.endswith(("?", "?!")) and len(sentence.split()) > 1
    ]
    real = [sentence for sentence in asking if not passing.COURTESY.match(sentence)]
    cues: Cues = {}
    if len(real) < len(asking):
        cues["courtesy"] = ""
    if not real:
        return cues
    first_question = real[0]
    cues["asks"] = first_question
    conditions = {
        "asks first": facts.first in real,
        "asks last": facts.sentences[-1] in real,
        "asks twice": len(real) > 1,
        "asks mostly": 2 * len(real) >= len(facts.sentences),
        "the author asks": facts.by_author,
        "asks in a long reply": facts.is_reply and facts.words > 60,
        "asks in a short reply": facts.is_reply and facts.words <= 40,
        "asks, and is no reply": not facts.is_reply,
    }
    return cues | {name: first_question for name, holds in conditions.items() if holds}


def _beginning(facts: Facts) -> Cues:
    cues: Cues = {}
    if passing.STARTS_ASKING.match(facts.first):
        cues["starts asking"] = facts.first
        if facts.words <= 25:
            cues["starts asking in short"] = facts.first
    match = passing.SAYS_YES_OR_NO.match(facts.prose)
    if match:
        cues["says yes or no"] = match[0]
        if facts.is_reply:
            cues["says yes or no in a reply"] = match[0]
    return cues


def _title(title: str) -> Cues:
    """Cues of the title of a thread that the message opens."""
    cues: Cues = {}
    if title.rstrip().endswith("?") or passing.STARTS_ASKING.match(title):
        cues["title asks"] = title
    if phrases.FAULT.search(title) or passing.FAILING.search(title):
        cues["title tells of a fault"] = title
    wishes = (phrases.REQUEST.search(title), passing.PROPOSES.search(title))
    if any(wishes) or passing.TITLE_WISHES.match(title):
        cues["title wishes"] = title
    return cues


def all_cues() -> list[str]:
    """The names of all cues, in a fixed order."""
    names = []
    for name, (_, places) in (_PHRASES | _TEXTS).items():
        names.append(name)
        names += [
            f"{name} {place}"
            for word, place in (("first", "first"), ("reply", "in a reply"), ("short", "in short"))
            if word in places
        ]
    names += [*_CONTEXT, "courtesy", "asks", "asks first", "asks last", "asks twice"]
    names += ["asks mostly", "the author asks", "asks in a long reply", "asks in a short reply"]
    names += ["asks, and is no reply", "starts asking", "starts asking in short"]
    names += ["says yes or no", "says yes or no in a reply", "title asks"]
    return [*names, "title tells of a fault", "title wishes"]
