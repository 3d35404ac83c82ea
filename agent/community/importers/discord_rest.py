"""Messages as Discord's own API gives them: a list, or one message.

The shape is that of discord-api-docs at c98d64b, `resources/message.mdx` and `poll.mdx`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from copydesk.agent.community.importers.discord_export import POLL_RESULT
from copydesk.agent.community.importers.file_time import file_time
from copydesk.agent.community.importers.json_stream import stream_items
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

_BY_PEOPLE = frozenset({"", "0", "19", "20", "21", "23"})


def read_discord_rest(path: Path) -> Iterator[Record]:
    """The messages of a saved answer of `GET /channels/{id}/messages`.

    The answer does not say when it was given, so the time of the file counts.
    """
    as_of = file_time(path)
    number = 0
    try:
        for document in stream_items(path, ""):
            records = document if isinstance(document, list) else [document]
            for record in records:
                number += 1
                try:
                    yield rest_message(object_of(record), as_of)
                except UnreadableError as error:
                    yield BadRecord(f"message {number}", str(error))
    except UnreadableError as error:
        yield BadRecord(f"after message {number}", str(error))


def rest_message(record: JsonObject, as_of: datetime) -> Message:
    """One message object of the API.

    Args:
        record: The JSON object.
        as_of: When it was fetched.

    Raises:
        UnreadableError: It has no id or no time.
    """
    kind = text_of(record.get("type"))
    author = object_of(record.get("author"))
    channel = text_of(record.get("channel_id"))
    return Message(
        source="discord",
        id=id_of(record, "id"),
        thread=Thread(channel or "unknown"),
        parent_id=text_of(object_of(record.get("message_reference")).get("message_id")),
        author=Author(
            id=text_of(author.get("id")),
            name=text_of(author.get("global_name")) or text_of(author.get("username")),
            is_bot=author.get("bot") is True or bool(record.get("webhook_id")),
        ),
        created_at=time_of(record.get("timestamp")),
        edited_at=optional_time_of(record.get("edited_timestamp")),
        text=text_of(record.get("content")),
        as_of=as_of,
        is_notice=kind not in _BY_PEOPLE or kind == POLL_RESULT,
        reactions=tuple(_reactions(record)),
        poll=_poll(object_of(record.get("poll"))),
    )


def _reactions(record: JsonObject) -> Iterator[Reaction]:
    for reaction in objects_of(record.get("reactions")):
        name = text_of(object_of(reaction.get("emoji")).get("name"))
        count = count_of(reaction.get("count"))
        if name and count:
            yield Reaction(name, count)


def _poll(poll: JsonObject) -> Poll | None:
    """A poll with its votes; without `results` they are unknown, which is not none."""
    question = text_of(object_of(poll.get("question")).get("text"))
    if not question:
        return None
    results = poll.get("results")
    known = isinstance(results, dict)
    counts: dict[str, int] = {}
    for answer in objects_of(object_of(results).get("answer_counts")):
        counts[text_of(answer.get("id"))] = count_of(answer.get("count"))
    options = []
    for answer in objects_of(poll.get("answers")):
        media = object_of(answer.get("poll_media"))
        text = text_of(media.get("text")) or text_of(object_of(media.get("emoji")).get("name"))
        votes = counts.get(text_of(answer.get("answer_id")), 0) if known else None
        options.append(PollOption(text, votes))
    total = sum(option.votes or 0 for option in options) if known else None
    return Poll(question, tuple(options), total, object_of(results).get("is_finalized") is True)
