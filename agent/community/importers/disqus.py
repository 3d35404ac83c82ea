"""Comments in Disqus' XML export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.agent.community.importers.file_time import file_time
from copydesk.agent.community.importers.html_text import html_to_text
from copydesk.agent.community.importers.values import UnreadableError, time_of
from copydesk.agent.community.importers.xml_stream import (
    attribute,
    child_text,
    local_name,
    stream_elements,
)
from copydesk.agent.community.message import Author, BadRecord, Message, Record, Thread

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read_disqus(path: Path) -> Iterator[Record]:
    """The comments of all threads of an export. Mail and IP addresses are not even read.

    The time of the file is taken for the time of the export.
    """
    as_of = file_time(path)
    threads: dict[str, Thread] = {}
    number = 0
    try:
        for element in stream_elements(path, frozenset({"thread", "post"})):
            if local_name(element) == "thread":
                _remember(element, threads)
                continue
            number += 1
            try:
                yield _post(element, threads, as_of)
            except UnreadableError as error:
                yield BadRecord(f"post {number}", str(error))
    except UnreadableError as error:
        yield BadRecord(f"after post {number}", str(error))


def _remember(element: Element, threads: dict[str, Thread]) -> None:
    link = child_text(element, "link")
    identity = attribute(element, "id")
    if link or child_text(element, "title"):
        threads[identity] = Thread(link or identity, child_text(element, "title"), link)


def _post(element: Element, threads: dict[str, Thread], as_of: datetime) -> Message:
    identity = attribute(element, "id")
    if not identity:
        raise UnreadableError("it has no dsq:id")
    references = {local_name(child): attribute(child, "id") for child in element}
    thread_id = references.get("thread", "")
    hidden = {child_text(element, "isDeleted"), child_text(element, "isSpam")}
    return Message(
        source="disqus",
        id=identity,
        thread=threads.get(thread_id, Thread(thread_id or "unknown")),
        parent_id=references.get("parent", ""),
        author=_author(element),
        created_at=time_of(child_text(element, "createdAt")),
        text=html_to_text(child_text(element, "message")),
        as_of=as_of,
        deleted="true" in hidden,
    )


def _author(element: Element) -> Author:
    for child in element:
        if local_name(child) == "author":
            name = child_text(child, "name")
            return Author(child_text(child, "username") or name, name)
    return Author("", "")
