"""Discussions, issues, comments and releases of GitHub, as its API and `gh` write them.

Discussions (which giscus shows below a blog post) come from GraphQL, the fields being those of
giscus' `getDiscussion.ts`; issues, comments and releases from REST, or from `gh ... --json`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

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

REACTIONS = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "hooray": "🎉",
    "confused": "😕",
    "heart": "❤️",
    "rocket": "🚀",
    "eyes": "👀",
    "THUMBS_UP": "👍",
    "THUMBS_DOWN": "👎",
    "LAUGH": "😄",
    "HOORAY": "🎉",
    "CONFUSED": "😕",
    "HEART": "❤️",
    "ROCKET": "🚀",
    "EYES": "👀",
}
"""The eight reactions of GitHub, by their names in REST and in GraphQL."""

UPVOTE = "⬆️"
_OWNERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})

Build = Callable[[], Message]


def read_github(path: Path) -> Iterator[Record]:
    """The messages of a saved answer, or of several one after the other (`--paginate`).

    The answer does not say when it was given, so the time of the file counts.
    """
    as_of = file_time(path)
    number = 0
    try:
        for document in stream_items(path, ""):
            for record in document if isinstance(document, list) else [document]:
                for build in messages_in(object_of(record), as_of):
                    number += 1
                    try:
                        yield build()
                    except UnreadableError as error:
                        yield BadRecord(f"record {number}", str(error))
    except UnreadableError as error:
        yield BadRecord(f"after record {number}", str(error))


def messages_in(record: JsonObject, as_of: datetime) -> Iterator[Build]:
    """The messages of one JSON object, each as a function that reads it.

    Args:
        record: A GraphQL answer, a discussion, an issue, a comment or a release.
        as_of: When it was fetched.

    Yields:
        A function for each message; it raises UnreadableError where the message is unreadable.
    """
    repository = object_of(object_of(record.get("data")).get("repository"))
    if repository:
        discussions = [object_of(repository.get("discussion"))]
        discussions += objects_of(object_of(repository.get("discussions")).get("nodes"))
        for discussion in discussions:
            if discussion:
                yield from _discussion(discussion, as_of)
    elif isinstance(record.get("comments"), dict):
        yield from _discussion(record, as_of)
    elif isinstance(record.get("comments"), list):
        yield from _issue_of_gh(record, as_of)
    elif record:
        yield partial(_rest_message, record, as_of)


def _discussion(discussion: JsonObject, as_of: datetime) -> Iterator[Build]:
    """The opening of a discussion, its comments and their replies."""
    thread = Thread(
        id=text_of(discussion.get("url")) or text_of(discussion.get("id")) or "unknown",
        title=text_of(discussion.get("title")),
        url=text_of(discussion.get("url")),
    )
    opening_id = text_of(discussion.get("id"))
    yield partial(_node, discussion, thread, "", as_of)
    for comment in objects_of(object_of(discussion.get("comments")).get("nodes")):
        yield partial(_node, comment, thread, opening_id, as_of)
        comment_id = text_of(comment.get("id"))
        for reply in objects_of(object_of(comment.get("replies")).get("nodes")):
            parent = text_of(object_of(reply.get("replyTo")).get("id")) or comment_id
            yield partial(_node, reply, thread, parent, as_of)


def _issue_of_gh(issue: JsonObject, as_of: datetime) -> Iterator[Build]:
    """What `gh issue view N --json title,url,body,author,createdAt,comments` writes."""
    url = text_of(issue.get("url"))
    thread = Thread(url or "unknown", text_of(issue.get("title")), url)
    opening_id = text_of(issue.get("id"))
    if issue.get("createdAt"):
        yield partial(_node, issue, thread, "", as_of)
    for comment in objects_of(issue.get("comments")):
        yield partial(_node, comment, thread, opening_id, as_of)


def _node(node: JsonObject, thread: Thread, parent_id: str, as_of: datetime) -> Message:
    """A message as GraphQL, and `gh` after it, writes one."""
    author = object_of(node.get("author"))
    login = text_of(author.get("login"))
    hidden = bool(node.get("deletedAt")) or node.get("isMinimized") is True
    reactions = [
        Reaction(
            REACTIONS.get(text_of(group.get("content")), text_of(group.get("content"))),
            count_of(object_of(group.get("users")).get("totalCount")),
        )
        for group in objects_of(node.get("reactionGroups"))
    ]
    reactions.append(Reaction(UPVOTE, count_of(node.get("upvoteCount"))))
    return Message(
        source="github",
        id=id_of(node, "id"),
        thread=thread,
        parent_id=parent_id,
        author=Author(
            id=login,
            name=login,
            is_bot=login.endswith("[bot]") or author.get("is_bot") is True,
            is_owner=text_of(node.get("authorAssociation")) in _OWNERS,
        ),
        created_at=time_of(node.get("createdAt")),
        edited_at=optional_time_of(node.get("lastEditedAt")),
        text=text_of(node.get("body")),
        as_of=as_of,
        deleted=hidden,
        reactions=tuple(reaction for reaction in reactions if reaction.emoji and reaction.count),
        poll=_poll(object_of(node.get("poll"))),
    )


def _poll(poll: JsonObject) -> Poll | None:
    question = text_of(poll.get("question"))
    if not question:
        return None
    listed = poll.get("options")
    nodes = objects_of(listed) or objects_of(object_of(listed).get("nodes"))
    options = [
        PollOption(text_of(node.get("option")), count_of(node.get("totalVoteCount")))
        for node in nodes
    ]
    return Poll(question, tuple(options), count_of(poll.get("totalVoteCount")))


def _rest_message(record: JsonObject, as_of: datetime) -> Message:
    """An issue, a comment or a release as REST writes it."""
    user = object_of(record.get("user")) or object_of(record.get("author"))
    login = text_of(user.get("login"))
    counts = object_of(record.get("reactions"))
    created = record.get("created_at") or record.get("published_at")
    return Message(
        source="github",
        id=text_of(record.get("node_id")) or id_of(record, "id"),
        thread=_rest_thread(record),
        author=Author(
            id=login,
            name=login,
            is_bot=text_of(user.get("type")) == "Bot" or login.endswith("[bot]"),
            is_owner=text_of(record.get("author_association")) in _OWNERS,
        ),
        created_at=time_of(created),
        edited_at=_edited(record),
        text=text_of(record.get("body")),
        as_of=as_of,
        parent_id=text_of(record.get("issue_url")),
        reactions=tuple(
            Reaction(emoji, count_of(counts.get(name)))
            for name, emoji in REACTIONS.items()
            if count_of(counts.get(name))
        ),
    )


def _rest_thread(record: JsonObject) -> Thread:
    """The issue, pull request, commit or release that a record is, or stands below."""
    page = text_of(record.get("html_url")).partition("#")[0]
    title = text_of(record.get("title")) or text_of(record.get("name"))
    title = title or text_of(record.get("tag_name"))
    return Thread(page or text_of(record.get("issue_url")) or "unknown", title, page)


def _edited(record: JsonObject) -> datetime | None:
    """When a record changed last; None where it never did."""
    updated = optional_time_of(record.get("updated_at"))
    return updated if updated and updated != optional_time_of(record.get("created_at")) else None
