"""What a message is: a question, a request, a bug report, praise, a complaint, an answer.

The rules are read from the top; the first that holds decides, and says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from copydesk.agent.community import kind_phrases as phrases
from copydesk.agent.community.plain_words import prose_of, sentences_of

KindName = Literal[
    "bug report", "request", "question", "answer", "praise", "complaint", "off-topic", "remark"
]
KINDS: tuple[KindName, ...] = (
    *("bug report", "request", "question", "answer"),
    *("praise", "complaint", "off-topic", "remark"),
)


class Kind(NamedTuple):
    """What a message is, and the words in it that say so."""

    name: KindName
    reason: str


class _Facts(NamedTuple):
    """What the rules look at."""

    text: str
    prose: str
    sentences: list[str]
    tone: str
    is_reply: bool
    by_author: bool


_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+|"
    r"^\s*at [\w.$<>]+\([\w.]+:\d+\)|^\w+(?:\.\w+)*(?:Error|Exception|Warning): ",
    re.MULTILINE,
)
_ME_TOO = re.compile(
    r"\s*(?:\+1|👍|same here|me too|same (?:issue|problem)|\+1 .{0,60})[.! ]*", re.I
)


def kind_of(text: str, *, tone: str = "", is_reply: bool = False, by_author: bool = False) -> Kind:
    """What a message is, by rules that name their reason.

    Args:
        text: The message.
        tone: Its tone, as `Classifier.classify` tells it; "" if that is not known.
        is_reply: Whether it answers another message.
        by_author: Whether the project's author wrote it.

    Returns:
        The kind, and the words that decided.
    """
    prose = prose_of(text)
    facts = _Facts(text, prose, sentences_of(prose), tone, is_reply, by_author)
    for rule in _RULES:
        kind = rule(facts)
        if kind is not None:
            return kind
    return Kind("remark", "none of the rules for the other kinds holds")


def _is_empty(facts: _Facts) -> Kind | None:
    if any(character.isalnum() for character in facts.text):
        return None
    if any(symbol in facts.text for symbol in "❤👍🎉🚀😍👏🙌"):
        return Kind("praise", f"it is only {facts.text.strip()[:20]}")
    return Kind("off-topic", "it has no words")


def _agrees(facts: _Facts) -> Kind | None:
    if facts.prose and _ME_TOO.fullmatch(facts.prose):
        return Kind("request", f'it says "{_short(facts.prose)}"')
    return None


def _reports_with_evidence(facts: _Facts) -> Kind | None:
    match = _TRACEBACK.search(facts.text) or phrases.REPORT_FORM.search(facts.prose)
    if match is None or (facts.by_author and facts.is_reply):
        return None
    return Kind("bug report", f'it shows "{_short(match[0])}"')


def _answers(facts: _Facts) -> Kind | None:
    if not facts.is_reply or _question(facts):
        return None
    match = phrases.ANSWERS.search(facts.prose)
    if match is None:
        return Kind("answer", "the author replies, and asks nothing") if facts.by_author else None
    fault = phrases.FAULT.search(facts.prose)
    if fault and not facts.by_author and fault.start() < match.start():
        return None
    return Kind("answer", f'it is a reply and says "{_short(match[0])}"')


def _requests(facts: _Facts) -> Kind | None:
    match = phrases.REQUEST.search(facts.prose)
    if match is None or (facts.by_author and facts.is_reply):
        return None
    return Kind("request", f'it says "{_short(match[0])}"')


def _reports(facts: _Facts) -> Kind | None:
    match = phrases.FAULT.search(facts.prose)
    if match is None or facts.by_author:
        return None
    is_short_question = len(facts.sentences) == 1 and _question(facts)
    return None if is_short_question else Kind("bug report", f'it says "{_short(match[0])}"')


def _asks(facts: _Facts) -> Kind | None:
    question = _question(facts)
    return Kind("question", f'it asks "{_short(question)}"') if question else None


def _question(facts: _Facts) -> str:
    """The first sentence that asks; "" for none. "right?" and the like ask for no answer."""
    for sentence in facts.sentences:
        words = sentence.rstrip("?!. ").split()
        if sentence.endswith(("?", "?!", "??")) and len(words) > 1:
            return sentence
        if phrases.ASKS.fullmatch(sentence.rstrip("?!. ")) and sentence.endswith("?"):
            return sentence
    match = phrases.WONDERS.search(facts.prose)
    return match[0] if match else ""


def _complains(facts: _Facts) -> Kind | None:
    match = phrases.COMPLAINT.search(facts.prose)
    if match and facts.tone != "positive":
        return Kind("complaint", f'it says "{_short(match[0])}"')
    if facts.tone == "negative" and not phrases.PRAISE.search(facts.prose):
        return Kind("complaint", "its tone is negative")
    return None


def _praises(facts: _Facts) -> Kind | None:
    match = phrases.PRAISE.search(facts.prose)
    if match and facts.tone != "negative":
        return Kind("praise", f'it says "{_short(match[0])}"')
    if facts.tone == "positive" and len(facts.prose.split()) <= 25:
        return Kind("praise", "it is short and its tone is positive")
    return None


def _talks(facts: _Facts) -> Kind | None:
    words = facts.prose.split()
    match = phrases.SMALL_TALK.search(facts.prose)
    if match and len(words) <= 6:
        return Kind("off-topic", f'it only says "{_short(facts.prose)}"')
    return Kind("off-topic", "it is one word") if len(words) == 1 and not facts.is_reply else None


_RULES: tuple[Callable[[_Facts], Kind | None], ...] = (
    *(_is_empty, _agrees, _reports_with_evidence, _answers, _requests, _reports, _asks),
    *(_praises, _complains, _talks),
)


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 60 else line[:59] + "…"
