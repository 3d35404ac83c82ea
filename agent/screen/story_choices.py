"""Taking and dropping parts of a story without typing: each is an edit, and undone as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from copydesk.agent.desk.database import Database
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Sentence, Story
from copydesk.agent.review import decisions
from copydesk.agent.screen.dialogs import Choice
from copydesk.agent.stories.editing_form import to_text
from copydesk.agent.stories.stored_stories import StoredStory, load_story
from copydesk.agent.text import one_line

MORE = "More"
"""The heading under which facts stand that were taken."""


def story_choices(db: Database, draft_id: int) -> list[Choice]:
    """What of a story can be dropped, and what it does not tell and can be taken.

    Raises:
        CopydeskError: The draft is no story of a span.
    """
    return list(_choices(load_story(db, draft_id)))


def _choices(stored: StoredStory) -> Iterator[Choice]:
    for fact in stored.offered:
        yield Choice(f"take {fact.id}", f"take {fact.id}: {one_line(fact.text, 60)}")
    for number, example in enumerate(stored.story.examples):
        yield Choice(f"example {number}", f"drop the example {one_line(example.code, 50)}")
    for name in ("hook", "question", "poll"):
        part = getattr(stored.story, name)
        if part is not None:
            sentence = part.question if name == "poll" else part
            yield Choice(name, f"drop the {name}: {one_line(sentence.text, 50)}")


def choose(repo: Repository, db: Database, draft_id: int, name: str) -> Draft:
    """Take or drop a part of a story.

    Args:
        repo: The repository.
        db: Its desk.
        draft_id: The story's draft.
        name: The name of one of `story_choices`.

    Raises:
        CopydeskError: The story does not wait, or was changed meanwhile.
    """
    stored = load_story(db, draft_id)
    facts = {fact.id: fact for fact in stored.offered}
    kind, _, which = name.partition(" ")
    if kind == "take":
        sentence = Sentence(facts[which].text, (which,))
        story = _with_more(stored.story, sentence)
    elif kind == "example":
        examples = list(stored.story.examples)
        del examples[int(which)]
        story = replace(stored.story, examples=tuple(examples))
    elif kind == "hook":
        story = replace(stored.story, hook=None)
    else:  # the form writes a poll's question once
        story = replace(stored.story, question=None, poll=None)
    text = to_text(story, (*stored.facts, *stored.offered))
    return decisions.edit(repo, db, draft_id, text)


def _with_more(story: Story, sentence: Sentence) -> Story:
    sections = list(story.sections)
    if sections and sections[-1][0] == MORE:
        heading, sentences = sections.pop()
        sections.append((heading, (*sentences, sentence)))
    else:
        sections.append((MORE, (sentence,)))
    return replace(story, sections=tuple(sections))


def take_note(db: Database, draft_id: int, text: str) -> str:
    """Keep what the author says: the answer to the first question of a story, or a note.

    Returns:
        What became of it, in words.
    """
    asked_questions = [note for note in db.stories.notes() if note.state == "asked"]
    evidence = db.drafts.get(draft_id).evidence
    of_story = {one.get("id") for one in evidence.get("questions") or ()}
    for note in asked_questions:
        if note.id in of_story:
            db.stories.answer(note.id, text)
            return "Your answer is kept; the story takes it up when it is written anew."
    db.stories.add_note(text)
    return "Your note is kept for the story that grows."
