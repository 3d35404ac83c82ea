"""Comments in WordPress' own export (WXR 1.0 to 1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.agent.community.importers.file_time import file_time
from copydesk.agent.community.importers.html_text import html_to_text
from copydesk.agent.community.importers.values import (
    UnreadableError,
    optional_time_of,
    time_of,
)
from copydesk.agent.community.importers.xml_stream import (
    child_text,
    local_name,
    stream_elements,
)
from copydesk.agent.community.message import Author, BadRecord, Message, Record, Thread

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NOTICES = frozenset({"pingback", "trackback"})


def read_wordpress(path: Path) -> Iterator[Record]:
    """The comments of all posts of an export. Mail and IP addresses are not even read.

    The time of the file is taken for the time of the export.
    """
    as_of = file_time(path)
    number = 0
    try:
        for item in stream_elements(path, frozenset({"item"})):
            thread = _thread(item)
            for comment in item:
                if local_name(comment) != "comment":
                    continue
                number += 1
                try:
                    yield _comment(comment, thread, as_of)
                except UnreadableError as error:
                    yield BadRecord(f"comment {number}", str(error))
    except UnreadableError as error:
        yield BadRecord(f"after comment {number}", str(error))


def _thread(item: Element) -> Thread:
    link = child_text(item, "link")
    identity = link or child_text(item, "guid") or child_text(item, "post_id") or "unknown"
    return Thread(identity, child_text(item, "title"), link)


def _comment(comment: Element, thread: Thread, as_of: datetime) -> Message:
    number = child_text(comment, "comment_id")
    if not number:
        raise UnreadableError("it has no comment_id")
    parent = child_text(comment, "comment_parent")
    name = child_text(comment, "comment_author")
    user = child_text(comment, "comment_user_id")
    registered = user not in ("", "0")
    # a comment that waits for approval has no time in GMT
    created = optional_time_of(child_text(comment, "comment_date_gmt"))
    return Message(
        source="wordpress",
        id=f"{thread.id}#comment-{number}",
        thread=thread,
        parent_id=f"{thread.id}#comment-{parent}" if parent not in ("", "0") else "",
        author=Author(f"user {user}" if registered else name, name, is_owner=registered),
        created_at=created or time_of(child_text(comment, "comment_date")),
        text=html_to_text(child_text(comment, "comment_content")),
        as_of=as_of,
        deleted=child_text(comment, "comment_approved") not in ("1", "approve"),
        is_notice=child_text(comment, "comment_type") in _NOTICES,
    )
