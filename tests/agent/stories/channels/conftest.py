"""A story that has everything, and one that has nothing but a title."""

from __future__ import annotations

import pytest

from copydesk.agent.records import Example, Picture, Poll, Sentence, Story
from copydesk.agent.stories.channels.sites import Post

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"></svg>\n'

WHOLE = Story(
    title='Save files: “small” at last, says "du" 🎉',
    date="2026-11-24",
    origin="template",
    hook=Sentence("Save files that used to grow for hours now stay small.", ("F1",)),
    sections=(
        (
            "What changed",
            (
                Sentence("`compact_log()` is new: it drops what later events replace.", ("F1",)),
                Sentence(
                    "See https://github.com/ada/engine/pull/12 and https://evil.example.", ("F2",)
                ),
            ),
        ),
        (
            "How it was tested",
            (
                Sentence("All 214 tests passed.", ("F3",)),
                Sentence("Coverage rose from 86.8% to 87.4%, up 0.6 points.", ("F4",)),
            ),
        ),
        ("What is next", (Sentence("1 test draft waits to be read.", ("F5",)),)),
    ),
    question=Sentence("Which files should shrink next, saves or replays?", ("F1",)),
    poll=Poll(
        Sentence("What should shrink next?", ("F1",)),
        (Sentence("Saves", ("F1",)), Sentence("Replays", ("F1",))),
        hours=72,
    ),
    changes=(
        ("Fixed", (Sentence("`load()` reads files without an end marker.", ("F2",)),)),
        ("Added", (Sentence("`compact_log()` drops events that later ones replace.", ("F1",)),)),
    ),
    examples=(
        Example("compact_log([1, 1, 2])", "[1, 2]", ("F1",)),
        Example(
            "for row in load('a'):\n    print(row)", "{'a': {}}", ("F2",), before="KeyError: 'a'"
        ),
    ),
    pictures=(
        Picture(
            "coverage", Sentence("Coverage rose from 86.8% to 87.4%.", ("F4",)), SVG, b"\x89PNG"
        ),
    ),
    tags=("saves", "performance: disk"),
)


@pytest.fixture
def whole_story() -> Story:
    """A story with everything that a story may have."""
    return WHOLE


@pytest.fixture
def bare_story() -> Story:
    """A story with a title and one sentence."""
    return Story("Yes", "", (("", (Sentence("It works.", ("F1",)),)),), "template")


@pytest.fixture
def post() -> Post:
    """What a post of the whole story says of itself."""
    return Post(42, "save-files", ("3f2a9c1" + "0" * 33,), links=("https://github.com/ada/engine",))
