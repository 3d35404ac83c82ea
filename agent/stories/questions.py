"""At most three short questions to the author about a span: what made them do it.

Asked about is what readers notice and nobody has given a reason for: what is gone, what is called
otherwise, a commit that breaks or replaces something, what is new. An answer becomes the
why of the story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.stories import StoryNote
from copydesk.agent.records import Fact
from copydesk.agent.stories.facts import shortened
from copydesk.agent.stories.stored_stories import StoredStory

MOST_QUESTIONS = 3
_LONGEST_SUBJECT = 60

_ABOUT_API = {
    "api removed": "Why is `{name}` gone?",
    "api deprecated": "Why is `{name}` deprecated, and what should readers use?",
    "parameter removed": "Why does `{name}` no longer take `{parameter}`?",
    "default changed": "Why is the default of `{parameter}` in `{name}` `{now}` now?",
    "option removed": "Why is the option `{option}` gone?",
    "option default": "Why is the default of `{option}` `{now}` now?",
    "api moved": "What made you move `{name}`?",
    "api added": "What made you write `{name}`?",
    "option added": "What is the option `{option}` for?",
    "parameter added": "What is `{parameter}` of `{name}` for?",
}
"""The questions about what a project offers, the most pressing first."""
_BOLD = re.compile(
    r"\b(rewr[io]te\w*|replac\w+|switch\w*|rework\w*|redesign\w*|drop(?:s|ped)?|migrat\w+)\b", re.I
)
_PRESSING = frozenset(list(_ABOUT_API)[:6])


class Question(NamedTuple):
    """A question, and the name that it is about: of a thing, or of a commit by its subject."""

    subject: str
    text: str


def questions(facts: Sequence[Fact], decided: Sequence[StoryNote]) -> list[Question]:
    """What is worth asking about a span.

    Args:
        facts: Its facts.
        decided: What was noted, answered or skipped: none of it is asked about again.
    """
    taken = {note.subject for note in decided if note.subject}
    asked: dict[str, Question] = {}
    for question in _candidates(facts):
        if question.subject not in taken:
            asked.setdefault(question.subject, question)
    room = max(0, MOST_QUESTIONS - sum(bool(note.question) for note in decided))
    return list(asked.values())[:room]


def _candidates(facts: Sequence[Fact]) -> Iterator[Question]:
    explained = {str(f.values["sha"]) for f in facts if f.kind == "note" and "sha" in f.values}
    told = " ".join(str(f.values["note"]) for f in facts if f.kind == "note")
    api = [_of_api(f, kind) for kind in _ABOUT_API for f in facts if f.kind == kind]
    open_api = [(kind, q) for kind, q in api if not _names(told, q.subject)]
    yield from (question for kind, question in open_api if kind in _PRESSING)
    for fact in facts:
        if fact.kind == "commit" and fact.values["sha"] not in explained and _is_bold(fact):
            subject = shortened(str(fact.values["subject"]), _LONGEST_SUBJECT)
            yield Question(str(fact.values["short"]), f"What made you do this: “{subject}”?")
    yield from (question for kind, question in open_api if kind not in _PRESSING)


def _of_api(fact: Fact, kind: str) -> tuple[str, Question]:
    values = {key: str(value) for key, value in fact.values.items()}
    name = values.get("option") or values.get("name", "")
    text = _ABOUT_API[kind]
    if "{now}" in text and "now" not in values:
        text = "Why has `{name}` changed?".replace("{name}", name)
    return kind, Question(name, text.format(**values))


def _names(text: str, name: str) -> bool:
    """Whether a reason speaks of a name already."""
    last = name.rpartition(".")[2]
    return re.search(rf"(?<![\w-]){re.escape(last)}(?![\w-])", text) is not None


def _is_bold(commit: Fact) -> bool:
    """Whether a commit breaks something, rewrites or replaces: what readers ask the reason of."""
    if "breaking" in commit.values:
        return True
    return _BOLD.search(str(commit.values["subject"])) is not None


def ask(db: Database, facts: Sequence[Fact]) -> list[StoryNote]:
    """Bring the questions about the story that grows up to date.

    A question whose reason the facts do not hold any more (its commit was undone) is taken back;
    one that was answered or skipped is remembered.

    Args:
        db: The desk.
        facts: The story's facts.

    Returns:
        The questions that wait for an answer.
    """
    notes = db.stories.notes()
    waiting = [note for note in notes if note.state == "asked"]
    decided = [note for note in notes if note.state != "asked"]
    wanted = questions(facts, decided)
    texts = {question.text for question in wanted}
    db.stories.withdraw(note.id for note in waiting if note.question not in texts)
    there = {note.question for note in waiting}
    for question in wanted:
        if question.text not in there:
            db.stories.add_note("", subject=question.subject, question=question.text)
    return [note for note in db.stories.notes() if note.state == "asked"]


def waiting_questions(db: Database, stored: StoredStory) -> list[StoryNote]:
    """The questions about a story that wait for an answer; a closed one has none."""
    notes = [] if stored.closed_by else db.stories.notes()
    return [note for note in notes if note.state == "asked"]
