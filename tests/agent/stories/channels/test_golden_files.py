"""What each channel gets of one story, character by character."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.records import Sentence, Story
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.channels.changelog import changelog_section, release_notes
from copydesk.agent.stories.channels.discord_thread import (
    ThreadOptions,
    build_thread,
    thread_calls,
)
from copydesk.agent.stories.channels.sites import SITES, Post, render

GOLDEN = Path(__file__).parents[3] / "data" / "channels"


def thread(story: Story, post: Post) -> str:
    parts = build_thread(story, ThreadOptions("forum", ("910000000000000001",), post.links))
    return json.dumps(thread_calls(parts, "forum"), indent=2, ensure_ascii=False) + "\n"


CHANNELS: dict[str, Callable[[Story, Post], str]] = {
    "devlog.md": lambda story, post: devlog.render(story),
    "hugo.md": lambda story, post: render(SITES["hugo"], story, post),
    "jekyll.md": lambda story, post: render(SITES["jekyll"], story, post),
    "astro.md": lambda story, post: render(SITES["astro"], story, post),
    "zola.md": lambda story, post: render(SITES["zola"], story, post),
    "changelog.md": lambda story, post: changelog_section(story, "1.2.0", post.links),
    "release.md": lambda story, post: release_notes(story, post.links),
    "thread.json": thread,
}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_gets_what_its_golden_file_says(
    name: str, whole_story: Story, post: Post
) -> None:
    shown = CHANNELS[name](whole_story, post)
    assert shown == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("name", CHANNELS)
def test_a_story_of_one_sentence_has_a_text_for_every_channel(name: str, bare_story: Story) -> None:
    shown = CHANNELS[name](bare_story, Post(1, "yes"))
    assert "It works." in shown or name == "changelog.md"
    assert shown.endswith("\n")


def test_a_question_that_the_poll_asks_is_not_asked_twice(whole_story: Story) -> None:
    assert whole_story.poll is not None
    kinds = {}
    for question in (whole_story.question, whole_story.poll.question):
        story = dataclasses.replace(whole_story, question=question)
        kinds[question] = [part.kind for part in build_thread(story, ThreadOptions())][-2:]
    assert list(kinds.values()) == [["question", "poll"], ["picture", "poll"]]


def test_the_notes_of_a_release_name_how_many_more_changes_there_are(whole_story: Story) -> None:
    added = tuple(Sentence(f"`name_{n}` is new.", ("F1",)) for n in range(15))
    story = dataclasses.replace(whole_story, changes=(("Added", added),))
    notes = release_notes(story)
    assert notes.count("is new.") == 12
    assert "- And 3 more, which the changelog lists.\n" in notes
    assert changelog_section(story).count("is new.") == 15
