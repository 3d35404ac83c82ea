"""From a history to rows: each function that a commit changed, and what was known of it then."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from copydesk.predictor.core.progress import Progress, silent
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.function_metrics import outermost
from copydesk.predictor.subjects.commits.history import Commit, FilePatch, History, is_test, parse
from copydesk.predictor.subjects.commits.szz import Blamed, is_bulk, is_fix, says_fix, trace

DAY = 86_400.0
CHURN_DAYS, FIX_DAYS = 90.0, 180.0
_CHUNK = 200

MEASURED = ("lines_uncovered", "covered_share", "surviving_mutants")
"""What only a measured commit has: history alone cannot tell."""


class Changed(NamedTuple):
    """A function as a commit left it. Lines count from 1, both ends included."""

    commit: str
    path: str
    function: str
    first_line: int
    last_line: int
    time: int
    inputs: dict[str, float | None]


@dataclass(slots=True)
class FileState:
    """What the history so far says of a file. `recent` holds (time, was a fix) of 180 days."""

    authors: list[str] = field(default_factory=list)
    last: float = 0.0
    churn: float = 0.0
    fixes: float = 0.0
    fixed: float = 0.0
    recent: list[tuple[int, bool]] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """What the history so far says; grows commit by commit, and survives as JSON.

    `functions` holds, by path and name, how often one was changed, how often by a fix, and when
    last; `authors` the decayed count of their commits and when the last was.
    """

    tip: str = ""
    commits: int = 0
    files: dict[str, FileState] = field(default_factory=dict)
    functions: dict[str, list[float]] = field(default_factory=dict)
    authors: dict[str, list[float]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The state as JSON."""
        files = {
            path: [s.authors, s.last, s.churn, s.fixes, s.fixed, s.recent]
            for path, s in self.files.items()
        }
        return json.dumps([self.tip, self.commits, files, self.functions, self.authors])

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read what `to_json` wrote."""
        tip, commits, files, functions, authors = json.loads(text)
        held = {
            path: FileState(people, last, churn, fixes, fixed, [(t, bool(f)) for t, f in recent])
            for path, (people, last, churn, fixes, fixed, recent) in files.items()
        }
        return cls(tip, commits, held, functions, authors)


class Mined(NamedTuple):
    """What a run found: changed functions, and lines that fixes took away."""

    rows: list[Changed]
    blamed: list[Blamed]
    commits: int
    fixes: int


def mine(
    history: History,
    state: State,
    *,
    say: Progress = silent,
    skip: Container[str] = (),
    on_commit: Callable[[Commit], None] = lambda _: None,
) -> Mined:
    """Read what is new in a history, in one pass, and bring the state up to it.

    Args:
        history: Where the text comes from.
        state: What is known so far; changed in place.
        say: Told how far it is.
        skip: Commits that were read before, on another branch perhaps.
        on_commit: Called with every commit that is read.
    """
    rows: list[Changed] = []
    fixes: list[Commit] = []
    bulk: set[str] = set()
    count = 0
    commits = (c for c in parse(history.patches(state.tip or None)) if c.sha not in skip)
    for chunk in _chunks(commits, _CHUNK):
        wanted = [(c.sha, f.new) for c in chunk for f in c.source if f.new]
        texts = iter(history.texts(wanted))
        for commit in chunk:
            found = {f.new: next(texts) for f in commit.source if f.new}
            on_commit(commit)
            rows += add(state, commit, {path: text for path, text in found.items() if text})
            if is_fix(commit):
                fixes.append(commit)
            if is_bulk(commit):
                bulk.add(commit.sha)
        count += len(chunk)
        say(f"{count:,} commits read, {len(rows):,} changed functions")
    blamed: list[Blamed] = []
    for number, fix in enumerate(fixes, 1):
        blamed += [b for b in trace(fix, history) if b.commit not in bulk]
        if number % 50 == 0 or number == len(fixes):
            say(f"{number:,} of {len(fixes):,} fixes traced to the lines they mend")
    return Mined(rows, blamed, count, len(fixes))


def _chunks(items: Iterable[Commit], size: int) -> Iterator[list[Commit]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def add(state: State, commit: Commit, texts: dict[str, str]) -> list[Changed]:
    """Take one commit in: its changed functions, as known before it, then the state after it.

    Args:
        state: What is known so far; changed in place.
        commit: The commit.
        texts: Its source files after the change, by path.
    """
    source = commit.source
    for patch in source:
        if patch.old and patch.new and patch.old != patch.new and patch.old in state.files:
            state.files[patch.new] = state.files.pop(patch.old)
    shared = _shared(state, commit, source)
    rows = [row for f in source if f.new in texts for row in _rows(state, commit, f, texts, shared)]
    fixing = is_fix(commit)
    for row in rows:
        known = state.functions.setdefault(f"{row.path}::{row.function}", [0, 0, 0.0])
        known[:] = [known[0] + 1, known[1] + fixing, commit.time]
    for patch in source:
        _touch(state.files.setdefault(patch.path, FileState()), commit, patch, fixing)
    recent = state.authors.setdefault(commit.author, [0.0, commit.time])
    recent[:] = [_decayed(recent[0], commit.time - recent[1], FIX_DAYS) + 1, commit.time]
    state.tip, state.commits = commit.sha, state.commits + 1
    return rows


def _shared(state: State, commit: Commit, source: Sequence[FilePatch]) -> dict[str, float]:
    """What is the same for every function of a commit."""
    tests = [f for f in commit.files if is_test(f.path)]
    recent = state.authors.get(commit.author, [0.0, commit.time])
    return {
        "added": sum(f.added for f in source),
        "files_changed": len(source),
        "tests_changed": len(tests),
        "test_lines_added": sum(f.added for f in tests),
        "is_fix": float(says_fix(commit.message)),
        "author_recency": _decayed(recent[0], commit.time - recent[1], FIX_DAYS),
    }


def _rows(
    state: State,
    commit: Commit,
    patch: FilePatch,
    texts: dict[str, str],
    shared: dict[str, float],
) -> Iterator[Changed]:
    assert patch.new
    text = texts[patch.new]
    about = _about_file(state.files.get(patch.path), commit.time)
    lines = text.count("\n") + 1
    for name, shape in outermost(text, lambda first, last: any(_overlap(patch, first, last))):
        added, removed = _overlap(patch, shape.first_line, shape.last_line)
        known = state.functions.get(f"{patch.new}::{name}")
        inputs = GapFeatures(
            lines_uncovered=0,
            lines_added_in_commit=added,
            function_lines=shape.function_lines,
            branches=shape.branches,
            callers=shape.callers,
            lines_added_elsewhere=int(shared["added"]) - added,
            file_lines=lines - patch.added + patch.removed,
            files_changed=int(shared["files_changed"]),
            test_lines_added=int(shared["test_lines_added"]),
            lines_removed=removed,
            arguments=shape.arguments,
            share_changed=added / shape.function_lines,
            new_function=int(known is None),
            function_fixes=int(known[1]) if known else 0,
            days_since_function=(commit.time - known[2]) / DAY if known else -1.0,
            lines_added_in_all=int(shared["added"]),
            tests_changed=int(shared["tests_changed"]),
            is_fix=int(shared["is_fix"]),
            author_recency=shared["author_recency"],
            private=int(name.rpartition(".")[2].startswith("_")),
            **about,  # type: ignore[arg-type]
        )._asdict()
        inputs = {key: value for key, value in inputs.items() if key not in MEASURED}
        span = (shape.first_line, shape.last_line)
        yield Changed(commit.sha, patch.new, name, *span, commit.time, inputs)


def _about_file(known: FileState | None, time: int) -> dict[str, float]:
    if known is None:
        return dict.fromkeys(("times_changed", "recent_fixes", "authors", "churn", "fixes"), 0)
    return {
        "times_changed": sum(time - at <= CHURN_DAYS * DAY for at, _ in known.recent),
        "recent_fixes": sum(fix for at, fix in known.recent if time - at <= FIX_DAYS * DAY),
        "authors": len(known.authors),
        "churn": _decayed(known.churn, time - known.last, CHURN_DAYS),
        "fixes": _decayed(known.fixes, time - known.fixed, FIX_DAYS),
    }


def _touch(known: FileState, commit: Commit, patch: FilePatch, fixing: bool) -> None:
    time = commit.time
    known.churn = _decayed(known.churn, time - known.last, CHURN_DAYS) + patch.added + patch.removed
    if commit.author not in known.authors:
        known.authors.append(commit.author)
    known.last = time
    known.recent = [(t, f) for t, f in known.recent if time - t <= FIX_DAYS * DAY]
    known.recent.append((time, fixing))
    if fixing:
        known.fixes = _decayed(known.fixes, time - known.fixed, FIX_DAYS) + 1
        known.fixed = time


def _decayed(value: float, seconds: float, days: float) -> float:
    """A value that has lost two thirds after so many days."""
    return value * math.exp(-max(0.0, seconds) / (days * DAY))


def _overlap(patch: FilePatch, first: int, last: int) -> tuple[int, float]:
    """Lines added within a function, and lines removed there (a hunk's share of them)."""
    added, removed = 0, 0.0
    for hunk in patch.hunks:
        if hunk.new_count:
            end = hunk.new_start + hunk.new_count - 1
            inside = min(end, last) - max(hunk.new_start, first) + 1
            if inside > 0:
                added += inside
                removed += hunk.old_count * inside / hunk.new_count
        elif first <= hunk.new_start < last:
            removed += hunk.old_count
    return added, removed


def label(rows: Sequence[Changed], blamed: Iterable[Blamed]) -> list[int | None]:
    """When each row turned out to hold a defect (Unix seconds of its first fix), or None."""
    places: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        places.setdefault((row.commit, row.path), []).append(i)
    found: list[int | None] = [None] * len(rows)
    for line in blamed:
        for i in places.get((line.commit, line.path), ()):
            row, before = rows[i], found[i]
            if row.first_line <= line.line <= row.last_line and line.fixed_at > row.time:
                found[i] = line.fixed_at if before is None else min(before, line.fixed_at)
    return found
