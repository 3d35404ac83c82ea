"""What readers said, in a story: the facts of what is offered, sentences from them, and what of it
the editor left in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.records import Fact, Poll, Sentence, Story
from copydesk.agent.stories.facts import Unnumbered, Values, spoken
from copydesk.agent.stories.fill_slots import cited, fill
from copydesk.agent.text import clean

DONE, SAID = "You asked, we did", "What readers said"
"""The headings of what was done that was asked for, and of what people wait for."""
USES = ("done", "topic", "hook", "question", "poll")
"""The offers that a story takes up; answers that are owed are the author's to write."""
MOST_DONE, MOST_TOPICS, MOST_OPTIONS = 3, 3, 4
LONGEST_OPTION = 55
"""Characters; what Discord takes for an answer of a poll."""

_Texts = Iterator[tuple[str, Sequence[str]]]
"""Texts with slots, and the facts each rests on besides those of its slots."""


class ReaderOffer(NamedTuple):
    """What a story could take up of what readers said, and the facts that it rests on.

    `kind` is one of USES; facts have the kinds `readers`, `readers_wait`, `reader_quote` and
    `asked_and_done`. Their value `about` is the name by which a decision on the offer is kept.
    """

    kind: str
    facts: Sequence[Unnumbered]


def reader_facts(offers: Sequence[ReaderOffer]) -> list[Unnumbered]:
    """The facts of offers, each once; the value `uses` says which offers rest on it.

    Args:
        offers: What may be taken up, in order of weight.
    """
    facts: dict[tuple[str, str], Unnumbered] = {}
    for offer in offers:
        if offer.kind not in USES:
            continue
        for kind, text, values in offer.facts:
            line = clean(" ".join(text.split()), keep="")
            before = facts.get((kind, line))
            uses = str(before[2]["uses"]).split() if before else []
            used = {"uses": " ".join(dict.fromkeys((*uses, offer.kind)))}
            facts[kind, line] = (kind, line, _safe(values) | used)
    return list(facts.values())


def _safe(values: Values) -> dict[str, str | int | float]:
    """Values whose texts can stand between quotes; what decisions are kept by stays as it is."""
    return {
        key: spoken(value) if isinstance(value, str) and key != "about" else value
        for key, value in values.items()
    }


def done_texts(facts: Sequence[Fact]) -> _Texts:
    """What readers asked for that commits of the span answer, with what one of them wrote."""
    for fact in _of("asked_and_done", "done", facts)[:MOST_DONE]:
        slot = f"{{{fact.id}.%s}}"
        yield f"You asked about {slot % 'topic'}: {slot % 'subject'} ({slot % 'short'}).", ()
        yield from _quotation(fact, "done", facts)


def said_texts(facts: Sequence[Fact]) -> _Texts:
    """What people wait for: how many wrote about it, and what one of them wrote."""
    for fact in _of("readers_wait", "topic", facts)[:MOST_TOPICS]:
        yield f"{{{fact.id}.people}} readers wrote about {{{fact.id}.topic}}.", ()
        yield from _quotation(fact, "topic", facts)


def _quotation(about: Fact, use: str, facts: Sequence[Fact]) -> _Texts:
    for quote in _quotes(about, use, facts):
        yield f"A reader wrote: {{{quote.id}.quote}}", ()


def reader_hook(facts: Sequence[Fact], longest: int) -> Sentence | None:
    """A first sentence that refers to what was said, of so many characters at most."""
    waiting = _of("readers_wait", "hook", facts)
    for fact in waiting or _of("readers", "hook", facts):
        did = "wrote" if waiting else "took part in the talk"
        text = f"{{{fact.id}.people}} readers {did} about {{{fact.id}.topic}}."
        texts = [f"{{{quote.id}.quote}}: {text}" for quote in _quotes(fact, "hook", facts)]
        for candidate in (*texts, text):
            sentence = _sentence(candidate, facts)
            if len(sentence.text) <= longest:
                return sentence
    return None


def reader_question(facts: Sequence[Fact]) -> Sentence | None:
    """One question that can be answered in a word."""
    slots = [f"{{{fact.id}.topic}}" for fact in _of("readers_wait", "question", facts)[:2]]
    if not slots:
        return None
    if len(slots) == 2:
        return _sentence(f"Which should come first: {slots[0]} or {slots[1]}?", facts)
    return _sentence(f"Should {slots[0]} come next?", facts)


def reader_poll(facts: Sequence[Fact]) -> Poll | None:
    """A poll about what should come next, with two to four topics."""
    topics = {
        str(fact.values["topic"]): fact.id
        for fact in _of("readers_wait", "poll", facts)
        if len(str(fact.values["topic"])) <= LONGEST_OPTION
    }
    answers = tuple(Sentence(topic, (fact,)) for topic, fact in topics.items())[:MOST_OPTIONS]
    if len(answers) < 2:
        return None
    ids = tuple(i for answer in answers for i in answer.facts)
    return Poll(Sentence("What should come next?", ids), answers)


def _of(kind: str, use: str, facts: Sequence[Fact]) -> list[Fact]:
    """The facts of a kind that an offer rests on."""
    return [f for f in facts if f.kind == kind and use in str(f.values.get("uses", "")).split()]


def _quotes(about: Fact, use: str, facts: Sequence[Fact]) -> list[Fact]:
    """What a reader wrote on the topic of a fact: one or none."""
    quotes = _of("reader_quote", use, facts)
    return [q for q in quotes if q.values.get("topic") == about.values["topic"]][:1]


def _sentence(text: str, facts: Sequence[Fact]) -> Sentence:
    return Sentence(fill(text, {fact.id: fact for fact in facts}), cited(text))


def offers_told(story: Story, facts: Sequence[Fact]) -> dict[tuple[str, str], str]:
    """What of the offers a story takes up.

    Args:
        story: The story; a sentence without footnotes may name the topic instead.
        facts: Its facts.

    Returns:
        The text of each, by its kind and what it is about.
    """
    lines = [sentence for _, sentences in story.sections for sentence in sentences]
    hooks = [story.hook] if story.hook else []
    told_offers = _topics_told("done", _of("asked_and_done", "done", facts), lines)
    told_offers |= _topics_told("topic", _of("readers_wait", "topic", facts), lines)
    told_offers |= _topics_told("hook", _of("readers", "hook", facts), hooks)
    told_offers |= _topics_told("hook", _of("readers_wait", "hook", facts), hooks)
    told_offers |= _choice_told("question", facts, [story.question] if story.question else [])
    return told_offers | _choice_told("poll", facts, story.poll.answers if story.poll else ())


def _topics_told(
    use: str, offered: Sequence[Fact], sentences: Sequence[Sentence]
) -> dict[tuple[str, str], str]:
    """The offers of one topic that one of the sentences takes up, with that sentence."""
    return {
        (use, str(fact.values["about"])): sentence.text
        for fact in offered
        for sentence in sentences
        if _tells(sentence, fact)
    }


def _choice_told(
    use: str, facts: Sequence[Fact], sentences: Sequence[Sentence]
) -> dict[tuple[str, str], str]:
    """The offer to choose among topics, where one of the sentences names one of them."""
    offered = _of("readers_wait", use, facts)
    if not any(_tells(sentence, fact) for sentence in sentences for fact in offered):
        return {}
    about = " | ".join(str(fact.values["about"]) for fact in offered)
    return {(use, about): " | ".join(sentence.text for sentence in sentences)}


def _tells(sentence: Sentence, fact: Fact) -> bool:
    return fact.id in sentence.facts or str(fact.values["topic"]) in sentence.text


def keep_decisions(
    db: Database,
    before: Mapping[tuple[str, str], str],
    after: Mapping[tuple[str, str], str],
    at: float,
) -> None:
    """Remember which offers the editor dropped from a story; one that is back is offered again.

    Args:
        db: The desk.
        before: What the story told, as `offers_told` gives it.
        after: What it tells now.
        at: Unix time.
    """
    for (kind, about), text in before.items():
        if (kind, about) not in after:
            db.feedback_state.decide(kind, about, "dropped", text, at)
    for kind, about in after.keys() - before.keys():
        db.feedback_state.undecide(kind, about)
