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

MEASURED = ("lines_uncovered", "covered_share", "mutation_sites")
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
        states = {}
        for path, (people, last, churn, fixes, fixed, recent) in files.items():
            recent = [(time, bool(is_fixing)) for time, is_fixing in recent]
            states[path] = FileState(people, last, churn, fixes, fixed, recent)
        return cls(tip, commits, states, functions, authors)


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
        for commit, texts in _with_texts(chunk, history):
            on_commit(commit)
            rows += add(state, commit, texts)
            if is_fix(commit):
                fixes.append(commit)
            if is_bulk(commit):
                bulk.add(commit.sha)
        count += len(chunk)
        say(f"{count:,} commits read, {len(rows):,} changed functions")
    blamed = [line for line in _trace_all(fixes, history, say) if line.commit not in bulk]
    return Mined(rows, blamed, count, len(fixes))


def _with_texts(
    commits: Sequence[Commit], history: History
) -> Iterator[tuple[Commit, dict[str, str]]]:
    """Each commit with its source files after the change, by path; all read in one go."""
    paths = {commit.sha: [f.new for f in commit.source if f.new] for commit in commits}
    wanted_texts = [(sha, path) for sha, of_commit in paths.items() for path in of_commit]
    texts = iter(history.texts(wanted_texts))
    for commit in commits:
        by_path = {path: next(texts) for path in paths[commit.sha]}
        yield commit, {path: text for path, text in by_path.items() if text}


def _trace_all(fixes: Sequence[Commit], history: History, say: Progress) -> Iterator[Blamed]:
    for number, fix in enumerate(fixes, 1):
        yield from trace(fix, history)
        if number % 50 == 0 or number == len(fixes):
            say(f"{number:,} of {len(fixes):,} fixes traced to the lines they mend")


def _chunks(items: Iterable[Commit], size: int) -> Iterator[list[Commit]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def add(state: State, commit: Commit, texts: dict[str, str]) -> list[Changed]:
    """Take one commit in: its changed functions, as known before it, then the state after it.

    Args:
        state: What is known so far; changed in place.
        commit: The commit.
        texts: Its source files after the change, by path.

    Returns:
        The changed functions.
    """
    source = commit.source
    _follow_renames(state, source)
    shared = _shared(state, commit, source)
    rows: list[Changed] = []
    for patch in source:
        if patch.new in texts:
            rows += _rows(state, commit, patch, texts[patch.new], shared)
    _bring_up_to(state, commit, source, rows)
    return rows


def _follow_renames(state: State, source: Sequence[FilePatch]) -> None:
    for patch in source:
        if patch.old and patch.new and patch.old != patch.new and patch.old in state.files:
            state.files[patch.new] = state.files.pop(patch.old)


def _bring_up_to(
    state: State, commit: Commit, source: Sequence[FilePatch], rows: Sequence[Changed]
) -> None:
    """Note in the state what a commit did to functions and files, and that its author made it."""
    fixing = is_fix(commit)
    for row in rows:
        counts = state.functions.setdefault(f"{row.path}::{row.function}", [0, 0, 0.0])
        counts[:] = [counts[0] + 1, counts[1] + fixing, commit.time]
    for patch in source:
        _touch(state.files.setdefault(patch.path, FileState()), commit, patch, fixing)
    recent = state.authors.setdefault(commit.author, [0.0, commit.time])
    recent[:] = [_decayed(recent[0], commit.time - recent[1], FIX_DAYS) + 1, commit.time]
    state.tip, state.commits = commit.sha, state.commits + 1


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
    state: State, commit: Commit, patch: FilePatch, text: str, shared: dict[str, float]
) -> Iterator[Changed]:
    """The functions of a file that a commit changed.

    Args:
        state: What is known before the commit.
        commit: The commit.
        patch: How it changed the file.
        text: The file after it.
        shared: What is the same for every function of the commit.
    """
    assert patch.new
    of_file = _about_file(state.files.get(patch.path), commit.time)
    file_lines = text.count("\n") + 1 - patch.added + patch.removed
    for name, shape in outermost(text, lambda first, last: any(_overlap(patch, first, last))):
        added, removed = _overlap(patch, shape.first_line, shape.last_line)
        before = state.functions.get(f"{patch.new}::{name}")
        inputs = GapFeatures(
            lines_uncovered=0,
            lines_added_in_commit=added,
            function_lines=shape.function_lines,
            branches=shape.branches,
            callers=shape.callers,
            lines_added_elsewhere=int(shared["added"]) - added,
            file_lines=file_lines,
            files_changed=int(shared["files_changed"]),
            test_lines_added=int(shared["test_lines_added"]),
            lines_removed=removed,
            arguments=shape.arguments,
            share_changed=added / shape.function_lines,
            new_function=int(before is None),
            function_fixes=int(before[1]) if before else 0,
            days_since_function=(commit.time - before[2]) / DAY if before else -1.0,
            lines_added_in_all=int(shared["added"]),
            tests_changed=int(shared["tests_changed"]),
            is_fix=int(shared["is_fix"]),
            author_recency=shared["author_recency"],
            private=int(name.rpartition(".")[2].startswith("_")),
            **of_file,  # type: ignore[arg-type]
        )._asdict()
        for key in MEASURED:
            del inputs[key]
        span = (shape.first_line, shape.last_line)
        yield Changed(commit.sha, patch.new, name, *span, commit.time, inputs)


def _about_file(file: FileState | None, time: int) -> dict[str, float]:
    """What the history says of a file at a time; zeros where it knows nothing."""
    if file is None:
        return dict.fromkeys(("times_changed", "recent_fixes", "authors", "churn", "fixes"), 0)
    return {
        "times_changed": sum(time - at <= CHURN_DAYS * DAY for at, _ in file.recent),
        "recent_fixes": sum(fix for at, fix in file.recent if time - at <= FIX_DAYS * DAY),
        "authors": len(file.authors),
        "churn": _decayed(file.churn, time - file.last, CHURN_DAYS),
        "fixes": _decayed(file.fixes, time - file.fixed, FIX_DAYS),
    }


def _touch(file: FileState, commit: Commit, patch: FilePatch, fixing: bool) -> None:
    """Note that a commit changed a file."""
    time = commit.time
    file.churn = _decayed(file.churn, time - file.last, CHURN_DAYS) + patch.added + patch.removed
    if commit.author not in file.authors:
        file.authors.append(commit.author)
    file.last = time
    file.recent = [(t, f) for t, f in file.recent if time - t <= FIX_DAYS * DAY]
    file.recent.append((time, fixing))
    if fixing:
        file.fixes = _decayed(file.fixes, time - file.fixed, FIX_DAYS) + 1
        file.fixed = time


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
    rows_of_file: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        rows_of_file.setdefault((row.commit, row.path), []).append(i)
    fixed: list[int | None] = [None] * len(rows)
    for line in blamed:
        for i in rows_of_file.get((line.commit, line.path), ()):
            if rows[i].first_line <= line.line <= rows[i].last_line:
                fixed[i] = _first_fix(fixed[i], line.fixed_at, rows[i].time)
    return fixed


def _first_fix(first: int | None, fixed_at: int, changed_at: int) -> int | None:
    """The earlier of two fixes, of which one before the change itself does not count."""
    if fixed_at <= changed_at:
        return first
    return fixed_at if first is None else min(first, fixed_at)
