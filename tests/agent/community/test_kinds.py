from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.community import kind_cues
from copydesk.agent.community.kind_cues import all_cues, facts_of
from copydesk.agent.community.kind_words import (
    WordWeights,
    load_words,
    loudest_word,
    word_scores,
    words_of,
)
from copydesk.agent.community.kinds import KINDS, kind_of, load_weights


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How does this compare with SQLite WAL?", "question"),
        ("I'm wondering whether the cache survives a restart", "question"),
        ("Could you add a dark mode?", "request"),
        ("It would be great to have tab completion", "request"),
        ("+1", "request"),
        ("The editor crashes when I open a large file.", "bug report"),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'",
            "bug report",
        ),
        ("### Steps to reproduce\n1. run it", "bug report"),
        ("Thanks, this is awesome!", "praise"),
        ("The docs are confusing and this is frustrating.", "complaint"),
        ("good morning", "off-topic"),
        ("❤️", "praise"),
        ("...", "off-topic"),
        ("I moved my notes into a folder yesterday.", "remark"),
    ],
)
def test_a_message_is_what_its_words_say(text: str, kind: str) -> None:
    assert kind_of(text).name == kind


def test_a_reply_that_explains_is_an_answer() -> None:
    assert kind_of("You can use `--all` for that.", is_reply=True).name == "answer"
    assert kind_of("Done, out tomorrow", is_reply=True, by_author=True).name == "answer"
    assert kind_of("And how do I undo it?", is_reply=True).name == "question"


def test_the_reason_quotes_the_words_that_decided() -> None:
    assert kind_of("Please add colours").reason.startswith('it says "Please')


def test_the_title_of_the_thread_that_it_opens_speaks_too() -> None:
    text = "My notes are in that folder."
    assert kind_of(text).name == "remark"
    assert kind_of(text, title="Can the font be larger?").name == "question"
    reason = kind_of(text, title="Can the font be larger?").reason
    assert reason == 'its title says "Can the font be larger?"'


def test_a_courtesy_asks_nothing() -> None:
    explains = "You can set it in the file. Does that help?"
    assert kind_of(explains, is_reply=True, by_author=True).name == "answer"


def test_words_tell_where_no_cue_does_and_are_the_reason() -> None:
    learned = WordWeights(("praise", "remark"), {"lovely": (2.0, 0.0), "first:lovely": (1.0, 0.0)})
    words = words_of(facts_of("Lovely!", "", "", is_reply=False, by_author=False))
    assert {"lovely", "first:lovely", "start:^ lovely"} <= words
    assert word_scores(words, learned)["praise"] == pytest.approx(3 / 2**0.5)
    assert word_scores(set(), learned) == {"praise": 0.0, "remark": 0.0}
    assert loudest_word(words, "praise", learned) == "lovely"
    assert loudest_word(words, "remark", learned) == ""


def test_words_know_their_zone_and_numbers_are_all_the_same() -> None:
    facts = facts_of("Use 3. Does it work?", "Why 4", "", is_reply=True, by_author=False)
    words = words_of(facts)
    assert {"use 0", "title:why 0", "asks:does it", "start:^ use", "first:use"} <= words
    assert "first:does" not in words


def test_every_kind_has_a_weight_for_every_word() -> None:
    learned = load_words()
    assert set(learned.kinds) == set(KINDS)
    assert all(len(row) == len(KINDS) for row in learned.weights.values())


def test_every_weight_is_that_of_a_cue() -> None:
    for weights in load_weights().values():
        assert set(weights) <= {"", *all_cues()}


@pytest.mark.parametrize("hidden", ["```\n{}\n```", "> {}", "`{}`"])
def test_code_and_quotes_are_not_the_writers_words(hidden: str) -> None:
    text = hidden.format("could you add a bug?") + "\nI keep my notes here."
    assert kind_of(text).name == "remark"


@given(st.text(), st.sampled_from(["", "negative", "neutral", "positive", "unsure"]), st.booleans())
def test_every_message_is_of_some_kind_for_some_reason(text: str, tone: str, reply: bool) -> None:
    kind = kind_of(text, tone=tone, is_reply=reply)
    assert kind.name in KINDS
    assert kind.reason


def test_phrases_are_written_in_lower_case() -> None:
    for pattern, _ in kind_cues._PHRASES.values():
        assert not re.search(r"[A-Z]", re.sub(r"\\.", "", pattern.pattern))


@pytest.mark.parametrize("before", ["", "İ ", "ﬀ ", "ẞß "])
def test_capitals_hide_no_phrase_and_the_reason_has_them(before: str) -> None:
    facts = facts_of(f"{before}Could You ADD a dark theme?", "", "", False, False)
    assert kind_cues.cues_of(facts)["request"] == "Could You ADD"


@given(st.text())
def test_characters_stand_where_they_stood(text: str) -> None:
    assert len(kind_cues._lowered(text)) == len(text)
