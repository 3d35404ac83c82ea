"""Stories on the screen: facts beside sentences, what is red, channels counted, parts taken."""

from __future__ import annotations

from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import Span
from copydesk.agent.records import Draft, Example, Fact, Poll, Sentence, Story
from copydesk.agent.stories.check_story import Problem
from copydesk.agent.stories.editing_form import to_text
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story

FACTS = (Fact("F1", "tests", "3 tests passed.", {"passed": 3}),)
OFFERED = (Fact("F2", "tests", "4 tests ran.", {"ran": 4}),)
STORY = Story(
    title="A shop",
    date="2026-01-02",
    origin="template",
    sections=(("News", (Sentence("3 tests passed.", ("F1",)), Sentence("9 tests ran.", ("F1",)))),),
    hook=Sentence("Look, a shop.", ("mine",)),
    question=Sentence("What next?", ("mine",)),
    poll=Poll(Sentence("What next?", ("mine",)), (Sentence("more", ()), Sentence("less", ()))),
    changes=(("Added", (Sentence("A shop.", ("mine",)),)),),
    examples=(Example("f(1)", "1", ("F1",), before="0"),),
)
RED = (Problem("9 tests ran.", "9", "no fact says so"),)


@pytest.fixture
def story(shop: Any) -> int:
    """A story on the desk of the shop, with a red sentence and a fact that it does not tell."""
    draft = Draft(
        id=0, kind="devlog", state="ready", commit=shop.sha, title=STORY.title, origin="template",
        path="outbox/x.md", content=to_text(STORY, FACTS, OFFERED),
        evidence={"questions": [{"id": 1, "question": "Why a shop?"}]},
    )  # fmt: skip
    stored = StoredStory(
        0, 0, Span("", shop.sha, shop.sha), "open", STORY, FACTS, RED, offered=OFFERED
    )
    with open_desk(shop.repo.desk) as db:
        assert db.stories.add_note("", question="Why a shop?") == 1
        return save_story(db, stored, draft).draft_id


def stored_story(shop: Any, draft: int) -> StoredStory:
    with open_desk(shop.repo.desk) as db:
        return load_story(db, draft)


def test_each_sentence_stands_with_its_facts_and_red_ones_with_why(
    shop: Any, story: int, drive: Any
) -> None:
    async def script(screen: Any) -> None:
        shown = screen.app.query_one("#draft").text
        assert "  3 tests passed.\n    F1 3 tests passed." in shown
        assert "✗ 9 tests ran.\n    9: no fact says so\n    F1 3 tests passed." in shown
        assert "  Look, a shop.\n    you vouch for it" in shown
        assert "f(1)\n  1\n  before: 0" in shown
        assert shown.count("What next?") == 1
        assert "( ) more" in shown
        assert "- A shop." in shown
        assert "New, and not told (x takes them)\n    F2 4 tests ran." in shown
        assert "Asked: Why a shop?" in screen.app.query_one("#evidence").text
        assert "is not in its facts" in screen.app.query_one("#source").text
        assert "‼" in screen.text or "¶" in screen.text
        await screen.press("a")
        assert "is not in its facts" in screen.status

    drive(script, size=(120, 60))


def test_parts_are_taken_and_dropped_and_that_is_undone(shop: Any, story: int, drive: Any) -> None:
    async def script(screen: Any) -> None:
        await screen.press("x", "1")
        assert stored_story(shop, story).story.sections[-1][0] == "More"
        await screen.press("x", "1")
        assert stored_story(shop, story).story.examples == ()
        await screen.press("x", "1")
        assert stored_story(shop, story).story.hook is None
        await screen.press("x", "1")
        assert stored_story(shop, story).story.poll is None
        await screen.press("x")
        assert screen.status == "There is nothing to take or to drop."
        for _ in range(4):
            await screen.press("u")
        assert len(stored_story(shop, story).story.examples) == 1

    drive(script, size=(120, 60))


def test_what_each_channel_gets_is_shown_with_its_limits(shop: Any, story: int, drive: Any) -> None:
    with open_desk(shop.repo.desk) as db:
        stored = load_story(db, story)
        save_story(db, StoredStory(**_fields(stored) | {"problems": ()}))

    async def script(screen: Any) -> None:
        shown = screen.app.query_one("#source").text
        assert "devlog: " in shown
        assert "discord: " in shown
        assert "name 6/100" in shown
        assert "/2,000" in shown
        assert "2/10 answers, longest 4/55" in shown
        assert "hugo: " in shown

    drive(script, size=(120, 60))


def _fields(stored: StoredStory) -> dict[str, Any]:
    return {name: getattr(stored, name) for name in StoredStory.__dataclass_fields__}


def test_a_question_is_answered_and_a_note_is_kept(shop: Any, story: int, drive: Any) -> None:
    async def script(screen: Any) -> None:
        await screen.press("n")
        assert "Why a shop?" in screen.text
        await screen.press(*"for", "enter")
        assert "Your answer is kept" in screen.status
        await screen.press("n", *"more", "enter")
        assert "Your note is kept" in screen.status
        await screen.press("n", "escape")
        with open_desk(shop.repo.desk) as db:
            assert [(note.text, note.state) for note in db.stories.notes()] == [
                ("for", "told"),
                ("more", "told"),
            ]

    drive(script, size=(120, 60))


def test_what_is_for_stories_says_so_of_tests(shop: Any, drive: Any) -> None:
    shop.add()

    async def script(screen: Any) -> None:
        await screen.press("n")
        assert "Notes are for stories" in screen.status
        await screen.press("x")
        assert "is a test, not a story" in screen.status

    drive(script)
