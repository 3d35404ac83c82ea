"""A story as the calls of a Discord webhook: a thread of a forum, or messages in a channel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Json, Picture, Poll, Sentence, Story
from copydesk.agent.stories.channels import discord_limits as limits
from copydesk.agent.stories.channels.markdown import DISCORD, escape
from copydesk.agent.stories.channels.post import (
    BEFORE,
    plain,
    sections_in_order,
    session,
    shortened,
    title_of,
)
from copydesk.agent.stories.channels.split_message import split_message
from copydesk.agent.text import clean

ChannelKind = Literal["forum", "text"]
PartKind = Literal["hook", "part", "picture", "question", "poll"]

NOBODY: Json = {"parse": []}
"""The only `allowed_mentions` that is ever sent: no text pings anybody."""

_MENTION = re.compile(r"@(?=everyone|here|[!&]?\d{5})", re.IGNORECASE)
_INVITE = re.compile(r"(discord(?:app)?)\.(?=(?:gg|io|me|li|com/invite)\b)", re.IGNORECASE)
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True, slots=True)
class ThreadPart:
    """One call of the webhook: what it is in the thread, its JSON, and the picture that goes along.

    `payload` has no thread id, which Discord gives to the first.
    """

    kind: PartKind
    payload: Json
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """What the user has set: the kind of channel, the tags of a forum by their ids, and the
    addresses that may be linked.
    """

    channel: ChannelKind = "forum"
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def build_thread(story: Story, options: ThreadOptions) -> tuple[ThreadPart, ...]:
    """The calls that publish a story, in order: the hook, the parts, the question, the poll.

    The poll is a call of its own: whether Discord takes one in the call that opens a thread is
    not documented.

    Args:
        story: The story.
        options: Where it goes.

    Raises:
        CopydeskError: A call would break a limit of Discord's; a bug, but nothing was sent.
    """
    parts = [
        ThreadPart("hook", _opening(story, options)),
        *(ThreadPart("part", {"content": text}) for text in _parts(_body(story, options.links))),
        *(_picture(picture) for picture in story.pictures if picture.png is not None),
        *_ending(story, options.links),
    ]
    for part in parts:
        part.payload["allowed_mentions"] = NOBODY
        if broken := limits.broken_limits(part.payload):
            raise CopydeskError(
                f"Discord would refuse a part of the thread: {'; '.join(broken)}",
                slug="discord-limit",
                hint="Nothing was sent. Edit the story, and report this as a bug.",
            )
    return tuple(parts)


def _opening(story: Story, options: ThreadOptions) -> Json:
    opening: Json = {"content": _hook(story, options.links)}
    if options.channel == "forum":
        opening["thread_name"] = _fitting(title_of(story), limits.THREAD_NAME)
        if options.tags:
            opening["applied_tags"] = list(options.tags[: limits.APPLIED_TAGS])
    return opening


def _ending(story: Story, links: Sequence[str]) -> Iterator[ThreadPart]:
    """The question and the poll; a question that the poll asks is not asked twice."""
    poll = poll_payload(story.poll) if story.poll is not None else None
    if poll is not None and not (poll["question"]["text"] and poll["answers"]):
        poll = None
    poll_question = story.poll.question.text if story.poll is not None and poll is not None else ""
    if story.question is not None and story.question.text != poll_question:
        for text in _parts(_escape(story.question.text, links)):
            yield ThreadPart("question", {"content": text})
    if poll is not None:
        yield ThreadPart("poll", {"poll": poll})


def thread_calls(parts: Sequence[ThreadPart], channel: ChannelKind) -> list[Json]:
    """The calls as JSON that can be read and replayed: method, path and body of each."""
    execute = "/webhooks/{id}/{token}?wait=true"
    in_thread = f"{execute}&thread_id={{channel_id of the first answer}}"
    calls = []
    for number, part in enumerate(parts):
        later = number > 0 and channel == "forum"
        call: Json = {"method": "POST", "path": in_thread if later else execute}
        calls.append(call | {"body": part.payload})
    return calls


def poll_payload(poll: Poll) -> Json:
    """A poll as Discord takes it; what is too long is cut, what is too much is left out."""
    answers = [_plain(answer, limits.POLL_ANSWER) for answer in poll.answers]
    unique = list(dict.fromkeys(filter(None, answers)))[: limits.POLL_ANSWERS]
    return {
        "question": {"text": _plain(poll.question, limits.POLL_QUESTION)},
        "answers": [{"poll_media": {"text": text}} for text in unique],
        "duration": min(max(poll.hours, 1), limits.POLL_HOURS),
        "allow_multiselect": False,
        "layout_type": 1,
    }


def neutralise(text: str) -> str:
    """Take mentions and invitations their power, wherever they stand.

    `allowed_mentions` already keeps everybody from being pinged; this keeps it from looking so.
    """
    return _INVITE.sub(r"\1(dot)", _MENTION.sub(f"@{_ZERO_WIDTH}", text))


def _escape(text: str, links: Sequence[str]) -> str:
    return neutralise(escape(text, DISCORD, links))


def _hook(story: Story, links: Sequence[str]) -> str:
    """One sentence of fewer than 200 characters; the title where the story's own is longer."""
    if story.hook is not None:
        hook = _escape(story.hook.text, links)
        greeting = _escape(story.greeting.text, links) if story.greeting is not None else ""
        for text in (f"{greeting}\n{hook}" if greeting else "", hook):
            if text and limits.units(text) <= limits.HOOK:
                return text
    return _fitting(title_of(story), limits.HOOK, escaped=True)


def _plain(sentence: Sentence, width: int) -> str:
    return _fitting(sentence.text, width)


def _fitting(text: str, width: int, *, escaped: bool = False) -> str:
    """A text without Markdown that has at most so many UTF-16 units, cut at a word.

    Args:
        text: The text.
        width: In UTF-16 units.
        escaped: Whether it is shown where Markdown counts; it is then escaped, too.
    """
    words = plain(text)
    room = width
    while True:
        cut = shortened(words, room) if room else ""
        shown = _escape(cut, ()) if escaped else neutralise(cut)
        if limits.units(shown) <= width:
            return shown
        room -= 1


def _body(story: Story, links: Sequence[str]) -> str:
    """The story between hook and question, as Discord's Markdown."""
    blocks = []
    for section in sections_in_order(story):
        texts = [sentence.text for sentence in section.sentences]
        if story.hook is not None and story.hook.text in texts:
            texts.remove(story.hook.text)
        lines = [f"- {_escape(text, links)}" for text in texts]
        if not section.is_list:
            lines = [_escape(" ".join(texts), links)]
        if section.heading.strip() and texts:
            lines.insert(0, f"**{_escape(section.heading, links)}**")  # never alone in a part
        blocks.append("\n".join(lines))
        for example in section.examples:
            blocks.append(_fence(session(example.code, example.result)))
            if example.before is not None:
                blocks += [BEFORE, _fence(example.before)]
    if story.sign_off is not None:
        blocks.append(_escape(story.sign_off.text, links))
    return "\n\n".join(filter(None, blocks))


def _fence(code: str) -> str:
    """A block of code. Three backticks end one wherever they stand, so none are in it."""
    text = clean(code).strip("\n").replace("```", f"`{_ZERO_WIDTH}`{_ZERO_WIDTH}`")
    return f"```python\n{neutralise(text)}\n```"


def _parts(text: str) -> list[str]:
    """A text in messages; Discord trims blanks, and takes no message of blanks alone."""
    shown = [part.shown.strip() for part in split_message(text) if part.source.strip()]
    return [text for text in shown if text]


def _picture(picture: Picture) -> ThreadPart:
    alternative = _fitting(picture.alternative.text, limits.FILE_DESCRIPTION)
    attachment = {"id": 0, "filename": f"{picture.name}.png", "description": alternative}
    return ThreadPart("picture", {"attachments": [attachment]}, picture)
