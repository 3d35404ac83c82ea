"""DiscordChatExporter's JSON, as it is written now and as it was in 2023.

The shape is that of `JsonMessageWriter.cs` of DiscordChatExporter at 4f29fa6 (MIT). All keys are
optional here but `messages`, and `id` and `timestamp` of a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copydesk.agent.community.importers.json_stream import stream_events, stream_items
from copydesk.agent.community.importers.values import (
    JsonObject,
    UnreadableError,
    count_of,
    id_of,
    object_of,
    objects_of,
    optional_time_of,
    text_of,
    time_of,
)
from copydesk.agent.community.message import (
    Author,
    BadRecord,
    Message,
    Poll,
    PollOption,
    Reaction,
    Record,
    Thread,
)

POLL_RESULT = "46"
"""The type of the message that Discord writes when a poll ends; the exporter has no name for it."""

_BY_PEOPLE = frozenset({"", "Default", "Reply", "0", "19", "20", "21", "ChatInputCommand"})


def read_discord_export(path: Path) -> Iterator[Record]:
    """The messages of one exported channel, thread, forum post or direct conversation.

    Args:
        path: A file that DiscordChatExporter wrote with `--format Json`, or a partition of one.

    Yields:
        A message each, and a `BadRecord` for each that cannot be read.
    """
    header = _header(path)
    thread = _thread(header)
    as_of = optional_time_of(header.get("exportedAt")) or _newest(path)
    number = 0
    try:
        for record in stream_items(path, "messages.item"):
            number += 1
            try:
                yield discord_message(object_of(record), thread, as_of)
            except UnreadableError as error:
                yield BadRecord(f"message {number}", str(error))
    except UnreadableError as error:
        yield BadRecord(f"after message {number}", str(error))


def _header(path: Path) -> dict[str, Any]:
    """The plain values before the messages, by their path with dots."""
    values: dict[str, Any] = {}
    try:
        for prefix, event, value in stream_events(path):
            if prefix == "messages":
                break
            if event in ("string", "number"):
                values[prefix] = value
    except UnreadableError:
        pass  # the messages are read next, and say what is wrong
    return values


def _thread(header: JsonObject) -> Thread:
    channel = text_of(header.get("channel.id"))
    guild = text_of(header.get("guild.id")) or "@me"
    names = (text_of(header.get(key)) for key in ("channel.category", "channel.name"))
    title = " / ".join(name for name in names if name)
    url = f"https://discord.com/channels/{guild}/{channel}" if channel.isdecimal() else ""
    return Thread(channel or "unknown", title, url)


def _newest(path: Path) -> datetime:
    """The newest time that a file of before 2024 names: the export was made after it."""
    newest = datetime(1990, 1, 1, tzinfo=UTC)
    for key in ("timestamp", "timestampEdited"):
        try:
            for value in stream_items(path, f"messages.item.{key}"):
                newest = max(newest, optional_time_of(value) or newest)
        except UnreadableError:
            continue  # the messages before the damage count; they are read next
    return newest


def discord_message(record: JsonObject, thread: Thread, as_of: datetime) -> Message:
    """One message of an export.

    Args:
        record: The JSON object.
        thread: The channel it stands in.
        as_of: When the export was made.

    Raises:
        UnreadableError: It has no id or no time.
    """
    kind = text_of(record.get("type"))
    author = object_of(record.get("author"))
    return Message(
        source="discord",
        id=id_of(record, "id"),
        thread=thread,
        parent_id=text_of(object_of(record.get("reference")).get("messageId")),
        author=Author(
            id=text_of(author.get("id")),
            name=text_of(author.get("nickname")) or text_of(author.get("name")),
            is_bot=author.get("isBot") is True,
        ),
        created_at=time_of(record.get("timestamp")),
        edited_at=optional_time_of(record.get("timestampEdited")),
        text=text_of(record.get("content")),
        as_of=as_of,
        is_notice=kind not in _BY_PEOPLE,
        reactions=tuple(_reactions(record)),
        poll=_poll_result(record) if kind == POLL_RESULT else None,
    )


def _reactions(record: JsonObject) -> Iterator[Reaction]:
    for reaction in objects_of(record.get("reactions")):
        emoji = object_of(reaction.get("emoji"))
        name = text_of(emoji.get("name")) or text_of(emoji.get("code"))
        count = count_of(reaction.get("count"))
        people = [text_of(user.get("id")) for user in objects_of(reaction.get("users"))]
        if name and count:
            yield Reaction(name, count, tuple(person for person in people if person))


def _poll_result(record: JsonObject) -> Poll | None:
    """What the message about a poll's end tells: the question, the winner and how many voted."""
    values: dict[str, str] = {}
    for embed in objects_of(record.get("embeds")):
        for field in objects_of(embed.get("fields")):
            values[text_of(field.get("name"))] = text_of(field.get("value"))
    if "poll_question_text" not in values:
        return None
    winner = values.get("victor_answer_text", "")
    options = (PollOption(winner, count_of(values.get("victor_answer_votes"))),) if winner else ()
    return Poll(
        values["poll_question_text"],
        options,
        total=count_of(values.get("total_votes")),
        closed=True,
        complete=False,
    )
