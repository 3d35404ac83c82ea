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
    "parameter renamed": "Why is `{old_parameter}` of `{name}` called `{parameter}` now?",
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
_PRESSING = frozenset(list(_ABOUT_API)[:7])


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
    """What could be asked, the most pressing first."""
    notes = [fact for fact in facts if fact.kind == "note"]
    of_api = list(_of_open_api(facts, " ".join(str(note.values["note"]) for note in notes)))
    yield from (question for kind, question in of_api if kind in _PRESSING)
    yield from _of_commits(facts, {note.values.get("sha") for note in notes})
    yield from (question for kind, question in of_api if kind not in _PRESSING)


def _of_open_api(facts: Sequence[Fact], reasons: str) -> Iterator[tuple[str, Question]]:
    """The questions about what a project offers that no reason answers, by the kind of change."""
    for kind in _ABOUT_API:
        for fact in facts:
            if fact.kind == kind and not _names(reasons, _of_api(fact)):
                yield kind, _of_api(fact)


def _of_commits(
    facts: Sequence[Fact], explained: set[str | int | float | None]
) -> Iterator[Question]:
    for commit in [fact for fact in facts if fact.kind == "commit" and _is_bold(fact)]:
        if commit.values["sha"] not in explained:
            subject = shortened(str(commit.values["subject"]), _LONGEST_SUBJECT)
            yield Question(str(commit.values["short"]), f"What made you do this: “{subject}”?")


def _of_api(fact: Fact) -> Question:
    values = {key: str(value) for key, value in fact.values.items()}
    name = values.get("option") or values.get("name", "")
    text = _ABOUT_API[fact.kind]
    if "{now}" in text and "now" not in values:
        text = "Why has `{name}` changed?".replace("{name}", name)
    return Question(name, text.format(**values))


def _names(reasons: str, question: Question) -> bool:
    """Whether reasons speak of what a question is about."""
    last = question.subject.rpartition(".")[2]
    return re.search(rf"(?<![\w-]){re.escape(last)}(?![\w-])", reasons) is not None


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
    wanted = {q.text: q for q in questions(facts, [n for n in notes if n.state != "asked"])}
    note_of_question = {note.question: note.id for note in _asked(notes)}
    db.stories.withdraw(note_of_question[text] for text in note_of_question.keys() - wanted.keys())
    for text, question in wanted.items():
        if text not in note_of_question:
            db.stories.add_note("", subject=question.subject, question=text)
    return _asked(db.stories.notes())


def _asked(notes: Sequence[StoryNote]) -> list[StoryNote]:
    return [note for note in notes if note.state == "asked"]


def waiting_questions(db: Database, stored: StoredStory) -> list[StoryNote]:
    """The questions about a story that wait for an answer; a closed one has none."""
    return [] if stored.closed_by else _asked(db.stories.notes())
