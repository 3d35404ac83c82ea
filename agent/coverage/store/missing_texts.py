"""What lines look like that no test reaches, so that the hook sees whether a change moves one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from copydesk.agent.coverage.source import parse
from copydesk.agent.coverage.store.numbits import numbits_to_nums
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.traces import MissingText, Undescribed
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo
from copydesk.agent.source_text import decode_source, plain_line_ends
from copydesk.hooks.line_digests import digests, essence
from copydesk.hooks.source_lines import python_lines

AT_ONCE = 500
"""How many totals are described in one transaction."""

NEWEST = 5000
"""Of a desk that has none described, so many are."""


def describe_missing(db: Database, repo: Repository) -> None:
    """Describe the missing lines of the totals that were stored since this was done last.

    Where a total is not described, the hook asks the whole gate, which takes longer.
    """
    totals = db.totals.undescribed(NEWEST)
    for start in range(0, len(totals), AT_ONCE):
        group = totals[start : start + AT_ONCE]
        contents = git.read_blobs(repo, {total.blob for total in group})
        db.totals.describe(list(_described(group, contents)))


def _described(totals: list[Undescribed], contents: Mapping[str, bytes]) -> Iterator[MissingText]:
    for total in totals:
        content = contents.get(total.blob)
        if content is None:  # thrown away by git since
            continue
        counted = frozenset(numbits_to_nums(total.statements))
        words: list[str] = []
        for pair in _digests(content, json.loads(total.missing), counted):
            words += map(str, pair)
        all_lines = list(range(1, content.count(b"\n") + 2))
        has_lone_cr = python_lines(content, all_lines) != all_lines
        yield MissingText(total.id, " ".join(words), has_lone_cr)


def _digests(
    content: bytes, missing: list[LineNo], counted: frozenset[LineNo]
) -> Iterator[tuple[int, int]]:
    """The digests of the lines of each missing statement, within its block."""
    module = parse(decode_source(content))
    rows = plain_line_ends(content.decode("latin-1")).encode("latin-1").split(b"\n")
    for start in missing:
        if start not in module.lines:
            continue
        lines = module.blocks[module.lines[start].block].lines
        at = lines.index(start)
        before = essence(rows[lines[at - 1] - 1]) if at else b""
        for line in lines[at:]:
            if line != start and line in counted:
                break
            now = essence(rows[line - 1])
            yield digests((before, now))
            before = now
