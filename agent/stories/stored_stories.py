"""Stories as the desk keeps them: the structured story, its facts, and what is red in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.stories import Span, StoryRow, StoryState
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import (
    Draft,
    Example,
    Fact,
    Json,
    Picture,
    Poll,
    Sentence,
    Story,
)
from copydesk.agent.stories.check_story import Problem


@dataclass(frozen=True, slots=True)
class StoredStory:
    """A story on the desk.

    `problems` are what its facts do not hold ("red"); `accepted_red` the texts of those sentences
    that the editor approved all the same; `offered` facts that came after the editor's edit and
    that the text does not tell. `closed_by` is "" while commits are still added.
    """

    id: int
    draft_id: int
    span: Span
    state: StoryState
    story: Story
    facts: tuple[Fact, ...]
    problems: tuple[Problem, ...] = ()
    accepted_red: tuple[str, ...] = ()
    offered: tuple[Fact, ...] = ()
    closed_by: str = ""

    @property
    def open_red(self) -> tuple[Problem, ...]:
        """The problems that the editor has not accepted; nothing is published while there are."""
        return tuple(p for p in self.problems if p.sentence not in self.accepted_red)


def load_story(db: Database, draft_id: int) -> StoredStory:
    """The story of a draft.

    Raises:
        CopydeskError: There is no such draft, or it is no story of a span.
    """
    draft = db.drafts.get(draft_id)
    row = db.stories.of_draft(draft_id)
    if row is None:
        if draft.kind == "devlog":
            what = "a dev log entry of one commit, from before stories had spans"
        else:
            what = f"a {draft.kind}, not a story"
        raise CopydeskError(
            f"draft {draft_id} is {what}",
            slug="not-a-story",
            hint="`copydesk drafts --all --kind devlog` lists the stories.",
        )
    return _stored(row)


def growing_story(db: Database) -> StoredStory | None:
    """The story that commits are still added to, if there is one."""
    row = db.stories.growing()
    return None if row is None else _stored(row)


def save_story(db: Database, stored: StoredStory, draft: Draft | None = None) -> StoredStory:
    """Keep a story.

    Args:
        db: The desk.
        stored: The story; one that is new has the id 0 and no draft yet.
        draft: Its text for the editor, where that is new or is to be written anew. A text that
            the editor has decided on or changed is left as it is.

    Returns:
        The story as it is kept.
    """
    with transaction(db):
        draft_id = stored.draft_id
        if draft is not None and not stored.id:
            draft_id = db.stories.add_draft(draft, stored.span.since)
        elif draft is not None:
            db.stories.renew_draft(draft)
        identity = db.stories.save(
            StoryRow(
                id=stored.id,
                draft_id=draft_id,
                span=stored.span,
                closed_by=stored.closed_by,
                state=stored.state,
                story=story_to_json(stored.story),
                facts=[fact_to_json(fact) for fact in stored.facts],
                problems=[problem._asdict() for problem in stored.problems],
                accepted_red=list(stored.accepted_red),
                offered=[fact_to_json(fact) for fact in stored.offered],
            )
        )
    return replace(stored, id=identity, draft_id=draft_id)


def _stored(row: StoryRow) -> StoredStory:
    return StoredStory(
        id=row.id,
        draft_id=row.draft_id,
        span=row.span,
        state=row.state,
        story=story_from_json(row.story),
        facts=tuple(map(fact_from_json, row.facts)),
        problems=tuple(Problem(**problem) for problem in row.problems),
        accepted_red=tuple(row.accepted_red),
        offered=tuple(map(fact_from_json, row.offered)),
        closed_by=row.closed_by,
    )


def fact_to_json(fact: Fact) -> Json:
    """A fact as JSON; `fact_from_json` reads it."""
    return {"id": fact.id, "kind": fact.kind, "text": fact.text, "values": dict(fact.values)}


def fact_from_json(data: Mapping[str, Any]) -> Fact:
    """A fact from what `fact_to_json` made of it."""
    return Fact(data["id"], data["kind"], data["text"], data["values"])


def story_to_json(story: Story) -> Json:
    """A story as JSON; `story_from_json` reads it. The bytes of pictures are base64."""
    return {
        "title": story.title,
        "date": story.date,
        "origin": story.origin,
        "sections": _headed_to_json(story.sections),
        "hook": _to_json(story.hook),
        "question": _to_json(story.question),
        "poll": None if story.poll is None else _poll_to_json(story.poll),
        "changes": _headed_to_json(story.changes),
        "examples": [_example_to_json(example) for example in story.examples],
        "pictures": [_picture_to_json(picture) for picture in story.pictures],
        "tags": list(story.tags),
        "categories": list(story.categories),
        "greeting": _to_json(story.greeting),
        "sign_off": _to_json(story.sign_off),
    }


def story_from_json(data: Mapping[str, Any]) -> Story:
    """A story from what `story_to_json` made of it; what is not there is empty."""
    poll = data.get("poll")
    return Story(
        title=data["title"],
        date=data["date"],
        origin=data["origin"],
        sections=_headed(data["sections"]),
        hook=_optional_sentence(data.get("hook")),
        question=_optional_sentence(data.get("question")),
        poll=None if poll is None else _poll(poll),
        changes=_headed(data.get("changes", ())),
        examples=tuple(map(_example, data.get("examples", ()))),
        pictures=tuple(map(_picture, data.get("pictures", ()))),
        tags=tuple(data.get("tags", ())),
        categories=tuple(data.get("categories", ())),
        greeting=_optional_sentence(data.get("greeting")),
        sign_off=_optional_sentence(data.get("sign_off")),
    )


_Headed = tuple[tuple[str, tuple[Sentence, ...]], ...]
"""Headings, each with its sentences."""


def _to_json(sentence: Sentence | None) -> Json | None:
    return None if sentence is None else {"text": sentence.text, "facts": list(sentence.facts)}


def _sentence(data: Mapping[str, Any]) -> Sentence:
    return Sentence(data["text"], tuple(data["facts"]))


def _optional_sentence(data: Mapping[str, Any] | None) -> Sentence | None:
    return None if data is None else _sentence(data)


def _headed_to_json(headed: _Headed) -> list[Json]:
    return [
        {"heading": heading, "sentences": [_to_json(sentence) for sentence in sentences]}
        for heading, sentences in headed
    ]


def _headed(data: Sequence[Mapping[str, Any]]) -> _Headed:
    return tuple((part["heading"], tuple(map(_sentence, part["sentences"]))) for part in data)


def _poll_to_json(poll: Poll) -> Json:
    return {
        "question": _to_json(poll.question),
        "answers": [_to_json(answer) for answer in poll.answers],
        "hours": poll.hours,
    }


def _poll(data: Mapping[str, Any]) -> Poll:
    answers = tuple(map(_sentence, data["answers"]))
    return Poll(_sentence(data["question"]), answers, int(data["hours"]))


def _example_to_json(example: Example) -> Json:
    return {
        "code": example.code,
        "result": example.result,
        "facts": list(example.facts),
        "before": example.before,
    }


def _example(data: Mapping[str, Any]) -> Example:
    return Example(data["code"], data["result"], tuple(data["facts"]), data["before"])


def _picture_to_json(picture: Picture) -> Json:
    png = None if picture.png is None else base64.b64encode(picture.png).decode("ascii")
    return {
        "name": picture.name,
        "alternative": _to_json(picture.alternative),
        "svg": picture.svg,
        "png": png,
    }


def _picture(data: Mapping[str, Any]) -> Picture:
    png = None if data["png"] is None else base64.b64decode(data["png"])
    return Picture(data["name"], _sentence(data["alternative"]), data["svg"], png)
