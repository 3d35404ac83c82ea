"""What readers said: told by the story, held by the checker, dropped by the editor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_story import check, check_sentence
from copydesk.agent.stories.facts import Unnumbered, Values, numbered
from copydesk.agent.stories.readers import (
    ReaderOffer,
    offers_told,
    reader_facts,
    reader_hook,
    reader_poll,
    reader_question,
)
from copydesk.agent.stories.span_template import span_story

COUNTS = {"dark theme": (5, 3, "Could you add a dark theme?"), "saving": (9, 4, "")}
SUBJECT = "Print a table of contents"


def facts_of(topic: str, people: int, waiting: int, quote: str) -> list[Unnumbered]:
    values: dict[str, str | int | float] = {"topic": topic, "about": topic}
    took_part, asked = values | {"people": people}, values | {"people": waiting}
    made: list[Unnumbered] = [
        ("readers", f"{people} people took part in the topic {topic}.", took_part),
        ("readers_wait", f"{waiting} people asked about {topic}.", asked),
    ]
    if quote:
        said = {"quote": quote, "topic": topic}
        made.append(("reader_quote", f"A reader wrote: “{quote}”", said))
    return made


def offers() -> list[ReaderOffer]:
    by_topic = {topic: facts_of(topic, *counts) for topic, counts in COUNTS.items()}
    done = {"topic": "contents", "about": "contents", "short": "1ab1ab1a", "subject": SUBJECT}
    answered = [
        ("asked_and_done", f"Readers asked about contents; commit 1ab1ab1a: {SUBJECT}", done),
        *facts_of("contents", 2, 1, "Is there a table of contents?"),
    ]
    both = [fact for facts in by_topic.values() for fact in facts]
    return [
        ReaderOffer("done", answered),
        *(ReaderOffer("topic", facts) for facts in by_topic.values()),
        ReaderOffer("hook", by_topic["dark theme"]),
        ReaderOffer("question", both),
        ReaderOffer("poll", both),
        ReaderOffer("answer", facts_of("nothing", 1, 1, "Nobody sees this.")),
    ]


def told(made: list[ReaderOffer]) -> tuple[Story, list[Fact]]:
    days = {"date_1": "2026-11-24", "date_2": "2026-11-24"}
    span: Values = {"commits": 2, "files": 0, "added": 0, "removed": 0, **days}
    facts = numbered([("span", "Two commits.", span), *reader_facts(made)])
    return span_story(facts, date="2026-11-24"), facts


STORY, FACTS = told(offers())
ABOUT_READERS = [
    sentence
    for heading, lines in STORY.sections
    for sentence in lines
    if heading in ("You asked, we did", "What readers said")
] + [sentence for sentence in (STORY.hook, STORY.question) if sentence]


def test_the_story_tells_what_was_done_and_what_is_waited_for() -> None:
    sections = {heading: [s.text for s in lines] for heading, lines in STORY.sections}
    assert sections["You asked, we did"] == [
        "You asked about “contents”: “Print a table of contents” (`1ab1ab1a`).",
        "A reader wrote: “Is there a table of contents?”",
    ]
    assert sections["What readers said"] == [
        "3 readers wrote about “dark theme”.",
        "A reader wrote: “Could you add a dark theme?”",
        "4 readers wrote about “saving”.",
    ]
    assert STORY.hook is not None
    assert STORY.hook.text == ("“Could you add a dark theme?”: 3 readers wrote about “dark theme”.")
    assert STORY.question is not None
    assert STORY.question.text == "Which should come first: “dark theme” or “saving”?"
    assert STORY.poll is not None
    assert STORY.poll.question.text == "What should come next?"
    assert [answer.text for answer in STORY.poll.answers] == ["dark theme", "saving"]
    assert check(STORY, FACTS) == []


def alterations(text: str) -> Iterator[str]:
    """A sentence with one number, quotation, topic, commit or word altered."""
    for match in re.finditer(r"\d+(?= readers)", text):
        for new in ("1", "2", "5", "9", "30", "many", "Four hundred"):
            if new != match[0]:
                yield text[: match.start()] + new + text[match.end() :]
        yield text.replace(f"{match[0]} readers", "Readers")
        yield text.replace(f"{match[0]} readers", f"{match[0]} people")
        yield text.replace(f"{match[0]} readers", "Ada and Bob")
    for match in re.finditer(r"“([^”]*)”", text):
        quoted = match[1]
        others = ("saving", "dark theme", "contents", SUBJECT, "Could you add a dark theme?")
        halves = (quoted[: len(quoted) // 2].strip(), quoted.upper(), f"{quoted}!", quoted[:-1])
        for new in (*others, *halves, quoted.replace(" a ", " the ")):
            if new != quoted:
                yield text[: match.start(1)] + new + text[match.end(1) :]
        yield text[: match.start()] + quoted + text[match.end() :]
    yield text.replace("A reader", "Ada")
    yield text.replace("You asked", "Ada Lovelace asked")
    yield text.replace("wrote", "demanded")
    yield text.replace("1ab1ab1a", "1ab1ab1b")
    yield text.replace("first", "never")
    yield f"{text.rstrip('.')}, because it is the best."
    yield f"Ada: {text}"


@pytest.mark.parametrize("sentence", ABOUT_READERS, ids=lambda s: s.text[:40])
def test_what_is_altered_one_at_a_time_is_noticed(sentence: Sentence) -> None:
    altered = {text for text in alterations(sentence.text) if text != sentence.text}
    assert len(altered) >= 8
    missed = [text for text in altered if not check_sentence(replace(sentence, text=text), FACTS)]
    assert missed == []


def test_what_is_altered_is_noticed_where_all_facts_may_be_cited() -> None:
    """As the sentences of an editor who left the footnotes out: topics cannot swap their counts."""
    ids = tuple(fact.id for fact in FACTS)
    for text, is_true in (
        ("3 readers wrote about “dark theme”.", True),
        ("4 readers wrote about “dark theme”.", False),
        ("5 readers wrote about “dark theme”.", False),
        ("5 readers took part in the talk about “dark theme”.", True),
        ("“Could you add a dark theme?”: 4 readers wrote about “saving”.", False),
        ("You asked about “saving”: “Print a table of contents”.", False),
        ("Which should come first: “saving” or “saving”?", False),
        ("A reader wrote: “Print a table of contents”", False),
        ("Ada wrote: “Could you add a dark theme?”", False),
        ("Do you like the dark theme?", True),  # an editor's own question claims nothing
    ):
        assert (check_sentence(Sentence(text, ids), FACTS) == []) is is_true, text


def test_readers_words_are_nobodys_reason_and_no_verdict_of_the_author() -> None:
    said = "It is the best tool because saving works."
    _, facts = told([ReaderOffer("topic", facts_of("saving", 2, 2, said))])
    ids = tuple(fact.id for fact in facts)
    assert check_sentence(Sentence(f"A reader wrote: “{said}”", ids), facts) == []
    assert check_sentence(Sentence(said, ids), facts)
    assert check_sentence(Sentence("“saving works.”", ids), facts)


def test_what_is_not_offered_is_not_told() -> None:
    for kind in ("done", "topic", "hook", "question", "poll"):
        story, facts = told([offer for offer in offers() if offer.kind != kind])
        kinds = {use for use, _ in offers_told(story, facts)}
        assert kinds == {"done", "topic", "hook", "question", "poll"} - {kind}
        assert check(story, facts) == []
    story, facts = told([])
    assert offers_told(story, facts) == {}
    assert (story.poll, reader_hook(facts, 199), reader_question(facts)) == (None, None, None)


def test_a_single_topic_makes_a_question_and_no_poll() -> None:
    facts = facts_of("saving", 9, 1, "")
    story, all_facts = told([ReaderOffer(use, facts) for use in ("hook", "question", "poll")])
    assert story.question == Sentence("Should “saving” come next?", ("F3",))
    assert story.hook == Sentence("1 reader wrote about “saving”.", ("F3",))
    assert reader_poll(all_facts) is None
    assert check(story, all_facts) == []


def test_a_hook_tells_those_who_took_part_where_nobody_waits_and_fits() -> None:
    values: Values = {"people": 6, "topic": "saving", "about": "saving"}
    _, facts = told([ReaderOffer("hook", [("readers", "6 people", values)])])
    hook = reader_hook(facts, 199)
    assert hook == Sentence("6 readers took part in the talk about “saving”.", ("F2",))
    assert check_sentence(hook, facts) == []
    assert reader_hook(facts, 20) is None
