"""How `copydesk feedback` prints messages, topics and imported files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.formatting import short_age
from copydesk.agent.cli.output import echo
from copydesk.agent.records import Json
from copydesk.agent.text import clean, one_line, plural

if TYPE_CHECKING:
    from copydesk.agent.community.code_mentions import Mention, Place
    from copydesk.agent.community.import_files import ImportedFile
    from copydesk.agent.community.topics import Topic
    from copydesk.agent.desk.feedback import FeedbackMessage


def file_json(imported: ImportedFile) -> Json:
    """What came of an imported file, as JSON."""
    return {
        **imported._asdict(),
        "path": str(imported.path),
        "bad": [record._asdict() for record in imported.bad],
    }


def print_file(imported: ImportedFile) -> None:
    """Print what came of an imported file; what could not be read goes to standard error."""
    name = clean(str(imported.path), keep="")
    if imported.error:
        click.echo(f"{name}: not imported: {one_line(imported.error, 400)}", err=True)
        return
    counts = [f"{imported.new:,} new", f"{imported.changed:,} changed"]
    if imported.hidden:
        counts.append(f"{imported.hidden:,} hidden, since a later export lacks them")
    if imported.refused:
        counts.append(f"{imported.refused:,} by people you had forgotten")
    echo(f"{name}: {imported.format}, {plural(imported.messages, 'message')}: {', '.join(counts)}.")
    for record in imported.bad:
        click.echo(f"  not read: {record.place}: {one_line(record.reason)}", err=True)
    more = imported.bad_count - len(imported.bad)
    if more > 0:
        click.echo(f"  and {more:,} more that could not be read", err=True)


def print_messages(shown: list[FeedbackMessage]) -> None:
    """Print messages as a table."""
    if not shown:
        echo("No such messages; `copydesk feedback import FILE` brings some in.")
        return
    screen.print_table(
        ("Id", "When", "Kind", "Tone", "Where", "Message"),
        [
            (
                str(message.id),
                short_age(iso_time(message.created_at)),
                message.kind,
                message.tone,
                one_line(message.thread_title or message.source, 30),
                one_line(" ".join(message.text.split()), 120),
            )
            for message in shown
        ],
        right=(0,),
    )


def print_text(text: str) -> None:
    """Print what a reader wrote, each line marked, so that none of it passes for copydesk's."""
    for line in clean(text).split("\n"):
        echo(f"> {line}".rstrip())


def message_json(message: FeedbackMessage) -> Json:
    """A message as JSON."""
    from copydesk.agent.desk.feedback import BY_AUTHOR

    return {
        "id": message.id,
        "source": message.source,
        "thread": message.thread_title,
        "url": message.url,
        "author": message.name or None,
        "by_author": bool(message.flags & BY_AUTHOR),
        "created_at": iso_time(message.created_at),
        "text": message.text,
        "kind": message.kind,
        "kind_reason": message.kind_reason,
        "tone": message.tone or None,
        "tone_probability": message.tone_probability if message.tone else None,
        "reactions": {emoji: count for emoji, count, _ in message.reactions},
        "answered": message.answered,
    }


def mention_json(mention: Mention) -> Json:
    """Code that a message names, as JSON."""
    return {
        "kind": mention.kind,
        "words": mention.words,
        "places": [place._asdict() for place in mention.places],
        "line": mention.line or None,
    }


def place_text(place: Place) -> str:
    """A place of the code as `path::function`."""
    name = f"{place.path}::{place.function}" if place.function else place.path
    return clean(name, keep="")


def topic_json(topic: Topic) -> Json:
    """A topic with all terms of its priority, as JSON."""
    return {
        "name": topic.name,
        "tagged": topic.tagged,
        "keywords": list(topic.keywords),
        "messages": [message.id for message in topic.messages],
        "priority": topic.priority._asdict(),
    }


def print_topic(place: int, topic: Topic) -> None:
    """Print a topic and why it stands at its place."""
    priority = topic.priority
    origin = f"tag: {', '.join(topic.keywords)}" if topic.tagged else "alike"
    echo(f"{place}. {clean(topic.name, keep='')}  {priority.value:.2f}  ({clean(origin, keep='')})")
    echo(
        f"   reach {priority.reach:.2f} of {plural(priority.people, 'person', 'people')}"
        f" (messages {_ids(priority.reach_messages)})"
    )
    if priority.needing:
        echo(
            f"   need {priority.need:.2f}: {priority.needing} of {priority.people} ask or are"
            f" displeased (messages {_ids(priority.need_messages)})"
        )
    if priority.open:
        echo(f"   open: no answer from you (messages {_ids(priority.open_messages)})")
    if priority.posts:
        echo(
            f"   fatigue {priority.fatigue:.2f}: you wrote of it (messages {_ids(priority.posts)})"
        )


def _ids(identities: tuple[int, ...], limit: int = 8) -> str:
    """Ids, the first ones by number."""
    listed = ", ".join(map(str, identities[:limit]))
    more = len(identities) - limit
    return f"{listed} and {more} more" if more > 0 else listed


def iso_time(moment: float) -> str:
    """A Unix time as ISO 8601 in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
