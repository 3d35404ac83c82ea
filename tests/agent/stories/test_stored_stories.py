from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import Span
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft, Example, Fact, Picture, Poll, Sentence, Story
from copydesk.agent.stories.check_story import Problem
from copydesk.agent.stories.stored_stories import (
    StoredStory,
    growing_story,
    load_story,
    save_story,
    story_from_json,
    story_to_json,
)

TEXTS = st.text()
SENTENCES = st.builds(Sentence, TEXTS, st.lists(TEXTS, max_size=3).map(tuple))
HEADED = st.lists(st.tuples(TEXTS, st.lists(SENTENCES, max_size=3).map(tuple)), max_size=3).map(
    tuple
)
STORIES = st.builds(
    Story,
    title=TEXTS,
    date=TEXTS,
    sections=HEADED,
    origin=TEXTS,
    hook=st.none() | SENTENCES,
    question=st.none() | SENTENCES,
    poll=st.none()
    | st.builds(Poll, SENTENCES, st.lists(SENTENCES, max_size=3).map(tuple), st.integers(1, 768)),
    changes=HEADED,
    examples=st.lists(
        st.builds(Example, TEXTS, TEXTS, st.just(("F1",)), st.none() | TEXTS), max_size=2
    ).map(tuple),
    pictures=st.lists(
        st.builds(Picture, TEXTS, SENTENCES, TEXTS, st.none() | st.binary()), max_size=2
    ).map(tuple),
    tags=st.lists(TEXTS, max_size=3).map(tuple),
)
SPAN = Span("a" * 40, "b" * 40, "c" * 40)
FACT = Fact("F1", "release", "Released v1.0.", {"name": "v1.0", "count": 1})
STORY = Story("Title", "2026-11-30", (("News", (Sentence("It is out.", ("F1",)),)),), "template")
DRAFT = Draft(0, "devlog", "ready", "c" * 40, "Title", "template", "outbox/x.md", "text")


@given(STORIES)
def test_a_story_comes_back_from_json(story: Story) -> None:
    assert story_from_json(json.loads(json.dumps(story_to_json(story)))) == story


def test_a_story_of_an_older_shape_is_read() -> None:
    data = {"title": "T", "date": "", "origin": "template", "sections": []}
    assert story_from_json(data) == Story("T", "", (), "template")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path) as opened:
        yield opened


def stored(**more: object) -> StoredStory:
    return replace(StoredStory(0, 0, SPAN, "open", STORY, (FACT,)), **more)  # type: ignore[arg-type]


def test_a_stored_story_comes_back_as_it_went_in(db: Database) -> None:
    problem = Problem("It is out.", "out", "no fact")
    offered = Fact("F2", "note", "More.", {"note": "More."})
    kept = save_story(
        db, stored(problems=(problem,), offered=(offered,), accepted_red=("other",)), DRAFT
    )
    assert kept.id
    assert load_story(db, kept.draft_id) == kept
    assert kept.open_red == (problem,)
    assert db.drafts.get(kept.draft_id).content == "text"


def test_red_that_the_editor_accepted_is_not_open(db: Database) -> None:
    problem = Problem("It is out.", "out", "no fact")
    kept = save_story(db, stored(problems=(problem,), accepted_red=("It is out.",)), DRAFT)
    assert load_story(db, kept.draft_id).open_red == ()


def test_saving_again_renews_the_draft_until_the_editor_decides(db: Database) -> None:
    kept = save_story(db, stored(), DRAFT)
    again = replace(DRAFT, id=kept.draft_id, content="anew")
    assert save_story(db, kept, again) == kept
    draft = db.drafts.get(kept.draft_id)
    assert draft.content == "anew"
    db.drafts.decide(draft, Decision("edit", "ready"), content="mine")
    save_story(db, replace(kept, state="edited"), again)
    assert db.drafts.get(kept.draft_id).content == "mine"
    assert load_story(db, kept.draft_id).state == "edited"


def test_two_stories_may_end_in_one_commit(db: Database) -> None:
    first = save_story(db, stored(), DRAFT)
    second = save_story(db, stored(), DRAFT)
    assert first.draft_id != second.draft_id


def test_the_growing_story_is_the_one_that_waits_and_is_not_closed(db: Database) -> None:
    assert growing_story(db) is None
    kept = save_story(db, stored(), DRAFT)
    assert growing_story(db) == kept
    assert db.stories.told_up_to() == []
    note = db.stories.add_note("", subject="f", question="Why f?")
    db.stories.answer(note, "")
    db.stories.add_note("It was slow.")
    db.stories.close(kept.draft_id, "tag v1")
    assert growing_story(db) is None
    assert db.stories.told_up_to() == [SPAN.last]
    assert db.stories.notes() == []
    assert [(n.text, n.state) for n in db.stories.notes(kept.id)] == [
        ("", "skipped"),
        ("It was slow.", "told"),
    ]


def test_a_rejected_story_tells_nothing(db: Database) -> None:
    kept = save_story(db, stored(closed_by="tag v1"), DRAFT)
    db.drafts.decide(db.drafts.get(kept.draft_id), Decision("reject", "rejected", why="dull"))
    assert db.stories.told_up_to() == []


def test_waiting_entries_of_single_commits_are_retired_but_for_edited_ones(db: Database) -> None:
    single = db.drafts.add(replace(DRAFT, commit="d" * 40))
    edited = db.drafts.add(replace(DRAFT, commit="e" * 40))
    db.drafts.decide(db.drafts.get(edited), Decision("edit", "ready"), content="mine")
    kept = save_story(db, stored(), DRAFT)
    assert db.stories.supersede_single_entries(["c" * 40, "d" * 40, "e" * 40]) == 1
    states = {i: db.drafts.get(i).state for i in (single, edited, kept.draft_id)}
    assert states == {single: "superseded", edited: "ready", kept.draft_id: "ready"}


@pytest.mark.parametrize("kind", ["test", "devlog"])
def test_a_draft_that_is_no_story_of_a_span_is_named(db: Database, kind: str) -> None:
    identity = db.drafts.add(replace(DRAFT, kind=kind))  # type: ignore[arg-type]
    with pytest.raises(CopydeskError, match=f"draft {identity} is a"):
        load_story(db, identity)
