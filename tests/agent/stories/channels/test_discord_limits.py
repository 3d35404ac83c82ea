"""What Discord would refuse is said before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Picture, Sentence, Story
from copydesk.agent.stories.channels import discord_thread
from copydesk.agent.stories.channels.discord_limits import broken_limits
from copydesk.agent.stories.channels.discord_thread import ThreadOptions, build_thread

GOOD: dict[str, Any] = {"content": "x", "allowed_mentions": {"parse": []}}
POLL = {"question": {"text": "Which?"}, "answers": [{"poll_media": {"text": "A"}}], "duration": 24}
TEXT = {"poll_media": {"text": "👍" * 28}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"content": ""}, "holds nothing"),
        ({"content": "👍" * 1001}, "2,002 characters, of 2,000"),
        ({"thread_name": " "}, "thread_name is empty"),
        ({"thread_name": "x" * 101}, "thread_name has 101"),
        ({"thread_name": "x", "poll": POLL}, "in the call that opens a thread"),
        ({"username": "x" * 81}, "username"),
        ({"applied_tags": ["1"] * 6}, "6 applied_tags"),
        ({"attachments": [{}] * 11}, "11 attachments"),
        ({"attachments": [{"description": "x" * 1025}]}, "picture's text"),
        ({"allowed_mentions": {"parse": ["everyone"]}}, "may mention"),
        ({"poll": POLL | {"question": {"text": " "}}}, "question is empty"),
        ({"poll": POLL | {"question": {"text": "x" * 301}}}, "of 300"),
        ({"poll": POLL | {"answers": []}}, "no answers"),
        ({"poll": POLL | {"answers": [{"poll_media": {"text": "x"}}] * 11}}, "11 answers"),
        ({"poll": POLL | {"answers": [TEXT]}}, "56 characters, of 55"),
        ({"poll": POLL | {"answers": [{"poll_media": {"text": ""}}]}}, "an answer is empty"),
        ({"poll": POLL | {"duration": 769}}, "769 hours"),
        ({"poll": POLL | {"duration": 0}}, "0 hours"),
        ({"embeds": [{"title": "x"}] * 11}, "11 embeds"),
        ({"embeds": [{"title": "x" * 257}]}, "title has 257"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "6,002 characters, of 6,000"),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "footer"),
        ({"embeds": [{"author": {"name": "x" * 257}}]}, "author"),
        ({"embeds": [{"fields": [{"name": "x", "value": "y"}] * 26}]}, "fields"),
        ({"embeds": [{"fields": [{"name": "x", "value": "y" * 1025}]}]}, "field value"),
    ],
)
def test_a_broken_limit_has_its_words(changes: dict[str, Any], words: str) -> None:
    assert any(words in one for one in broken_limits(GOOD | changes))


def test_what_is_within_the_limits_is_in_order() -> None:
    embeds = [{"title": "t", "description": "d" * 2000, "fields": [{"name": "n", "value": "v"}]}]
    assert broken_limits(GOOD) == []
    assert broken_limits(GOOD | {"content": "x" * 2000, "embeds": embeds * 2}) == []
    assert broken_limits({"poll": POLL, "allowed_mentions": {"parse": []}}) == []


def test_a_thread_that_would_be_refused_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture("x", Sentence("Up.", ()), "", b"png")
    story = Story("T", "", (), "template", pictures=(picture,))
    monkeypatch.setattr(discord_thread.limits, "FILES", 0)
    with pytest.raises(CopydeskError) as caught:
        build_thread(story, ThreadOptions())
    assert caught.value.slug == "discord-limit"
