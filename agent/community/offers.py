"""What readers said, offered for the next story: topics, a hook, a question, a poll, answers owed.

Nothing here is written by a model and nothing goes into a story by itself: each offer names the
messages behind it, comes with facts that the story's checker can hold, and can be dropped, which is
remembered. Counts are of different people; nobody is named; quotations are exact.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.community.code_mentions import Mention
from copydesk.agent.community.plain_words import sentences_of
from copydesk.agent.community.topics import WAITING, Topic, is_own
from copydesk.agent.desk.feedback import FeedbackMessage
from copydesk.agent.text import clean, one_line, plural

TOPICS = 3
ANSWERS = 5
LONGEST_QUOTE = 200
LONGEST_OPTION = 55
"""Characters; what Discord takes for an answer of a poll."""

FactValues = tuple[str, str, Mapping[str, str | int]]
"""A fact for the story's checker: its kind, its text, its values."""


class Change(NamedTuple):
    """A commit of the story's span, in plain values."""

    sha: str
    subject: str
    paths: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()


class Offer(NamedTuple):
    """Something for the next story.

    Attributes:
        kind: topic, hook, question, poll, done or answer.
        about: What it is about; the same in every wording, so that a drop is remembered.
        text: What the story could say.
        messages: The ids of the messages behind it.
        facts: What the text rests on.
        options: The answers of a poll.
    """

    kind: str
    about: str
    text: str
    messages: tuple[int, ...]
    facts: tuple[FactValues, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A short name to take or drop it by."""
        return f"{self.kind}-{hashlib.sha256(self.about.encode()).hexdigest()[:6]}"


_ANGLES = {
    "question": "answer it in the open, with an example",
    "request": "say whether it will come, and what speaks against it",
    "bug report": "tell what went wrong, and what was done about it",
    "complaint": "tell what bothers them, and what you make of it",
}
_NOT_QUOTED = re.compile(r"""@|https?://|www\.|<|["“”„]""")
_ISSUE = re.compile(r"(?<![\w/])#(\d{1,6})\b")
_ISSUE_PAGE = re.compile(r"/(?:issues|discussions)/(\d{1,6})(?:#|$)")


def offers(
    topics: Sequence[Topic],
    open_questions: Sequence[FeedbackMessage],
    changes: Sequence[Change] = (),
    mentions: Callable[[str], Sequence[Mention]] = lambda text: (),
) -> list[Offer]:
    """What could go into the next story.

    Args:
        topics: What people wait for, the most wanted first.
        open_questions: Readers' questions that the author has not answered.
        changes: The commits of the story's span.
        mentions: The code that a text names.

    Returns:
        The offers: done first, then topics, hook, question, poll, answers owed.
    """
    done = list(_done(topics, changes, mentions))
    answered = {offer.about for offer in done}
    wanted = [topic for topic in topics if topic.priority.needing and topic.name not in answered]
    all_offers = [*done, *(_topic(topic) for topic in wanted[:TOPICS])]
    if topics:
        all_offers.append(_hook(wanted[0] if wanted else topics[0]))
    if wanted:
        all_offers.append(_question(wanted))
    if len(wanted) > 1:
        all_offers.append(_poll(wanted))
    oldest = sorted(open_questions, key=lambda message: (message.created_at, message.id))
    return [*all_offers, *(_answer(message) for message in oldest[:ANSWERS])]


def undecided(made: Iterable[Offer], decisions: Mapping[tuple[str, str], str]) -> list[Offer]:
    """The offers that were neither taken nor dropped."""
    return [offer for offer in made if (offer.kind, offer.about) not in decisions]


def quote_of(message: FeedbackMessage) -> str:
    """The first sentence of a message as it stands there; "" if none can be quoted.

    Lines of others that it quotes, code blocks, links and mentions are none; nor is what cannot
    stand between quotes as it is: characters that are not shown, quotes, half a piece of code.
    """
    outside = re.sub(r"```.*?(?:```|\Z)", "\n", message.text, flags=re.DOTALL)
    for sentence in sentences_of(outside):
        is_own_words = not sentence.startswith(">") and not _NOT_QUOTED.search(sentence)
        is_plain = is_own_words and clean(sentence, keep="") == sentence
        is_plain = is_plain and sentence.count("`") % 2 == 0
        if is_plain and len(sentence) <= LONGEST_QUOTE and any(map(str.isalnum, sentence)):
            return sentence
    return ""


def _waiting(topic: Topic) -> list[FeedbackMessage]:
    return [m for m in topic.messages if m.kind in WAITING and not is_own(m)]


def _facts(topic: Topic) -> tuple[FactValues, ...]:
    """The facts of a topic: how many people, and what one of them wrote."""
    people, needing = topic.priority.people, topic.priority.needing
    name = one_line(topic.name, 80)
    facts: list[FactValues] = [
        (
            "readers",
            f"{plural(people, 'person', 'people')} took part in the topic {name}.",
            {"people": people, "topic": name, "about": topic.name},
        )
    ]
    if needing:
        facts.append(
            (
                "readers_wait",
                f"{plural(needing, 'person', 'people')} asked or were displeased about {name}.",
                {"people": needing, "topic": name, "about": topic.name},
            )
        )
    names = {message.name for message in topic.messages if message.name}
    for message in reversed(_waiting(topic)):
        quote = quote_of(message)
        if quote and not _names_somebody(quote, names):
            values = {"quote": quote, "topic": name}
            facts.append(("reader_quote", f"A reader wrote: “{quote}”", values))
            break
    return tuple(facts)


def _names_somebody(quote: str, names: Iterable[str]) -> bool:
    """Whether a quotation has the name of somebody who took part, as far as names are stored."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", quote, re.I) for name in names)


def _topic(topic: Topic) -> Offer:
    waiting = _waiting(topic)
    kinds = Counter(message.kind for message in waiting)
    kind = max(_ANGLES, key=lambda name: (kinds[name], name))
    needing = plural(topic.priority.needing, "person", "people")
    text = f"{one_line(topic.name, 80)}: {needing} wait for it; {_ANGLES[kind]}."
    return Offer("topic", topic.name, text, tuple(m.id for m in waiting), _facts(topic))


def _hook(topic: Topic) -> Offer:
    """A sentence that refers to what was said; such references drew answers where requests did
    not (Burke et al. 2007)."""
    facts = _facts(topic)
    messages = tuple(m.id for m in topic.messages if not is_own(m))
    name = one_line(topic.name, 80)
    quotes = [str(values["quote"]) for kind, _, values in facts if kind == "reader_quote"]
    count = topic.priority.needing or topic.priority.people
    people = plural(count, "reader", "readers")
    if quotes:
        text = f"“{quotes[0]}”: {people} wrote about {name}."
    else:
        text = f"{people} wrote about {name}."
    return Offer("hook", topic.name, text[0].upper() + text[1:], messages, facts)


def _question(wanted: Sequence[Topic]) -> Offer:
    """One closed question: which, or should (Zarrella 2012 has them ahead of why and how)."""
    names = [one_line(topic.name, 40) for topic in wanted[:2]]
    about = " | ".join(topic.name for topic in wanted[:2])
    if len(names) == 2:
        text = f"Which should come first: {names[0]} or {names[1]}?"
    else:
        text = f"Should {names[0]} come next?"
    messages = tuple(m.id for topic in wanted[:2] for m in _waiting(topic))
    facts = tuple(fact for topic in wanted[:2] for fact in _facts(topic))
    return Offer("question", about, text, messages, facts)


def _poll(wanted: Sequence[Topic]) -> Offer:
    chosen = wanted[:4]
    names = [one_line(topic.name, LONGEST_OPTION) for topic in chosen]
    messages = tuple(m.id for topic in chosen for m in _waiting(topic))
    facts = tuple(fact for topic in chosen for fact in _facts(topic))
    about = " | ".join(topic.name for topic in chosen)
    return Offer("poll", about, "What should come next?", messages, facts, tuple(names))


def _answer(message: FeedbackMessage) -> Offer:
    quote = quote_of(message)
    text = f"A reader still waits for an answer: “{quote}”" if quote else (
        "A reader still waits for an answer."
    )  # fmt: skip
    facts: tuple[FactValues, ...] = (("reader_quote", text, {"quote": quote}),) if quote else ()
    return Offer("answer", f"{message.source} {message.external_id}", text, (message.id,), facts)


def _done(
    topics: Sequence[Topic],
    changes: Sequence[Change],
    mentions: Callable[[str], Sequence[Mention]],
) -> Iterator[Offer]:
    """What readers asked for that a commit of the span answers."""
    by_issue = {number: change for change in changes for number in _ISSUE.findall(change.subject)}
    for topic in topics:
        for message in _waiting(topic):
            change = _change_for(message, by_issue, changes, mentions)
            if change is None:
                continue
            name = one_line(topic.name, 80)
            values = {"topic": name, "about": topic.name, "short": change.sha[:8]}
            fact: FactValues = (
                "asked_and_done",
                f"Readers asked about {name}; commit {change.sha[:8]} answers:"
                f" {one_line(change.subject, 120)}",
                values | {"subject": one_line(change.subject, 120)},
            )
            text = f"You asked about {name}: {one_line(change.subject, 120)}."
            yield Offer("done", topic.name, text, (message.id,), (fact, *_facts(topic)))
            break


def _change_for(
    message: FeedbackMessage,
    by_issue: Mapping[str, Change],
    changes: Sequence[Change],
    mentions: Callable[[str], Sequence[Mention]],
) -> Change | None:
    """The commit that answers a message: by the issue's number, or by the function it names."""
    match = _ISSUE_PAGE.search(message.url)
    if match and match[1] in by_issue:
        return by_issue[match[1]]
    for mention in mentions(message.text):
        if mention.is_ambiguous:
            continue
        place = mention.places[0]
        for change in changes:
            named = f"{place.path}::{place.function}"
            if place.function and named in change.functions:
                return change
    return None
