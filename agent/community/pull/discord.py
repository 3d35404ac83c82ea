"""The messages of Discord's channels and threads that are newer than a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from copydesk.agent.community.importers.discord_rest import rest_message
from copydesk.agent.community.importers.values import (
    JsonObject,
    UnreadableError,
    object_of,
    objects_of,
    text_of,
)
from copydesk.agent.community.message import BadRecord, Record, Thread
from copydesk.agent.community.pull.read_api import Api, PlaceGone

_PAGE = 100
_FORUMS = frozenset({"15", "16"})
_THREADS = frozenset({"10", "11", "12"})


class Page(NamedTuple):
    """Some messages of a place, and the cursor from which the next ones are read."""

    records: tuple[Record, ...]
    cursor: str


def threads_of(api: Api, channel: str) -> list[JsonObject]:
    """A channel, and the threads in it; of a forum its threads alone.

    Raises:
        PlaceGone: It was deleted, or the bot may not see it.
    """
    about = object_of(api.get(f"/channels/{channel}").content)
    kind = text_of(about.get("type"))
    if kind in _THREADS:
        return [about]
    threads = {} if kind in _FORUMS else {channel: about}
    guild = text_of(about.get("guild_id"))
    active = object_of(api.get(f"/guilds/{guild}/threads/active").content) if guild else {}
    for thread in objects_of(active.get("threads")):
        if text_of(thread.get("parent_id")) == channel:
            threads[text_of(thread.get("id"))] = thread
    for thread in _archived(api, channel):
        threads[text_of(thread.get("id"))] = thread
    return [threads[identity] for identity in sorted(threads, key=_as_number)]


def _archived(api: Api, channel: str) -> Iterator[JsonObject]:
    """The public threads that are archived, the one that was archived last first."""
    before: dict[str, str | int] = {}
    while True:
        try:
            path = f"/channels/{channel}/threads/archived/public"
            page = object_of(api.get(path, limit=_PAGE, **before).content)
        except PlaceGone:
            return  # a channel without threads refuses to list them
        threads = objects_of(page.get("threads"))
        yield from threads
        stamps = [
            text_of(object_of(thread.get("thread_metadata")).get("archive_timestamp"))
            for thread in threads
        ]
        if page.get("has_more") is not True or not stamps or stamps[-1] == before.get("before"):
            return
        before = {"before": stamps[-1]}


def new_messages(api: Api, channel: JsonObject, cursor: str) -> Iterator[Page]:
    """The messages of one channel or thread after the cursor, the oldest first.

    Args:
        api: Discord's API.
        channel: The channel object.
        cursor: The id of the last message that was read; "" for none.
    """
    identity = text_of(channel.get("id"))
    guild = text_of(channel.get("guild_id"))
    url = f"https://discord.com/channels/{guild}/{identity}" if guild else ""
    thread = Thread(identity, text_of(channel.get("name")), url)
    while True:
        answer = api.get(f"/channels/{identity}/messages", after=cursor or "0", limit=_PAGE)
        rows = sorted(objects_of(answer.content), key=lambda row: _as_number(text_of(row["id"])))
        newer = [row for row in rows if _as_number(text_of(row["id"])) > _as_number(cursor)]
        if not newer:
            return
        records: list[Record] = []
        for row in newer:
            try:
                records.append(replace(rest_message(row, answer.at), thread=thread))
            except UnreadableError as error:
                records.append(BadRecord(f"message {text_of(row['id'])}", str(error)))
        cursor = text_of(newer[-1]["id"])
        yield Page(tuple(records), cursor)


def _as_number(identity: str) -> int:
    """An id as a number; Discord's ids grow with time."""
    return int(identity) if identity.isascii() and identity.isdigit() else 0
