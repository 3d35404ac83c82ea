"""What the commits of a span touched: files, and the names in lines that only one end has.

No sentence of a template tells it. It is what an editor may speak of besides all other facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.source_text import decode_source

MOST_FILES, MOST_NAMES, MOST_OF_A_FILE = 300, 400, 80
LARGEST_FILE = 400_000
"""Bytes of a source whose lines are compared."""

_CACHE = "touched names/1"
_NAME = re.compile(r"\d+(?:\.\d+)+\w*|[^\W\d]\w*(?:\.[^\W\d]\w*)*|(?<=[\"'])--?[a-zA-Z][\w-]*")


class Touched(NamedTuple):
    """The files that differ between both ends of a span, and names in the lines that differ."""

    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def touched(
    db: Database,
    repo: Repository,
    before: Mapping[str, git.Entry],
    after: Mapping[str, git.Entry],
    paths: Sequence[str],
) -> Touched:
    """What differs between two trees; what two versions of a file differ in is read once.

    Args:
        db: The desk.
        repo: The repository.
        before: The files of the one tree, by path.
        after: Those of the other.
        paths: The files that differ.
    """
    pairs = {
        path: ":".join(tree[path].blob if path in tree else "" for tree in (before, after))
        for path in paths[:MOST_FILES]
        if path.endswith(".py")
    }
    texts: dict[str, bytes] = {}
    cache = db.content_cache(_CACHE, lambda pair: _names(pair, texts))
    unread = cache.fetch(pairs.values())
    blobs = {blob for pair in unread for blob in pair.split(":") if blob}
    texts.update(git.read_blobs(repo, blobs))
    names = dict.fromkeys(name for pair in pairs.values() for name in cache(pair))
    cache.save()
    return Touched(tuple(paths[:MOST_FILES]), tuple(names)[:MOST_NAMES])


def _names(pair: str, texts: Mapping[str, bytes]) -> list[str]:
    """The names in the lines that only one of two versions of a source has."""
    sides = [texts.get(blob, b"") for blob in pair.split(":")]
    if any(len(side) > LARGEST_FILE for side in sides):
        return []
    before, after = (decode_source(side).split("\n") for side in sides)
    lines = [*_only_in(after, before), *_only_in(before, after)]
    names = dict.fromkeys(name for line in lines for name in _NAME.findall(line))
    return [name for name in names if len(name) > 1][:MOST_OF_A_FILE]


def _only_in(lines: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    elsewhere = set(others)
    return (line for line in lines if line not in elsewhere)
