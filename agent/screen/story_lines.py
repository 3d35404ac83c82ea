"""A story as lines: each sentence with its facts, what is red, and what each channel gets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Example, Fact, Json, Sentence
from copydesk.agent.screen.detail import Look
from copydesk.agent.screen.source_lines import highlighted
from copydesk.agent.stories.channels import discord_limits as limits
from copydesk.agent.stories.publish import CHANNELS, channel_text, publication
from copydesk.agent.stories.stored_stories import StoredStory
from copydesk.agent.text import clean, one_line, plural

MINE = "mine"
"""The footnote of a sentence that the editor vouches for."""

_SHOWN = 14
"""Lines of each channel's text that are shown."""


def story_lines(stored: StoredStory, look: Look) -> list[Text]:
    """A story as its editor reads it, each sentence with the facts that hold it.

    Args:
        stored: The story.
        look: How lines are to look.
    """
    story, page = stored.story, _Page(stored, look)
    lines = [Text(clean(story.title), "bold"), Text(clean(story.date), "dim")]
    lines += page.sentences(filter(None, [story.hook]))
    for heading, sentences in story.sections:
        lines += [Text(), Text(clean(heading), "bold underline"), *page.sentences(sentences)]
    for example in story.examples:
        lines += [Text(), *page.example(example)]
    questions = [story.question, story.poll.question if story.poll else None]
    distinct_questions = list(dict.fromkeys(filter(None, questions)))
    if distinct_questions:
        lines += [
            Text(),
            Text("A question to readers", "bold underline"),
            *page.sentences(distinct_questions),
        ]
    if story.poll is not None:
        lines += page.sentences(story.poll.answers, mark="( ) ")
    for category, entries in story.changes:
        lines += [Text(), Text(clean(category), "bold underline"), *page.sentences(entries, "- ")]
    lines += page.offered()
    return lines


class _Page:
    """Puts the sentences of a story into lines.

    Args:
        stored: The story.
        look: How lines are to look.
    """

    def __init__(self, stored: StoredStory, look: Look) -> None:
        self._facts = {fact.id: fact for fact in stored.facts}
        self._offered = stored.offered
        self._red: dict[str, list[str]] = {}
        for problem in stored.open_red:
            self._red.setdefault(problem.sentence, []).append(f"{problem.token}: {problem.why}")
        self._look = look

    def sentences(self, sentences: Iterator[Sentence] | Sequence[Sentence] | filter[Sentence],
                  mark: str = "") -> list[Text]:  # fmt: skip
        """Sentences, each on a line of its own, with why it is red, and its facts."""
        lines = []
        for sentence in sentences:
            problems = self._red.get(sentence.text, [])
            sign = self._look.glyphs.failed if problems else " "
            text = clean(" ".join(sentence.text.split()), keep="")
            lines.append(Text(f"{sign} {mark}{text}", "bold red" if problems else ""))
            lines += [Text(f"    {one_line(problem)}", "red") for problem in problems]
            lines += self._held_by(sentence.facts)
        return lines

    def example(self, example: Example) -> list[Text]:
        """A call with what it gave, and what it gave before."""
        lines = highlighted(example.code, "python", dark=self._look.dark)
        lines += [Text(f"  {line}") for line in clean(example.result).split("\n")]
        if example.before is not None:
            lines += [Text(f"  before: {one_line(example.before)}", "dim")]
        return lines + self._held_by(example.facts)

    def offered(self) -> list[Text]:
        """Facts that came after the editor's text, which it does not tell."""
        if not self._offered:
            return []
        heading = [Text(), Text("New, and not told (x takes them)", "bold underline")]
        return heading + [_fact_line(fact) for fact in self._offered]

    def _held_by(self, identities: Sequence[str]) -> list[Text]:
        if MINE in identities:
            return [Text("    you vouch for it", "dim")]
        return [_fact_line(self._facts[i]) for i in identities if i in self._facts]


def _fact_line(fact: Fact) -> Text:
    return Text(f"    {fact.id} {one_line(fact.text, 160)}", "dim cyan")


def question_lines(evidence: Json) -> list[Text]:
    """What the author is asked, with the key that answers."""
    questions = evidence.get("questions") or ()
    lines = [Text(f"Asked: {one_line(str(one.get('question')))}", "yellow") for one in questions]
    return [*lines, Text("n answers; nothing needs an answer.", "dim")] if lines else []


def channel_lines(repo: Repository, db: Database, draft_id: int) -> list[Text]:
    """What each channel would get, with the limits of those that have some counted.

    Args:
        repo: The repository.
        db: Its desk.
        draft_id: The story's draft.
    """
    try:
        story = publication(repo, db, draft_id)
    except CopydeskError as error:
        return [Text(clean(str(error)), "red"), Text(clean(error.hint), "dim")]
    lines: list[Text] = []
    for channel in CHANNELS:
        try:
            text = channel_text(channel, story)
        except CopydeskError as error:
            lines += [_channel_heading(channel, clean(str(error)))]
            continue
        if channel == "discord":
            lines += _discord(json.loads(text))
        else:
            rows = clean(text).split("\n")
            lines.append(_channel_heading(channel, f"{len(text):,} characters"))
            lines += [Text(row) for row in rows[:_SHOWN]]
            if len(rows) > _SHOWN:
                lines.append(Text(f"… {plural(len(rows) - _SHOWN, 'more line')}", "dim"))
        lines.append(Text())
    return lines


def _channel_heading(channel: str, words: str) -> Text:
    return Text(f"{channel}: {words}", "bold")


def _discord(calls: Sequence[Json]) -> list[Text]:
    """The calls of a thread, each with how much of Discord's limits it takes."""
    lines = [_channel_heading("discord", plural(len(calls), "message"))]
    for number, call in enumerate(calls, 1):
        body = call["body"]
        lines.append(Text(f"{number}. {', '.join(_counts(body))}", "dim"))
        lines += [Text(f"   {row}") for row in clean(body.get("content", "")).split("\n")[:_SHOWN]]
        lines += [Text(f"   ! {broken}", "red") for broken in limits.broken_limits(body)]
    return lines


def _counts(body: Json) -> Iterator[str]:
    """How long the parts of a message are, of what they may be."""
    if "thread_name" in body:
        yield f"name {limits.units(body['thread_name'])}/{limits.THREAD_NAME}"
    if "content" in body:
        yield f"text {limits.units(body['content']):,}/{limits.CONTENT:,}"
    if "poll" in body:
        poll = body["poll"]
        yield f"question {limits.units(poll['question']['text'])}/{limits.POLL_QUESTION}"
        longest = max(limits.units(one["poll_media"]["text"]) for one in poll["answers"])
        yield f"{len(poll['answers'])}/{limits.POLL_ANSWERS} answers"
        yield f"longest {longest}/{limits.POLL_ANSWER}"
