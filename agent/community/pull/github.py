"""The issues, comments, releases and discussions of a repository that changed since a cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator

from copydesk.agent.community.importers.github import messages_in
from copydesk.agent.community.importers.values import (
    JsonObject,
    UnreadableError,
    object_of,
    objects_of,
    text_of,
)
from copydesk.agent.community.message import BadRecord, Record
from copydesk.agent.community.pull.discord import Page
from copydesk.agent.community.pull.read_api import Answer, Api, PlaceGone

_PAGE = 100
_EARLIEST = "2000-01-01T00:00:00Z"
_NODE = (
    "id author{login} authorAssociation createdAt lastEditedAt isMinimized body"
    " reactionGroups{content users{totalCount}}"
)
_DISCUSSIONS = (
    "query($owner:String!,$name:String!,$after:String){repository(owner:$owner,name:$name){"
    "discussions(first:20,after:$after,orderBy:{field:UPDATED_AT,direction:DESC}){"
    "pageInfo{hasNextPage endCursor} nodes{" + _NODE + " url title updatedAt upvoteCount"
    " poll{question totalVoteCount options(first:10){nodes{option totalVoteCount}}}"
    " comments(first:50){pageInfo{hasNextPage endCursor} nodes{" + _NODE + " deletedAt upvoteCount"
    " replies(first:100){nodes{" + _NODE + " deletedAt}}}}}}}}"
)
_COMMENTS = (
    "query($id:ID!,$after:String){node(id:$id){... on Discussion{comments(first:50,after:$after){"
    "pageInfo{hasNextPage endCursor} nodes{" + _NODE + " deletedAt upvoteCount"
    " replies(first:100){nodes{" + _NODE + " deletedAt}}}}}}}"
)


def changed(api: Api, repository: str, part: str, cursor: str) -> Iterator[Page]:
    """What changed in a part of a repository since the cursor, the oldest change first.

    Args:
        api: GitHub's API.
        repository: owner/name.
        part: issues, issues/comments, releases or discussions.
        cursor: What the last page came with; "" for none.

    Raises:
        PlaceGone: The repository is gone, or has no such part.
    """
    if part == "discussions":
        yield from _discussions(api, repository, cursor)
    elif part == "releases":
        yield from _releases(api, repository, cursor)
    else:
        yield from _by_change(api, f"/repos/{repository}/{part}", cursor)


def _by_change(api: Api, path: str, cursor: str) -> Iterator[Page]:
    """Records by the time of their last change.

    The next page is asked for by the last time of the one before: a record that changes meanwhile
    moves to the end, and with numbered pages another one would slip through.
    """
    since = cursor or _EARLIEST
    number = 1
    while True:
        answer = api.get(
            path, since=since, state="all", sort="updated", direction="asc", per_page=_PAGE,
            page=number,
        )  # fmt: skip
        rows = objects_of(answer.content)
        newest = max((text_of(row.get("updated_at")) for row in rows), default="")
        if rows:
            yield Page(tuple(_records(rows, answer)), max(since, newest))
        if len(rows) < _PAGE:
            return
        if newest > since:
            since, number = newest, 1
        else:
            number += 1  # a hundred changes in one second


def _releases(api: Api, repository: str, cursor: str) -> Iterator[Page]:
    """The releases; the cursor is a digest of the ids, since releases have no time of change."""
    number = 1
    while True:
        path = f"/repos/{repository}/releases"
        answer = api.get(path, per_page=_PAGE, page=number)
        rows = objects_of(answer.content)
        if rows:
            yield Page(tuple(_records(rows, answer)), cursor or "read")
        if len(rows) < _PAGE:
            return
        number += 1


def _discussions(api: Api, repository: str, cursor: str) -> Iterator[Page]:
    """The discussions that changed, the last change first, as one page.

    One page, since the cursor may only move when all of them were read.
    """
    owner, _, name = repository.partition("/")
    after: str | None = None
    newest = cursor
    records: list[Record] = []
    while True:
        variables = {"owner": owner, "name": name, "after": after}
        answer = api.query("/graphql", _DISCUSSIONS, variables)
        listed = object_of(_repository(answer).get("discussions"))
        for node in objects_of(listed.get("nodes")):
            updated = text_of(node.get("updatedAt"))
            if updated <= cursor:
                break
            newest = max(newest, updated)
            records += _records([_with_all_comments(api, node)], answer)
        else:
            info = object_of(listed.get("pageInfo"))
            after = text_of(info.get("endCursor"))
            if info.get("hasNextPage") is True and after:
                continue
        break
    if records:
        yield Page(tuple(records), newest)


def _with_all_comments(api: Api, node: JsonObject) -> JsonObject:
    """A discussion with the comments beyond the first page."""
    comments = object_of(node.get("comments"))
    nodes = objects_of(comments.get("nodes"))
    info = object_of(comments.get("pageInfo"))
    while info.get("hasNextPage") is True:
        variables = {"id": node.get("id"), "after": info.get("endCursor")}
        answer = api.query("/graphql", _COMMENTS, variables)
        data = object_of(object_of(answer.content).get("data"))
        page = object_of(object_of(data.get("node")).get("comments"))
        nodes += objects_of(page.get("nodes"))
        info = object_of(page.get("pageInfo"))
    return {**node, "comments": {"nodes": nodes}}


def _repository(answer: Answer) -> JsonObject:
    """The repository of a GraphQL answer.

    Raises:
        PlaceGone: The answer has errors instead.
    """
    content = object_of(answer.content)
    repository = object_of(object_of(content.get("data")).get("repository"))
    if not repository:
        errors = objects_of(content.get("errors"))
        kinds = sorted({text_of(error.get("type")) or "error" for error in errors})
        raise PlaceGone(f"GitHub answers with {json.dumps(kinds)}")
    return repository


def _records(rows: list[JsonObject], answer: Answer) -> Iterator[Record]:
    for row in rows:
        for number, build in enumerate(messages_in(row, answer.at), 1):
            try:
                yield build()
            except UnreadableError as error:
                yield BadRecord(f"{text_of(row.get('url')) or 'record'} {number}", str(error))
