"""What Discord takes in one call of a webhook, as its documentation of August 2026 has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.records import Json

CONTENT = 2000
HOOK = 199
"""Ours: the opening of a thread is one sentence of fewer than 200 characters."""
THREAD_NAME = 100
APPLIED_TAGS = 5
USERNAME = 80
FILES = 10
FILE_DESCRIPTION = 1024
EMBEDS = 10
EMBEDS_IN_SUM = 6000
EMBED_FIELDS = 25
POLL_QUESTION = 300
POLL_ANSWERS = 10
POLL_ANSWER = 55
POLL_HOURS = 768

_EMBED_TEXTS = {"title": 256, "description": 4096}
_NESTED_TEXTS = (("footer", "text", 2048), ("author", "name", 256))
_FIELD_TEXTS = {"name": 256, "value": 1024}


def units(text: str) -> int:
    """The length of a text in UTF-16 code units.

    Discord's documentation does not say what a character is; this is the longest reading.
    """
    return len(text) + sum(char > "\uffff" for char in text)


def broken_limits(payload: Json) -> list[str]:
    """What of a payload Discord would refuse, in words; nothing where it is in order.

    Args:
        payload: The JSON of a call that executes a webhook.
    """
    return [
        *_content(payload),
        *_poll(payload.get("poll")),
        *_embeds(payload.get("embeds") or ()),
    ]


def _content(payload: Json) -> Iterator[str]:
    if not any(payload.get(key) for key in ("content", "embeds", "poll", "attachments")):
        yield "it holds nothing"
    yield from _long("content", payload.get("content", ""), CONTENT)
    if "thread_name" in payload:
        if not payload["thread_name"].strip():
            yield "thread_name is empty"
        yield from _long("thread_name", payload["thread_name"], THREAD_NAME)
        if "poll" in payload:
            yield "a poll is in the call that opens a thread"
    yield from _long("username", payload.get("username", ""), USERNAME)
    yield from _many("applied_tags", payload.get("applied_tags", ()), APPLIED_TAGS)
    attachments = payload.get("attachments", ())
    yield from _many("attachments", attachments, FILES)
    for attachment in attachments:
        yield from _long("a picture's text", attachment.get("description", ""), FILE_DESCRIPTION)
    if payload.get("allowed_mentions") != {"parse": []}:
        yield "it may mention somebody"


def _poll(poll: Json | None) -> Iterator[str]:
    if poll is None:
        return
    question = poll["question"]["text"]
    if not question.strip():
        yield "the poll's question is empty"
    yield from _long("the poll's question", question, POLL_QUESTION)
    if not poll["answers"]:
        yield "the poll has no answers"
    yield from _many("answers", poll["answers"], POLL_ANSWERS)
    for answer in poll["answers"]:
        text = answer["poll_media"]["text"]
        if not text.strip():
            yield "an answer is empty"
        yield from _long("an answer", text, POLL_ANSWER)
    if not 1 <= poll["duration"] <= POLL_HOURS:
        yield f"the poll runs {poll['duration']} hours, not 1 to {POLL_HOURS}"


def _embeds(embeds: Sequence[Json]) -> Iterator[str]:
    yield from _many("embeds", embeds, EMBEDS)
    total = 0
    for embed in embeds:
        for name, text, limit in _texts(embed):
            total += units(text.strip())
            yield from _long(f"an embed's {name}", text.strip(), limit)
        yield from _many("an embed's fields", embed.get("fields", ()), EMBED_FIELDS)
    if total > EMBEDS_IN_SUM:
        yield f"the embeds hold {total:,} characters, of {EMBEDS_IN_SUM:,}"


def _texts(embed: Json) -> Iterator[tuple[str, str, int]]:
    """The texts of an embed, each with its name and limit."""
    for name, limit in _EMBED_TEXTS.items():
        yield name, embed.get(name, ""), limit
    for name, key, limit in _NESTED_TEXTS:
        yield name, embed.get(name, {}).get(key, ""), limit
    for field in embed.get("fields", ()):
        for key, limit in _FIELD_TEXTS.items():
            yield f"field {key}", field.get(key, ""), limit


def _long(name: str, text: str, limit: int) -> Iterator[str]:
    if units(text) > limit:
        yield f"{name} has {units(text):,} characters, of {limit:,}"


def _many(name: str, items: Sequence[object], limit: int) -> Iterator[str]:
    if len(items) > limit:
        yield f"there are {len(items)} {name}, of {limit}"
