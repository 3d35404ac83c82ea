"""What the desk asks the author about a span, and what it never asks again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.agent.stories.test_span_story import API, FULL, commit

from copydesk.agent.config import Project
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import StoryNote
from copydesk.agent.git.repository import find
from copydesk.agent.stories.open_story import StoryDesk, update_stories
from copydesk.agent.stories.questions import ask, questions
from copydesk.agent.stories.span import AuthorNote, SpanInputs, span_facts


def asked(inputs: SpanInputs, decided: tuple[StoryNote, ...] = ()) -> list[str]:
    return [question.text for question in questions(span_facts(inputs), decided)]


QUIET = replace(FULL, notes=(), commits=FULL.commits[1:3], tags=())


def test_what_readers_notice_most_is_asked_about() -> None:
    assert asked(QUIET) == [
        "Why is `legacy` gone?",
        "Why is `load_all` deprecated, and what should readers use?",
        "Why does `parse` no longer take `lax`?",
    ]


def test_a_commit_that_rewrites_without_a_reason_is_asked_about() -> None:
    bold = commit(9, "feat!: rewrite read_rows")
    told = commit(10, "Replace the parser", body="The old one could not read quotes.")
    inputs = replace(QUIET, api=API[:1], commits=(bold, told))
    assert asked(inputs) == [
        "What made you do this: “feat!: rewrite read_rows”?",
        "What made you write `read_rows`?",
    ]


def test_what_has_a_reason_is_not_asked_about() -> None:
    notes = (AuthorNote("legacy had no users, and load_all is slow."),)
    assert "Why is `legacy` gone?" not in asked(replace(QUIET, notes=notes))


def test_three_in_all_and_nothing_twice() -> None:
    skipped = StoryNote(1, "legacy", "Why is `legacy` gone?", "", "skipped")
    told = StoryNote(2, "parse", "Why …?", "So.", "told")
    assert asked(QUIET, (skipped, told)) == [
        "Why is `load_all` deprecated, and what should readers use?"
    ]
    assert asked(QUIET, (skipped, told, replace_(skipped, 3, "x"))) == []
    noted = StoryNote(4, "legacy", "", "It was old.", "told")
    assert len(asked(QUIET, (noted,))) == 3


def replace_(note: StoryNote, number: int, subject: str) -> StoryNote:
    return note._replace(id=number, subject=subject)


def test_a_default_that_cannot_be_shown_is_asked_about_all_the_same() -> None:
    facts = span_facts(replace(QUIET, api=API[5:6]))
    [fact] = [fact for fact in facts if fact.kind == "default changed"]
    bare = replace(fact, values={k: v for k, v in fact.values.items() if k != "now"})
    assert [q.text for q in questions([bare], ())] == ["Why has `fetch` changed?"]


def test_questions_are_kept_taken_back_and_remembered(tmp_path: Path) -> None:
    facts = span_facts(QUIET)
    with open_desk(tmp_path) as db:
        first = ask(db, facts)
        assert ask(db, facts) == first
        db.stories.answer(first[0].id, "Nobody called it.")
        db.stories.answer(first[1].id, "")
        assert [note.id for note in ask(db, facts)] == [first[2].id]
        assert ask(db, span_facts(replace(QUIET, api=()))) == []
        states = [note.state for note in db.stories.notes()]
        assert states == ["told", "skipped"]


def test_an_answer_is_the_why_of_the_story(repo: Path, commit: Any) -> None:
    commit(repo, {"a.py": "def one():\n    pass\n\n\ndef two():\n    pass\n"}, "Add one")
    last = commit(repo, {"a.py": "def one():\n    pass\n"}, "Remove two")
    with open_desk(find(repo).desk) as db:
        desk = StoryDesk(find(repo), db, Project(), lambda _: None)
        story = update_stories(desk, last)
        assert story is not None
        [question] = db.drafts.get(story.draft_id).evidence["questions"]
        assert question["question"] == "Why is `two` gone?"
        db.stories.answer(question["id"], "Nobody called it.")
        update_stories(desk, last)
        draft = db.drafts.get(story.draft_id)
        assert "On `two`: “Nobody called it.”" in draft.content
        assert draft.evidence["questions"] == []
        assert draft.evidence["problems"] == []


@pytest.mark.parametrize("name", ["a{0}b", "{x}", "%s", "`tick`"])
def test_names_are_only_text(name: str) -> None:
    facts = span_facts(replace(QUIET, api=(replace(API[6], name=name),)))
    assert len(questions(facts, ())) == 1
