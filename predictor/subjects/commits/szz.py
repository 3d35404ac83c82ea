"""Which change brought a defect in: from a fix back to the lines it mends (SZZ).

Śliwerski, Zimmermann, Zeller (2005), with what was measured on four histories: words of the
message mark a fix, "closes #12" does not (it doubled the positives of one project with plain
features), blame ignores whitespace, and blanks and comments are not traced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from copydesk.predictor.subjects.commits.history import Commit, History, is_source

_FIX = re.compile(
    r"\b(fix(e[sd]|ing)?|bugs?|bugfix|regress(ion|ed)?|crash(es|ed)?|broken|incorrect(ly)?|"
    r"wrong(ly)?|handle[sd]? .*(error|exception))\b",
    re.IGNORECASE,
)
_NO_FIX = re.compile(
    r"\b(typos?|lint|flake8|ruff|pre-?commit|black|mypy|typing|type hints?|docs?|docstring|"
    r"documentation|readme|changelog|spelling|grammar|ci|travis|tox|github actions|whitespace|"
    r"pep-?8|formatting|bump|merge|release|test suite|tests?)\b",
    re.IGNORECASE,
)
_LARGE_FILES, _LARGE_LINES = 8, 400
"""A larger change mends more than one thing, or none: it is not traced."""

_BULK_FILES = 25
"""A commit that touches more source files moved lines rather than wrote them."""

_BLAMED = re.compile(rb"([0-9a-f]{40,64}) (\d+) (\d+)")


class Blamed(NamedTuple):
    """A line that a fix took away: where it was written, and by which fix it went."""

    commit: str
    path: str
    line: int
    fix: str
    fixed_at: int


def says_fix(message: str) -> bool:
    """Whether the words of a message speak of a defect."""
    return bool(_FIX.search(message))


def is_fix(commit: Commit) -> bool:
    """Whether a commit mends a defect in the source: by its words and by its size."""
    subject, _, body = commit.message.partition("\n")
    if not _FIX.search(f"{subject} {body[:300]}") or _NO_FIX.search(subject):
        return False
    source = commit.source
    lines = sum(f.added + f.removed for f in source)
    return 0 < len(source) <= _LARGE_FILES and lines <= _LARGE_LINES


def is_bulk(commit: Commit) -> bool:
    """Whether a commit is too wide for its lines to tell anything."""
    return len(commit.source) > _BULK_FILES


def trace(fix: Commit, history: History) -> Iterator[Blamed]:
    """The lines that a fix took away, each with the commit that wrote it."""
    if not fix.parent:
        return
    for patch in fix.files:
        if not patch.old or not is_source(patch.old) or not patch.code_removed:
            continue
        removed = set(patch.code_removed)
        ranges = []
        for hunk in patch.hunks:
            lines = range(hunk.old_start, hunk.old_start + hunk.old_count)
            if not removed.isdisjoint(lines):
                ranges.append((hunk.old_start, hunk.old_start + hunk.old_count - 1))
        blame = history.blame(fix.parent, patch.old, ranges)
        yield from _lines(blame, removed, patch.old, fix)


def _lines(blame: bytes, removed: set[int], path: str, fix: Commit) -> Iterator[Blamed]:
    """The removed lines that the output of git blame tells of."""
    names: dict[str, str] = {}
    sha, origin, final = "", 0, 0
    for line in blame.split(b"\n"):
        if match := _BLAMED.match(line):
            sha, origin, final = match[1].decode(), int(match[2]), int(match[3])
        elif line.startswith(b"filename "):
            names[sha] = line[9:].decode("utf-8", "surrogateescape")
        elif line.startswith(b"\t") and final in removed:
            yield Blamed(sha, names.get(sha, path), origin, fix.sha, fix.time)
