"""What the editor makes of a story: read back, checked again, approved or taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.stories import StoryNote
from copydesk.agent.records import Fact, Json, Sentence, Story
from copydesk.agent.stories.check_story import check
from copydesk.agent.stories.editing_form import from_text
from copydesk.agent.stories.example_facts import EXAMPLE, NO_EXAMPLES
from copydesk.agent.stories.readers import keep_decisions, offers_told
from copydesk.agent.stories.span_voice import unliked_words
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story

APPROVED = "approved"
"""What closes a story that still grew when the editor approved it."""


def evidence_of(stored: StoredStory, questions: Sequence[StoryNote] = ()) -> Json:
    """What the draft of a story shows of how it was checked, and what its author is asked."""
    has_why = any(fact.kind == "note" for fact in stored.facts)
    notes = [] if has_why else ["nobody has said why; `copydesk note TEXT` does"]
    notes += [fact.text for fact in stored.facts if fact.kind == NO_EXAMPLES]
    notes += [
        f"“{problem.token}” is {problem.why}: {problem.sentence}"
        for problem in unliked_words(stored.story, stored.facts)
    ]
    return {
        "verdict": "doubtful" if stored.open_red else "checked",
        "span": {"since": stored.span.since, "last": stored.span.last},
        "facts": _brief(stored.facts),
        "problems": [problem._asdict() for problem in stored.problems],
        "offered": _brief(stored.offered),
        "notes": notes,
        "questions": [{"id": note.id, "question": note.question} for note in questions],
    }


def _brief(facts: Sequence[Fact]) -> list[Json]:
    return [_brief_fact(fact) for fact in facts]


def _brief_fact(fact: Fact) -> Json:
    """A fact as evidence shows it; one of an example with what is to be pasted into the text."""
    text = fact.text
    if fact.kind == EXAMPLE:
        code, result = (str(fact.values[key]).replace("\n", " ⏎ ") for key in ("code", "result"))
        text += f" Code: {code} | Result: {result}"
    return {"id": fact.id, "kind": fact.kind, "text": text}


def take_text(db: Database, draft_id: int, text: str) -> StoredStory:
    """Read a story from the text of its draft, check it, and keep it.

    A sentence without footnotes may rest on any fact; one marked [^mine] is not checked. Nothing
    that is typed is refused. From now on the text is the editor's. What it leaves out
    of what readers said is remembered, and not offered again.

    Args:
        db: The desk.
        draft_id: The story's draft; its row is not written.
        text: What the editor left, or had before.
    """
    stored = load_story(db, draft_id)
    facts = (*stored.facts, *stored.offered)
    story = from_text(text, stored.story)
    problems = tuple(check(_resting_on_all(story, facts), facts))
    before, after = offers_told(stored.story, stored.facts), offers_told(story, facts)
    keep_decisions(db, before, after, time.time())
    edited = replace(stored, story=story, facts=facts, offered=(), problems=problems)
    return save_story(db, replace(edited, state="edited"))


def _resting_on_all(story: Story, facts: Sequence[Fact]) -> Story:
    """The story with every fact behind each sentence that cites none."""
    ids = tuple(fact.id for fact in facts)

    def rest(sentence: Sentence) -> Sentence:
        return sentence if sentence.facts else replace(sentence, facts=ids)

    return replace(
        story,
        sections=tuple((h, tuple(map(rest, sentences))) for h, sentences in story.sections),
        changes=tuple((h, tuple(map(rest, sentences))) for h, sentences in story.changes),
        greeting=story.greeting and rest(story.greeting),
        hook=story.hook and rest(story.hook),
        sign_off=story.sign_off and rest(story.sign_off),
        question=story.question and rest(story.question),
        poll=story.poll
        and replace(
            story.poll,
            question=rest(story.poll.question),
            answers=tuple(map(rest, story.poll.answers)),
        ),
    )


def approve(db: Database, draft_id: int) -> None:
    """Keep that the editor approved a story; commits that come later belong to the next."""
    stored = load_story(db, draft_id)
    save_story(db, replace(stored, state="approved"))
    db.stories.close(draft_id, APPROVED)
    for (kind, about), text in offers_told(stored.story, stored.facts).items():
        db.feedback_state.decide(kind, about, "taken", text, time.time())


def take_back(db: Database, draft_id: int) -> None:
    """Keep that a story is not decided on any more; it grows again where approval closed it."""
    stored = load_story(db, draft_id)
    reopens = stored.closed_by == APPROVED and db.stories.growing() is None
    closed_by = "" if reopens else stored.closed_by
    for kind, about in offers_told(stored.story, stored.facts):
        db.feedback_state.undecide(kind, about)
    save_story(db, replace(stored, state="edited", closed_by=closed_by))
