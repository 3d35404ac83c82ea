"""What readers write, in one form whatever it was exported from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Source = Literal["discord", "github", "wordpress", "disqus", "csv"]


@dataclass(frozen=True, slots=True)
class Reaction:
    """One kind of reaction to a message, and how many people gave it.

    `people` are the ids of those who gave it, as far as the export names them.
    """

    emoji: str
    count: int
    people: tuple[str, ...] = ()


class PollOption(NamedTuple):
    """One answer of a poll; `votes` is None where the export does not say."""

    text: str
    votes: int | None


class Poll(NamedTuple):
    """A question with answers to vote for.

    `total` is the number of votes, None where it is not known. A closed Discord poll as
    DiscordChatExporter writes it names its winner only: then `complete` is False.
    """

    question: str
    options: tuple[PollOption, ...]
    total: int | None = None
    closed: bool = False
    complete: bool = True


class Author(NamedTuple):
    """Who wrote a message. The id is the source's own; it is hashed before it is stored."""

    id: str
    name: str
    is_bot: bool = False
    is_owner: bool = False


class Thread(NamedTuple):
    """Where a message stands: a channel, a forum thread, a discussion, a post of a blog."""

    id: str
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, comment or answer.

    Attributes:
        source: What kind of place it was written in.
        id: The source's own id, unique within `source`.
        thread: Where it stands.
        parent_id: The id of the message it answers; "" for none.
        author: Who wrote it.
        created_at: When, in UTC.
        edited_at: When it was last changed, in UTC, if it was.
        text: Plain text or Markdown; HTML was made plain.
        as_of: When this version of the message was seen: the time of the export. Of two
            versions of one message the later counts.
        deleted: The source says that it was deleted, or marked as spam.
        is_notice: Written by the platform (somebody joined, a poll has ended), by no person.
        reactions: What others gave it.
        poll: The poll it asks, or whose end it announces.
    """

    source: Source
    id: str
    thread: Thread
    author: Author
    created_at: datetime
    text: str
    as_of: datetime
    parent_id: str = ""
    edited_at: datetime | None = None
    deleted: bool = False
    is_notice: bool = False
    reactions: tuple[Reaction, ...] = ()
    poll: Poll | None = None


class BadRecord(NamedTuple):
    """A record of an export that could not be read: where it stands, and why."""

    place: str
    reason: str


Record = Message | BadRecord
