"""The counted files of a measured commit, line by line, with the tests that reach each line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.gate import texts
from copydesk.agent.coverage.report.report_data import State
from copydesk.agent.coverage.source import moved_lines, parse
from copydesk.agent.coverage.store import (
    CoverageMap,
    FileLines,
    Hit,
    Sum,
    Total,
    add_up,
    load_map,
    load_totals,
    numbits_to_nums,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, LineNo, Sha


class NewestRun(NamedTuple):
    """A test, and how its newest run went. `seconds` are of that run."""

    name: str
    outcome: str
    seconds: float


class SourceLine(NamedTuple):
    """A line of a file: `group` is the number of its set of tests, None where none reaches it.

    `drafts` are the numbers of waiting drafts whose test reaches it.
    """

    number: LineNo
    text: str
    state: State
    group: int | None
    drafts: tuple[int, ...]


class SourceFile(NamedTuple):
    """A file that counts: its lines, and the tests of each group of lines.

    `groups` holds indexes into `tests`: lines that the same tests reach share one.
    """

    path: str
    total: Sum
    lines: tuple[SourceLine, ...]
    tests: tuple[NewestRun, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def missing(self) -> int:
        """How many lines no test reaches."""
        return sum(line.state == "missing" for line in self.lines)


def source_files(repo: Repository, db: Database, sha: Sha) -> Iterator[SourceFile]:
    """The files that count at a measured commit, by path.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit.
    """
    totals = load_totals(db, sha) or []
    read = texts(repo)
    reached_by = _tests_by_hit(load_map(db, sha), {total.path for total in totals})
    drafts = [draft for draft in db.drafts.find(kind="test") if draft.target is not None]
    for total in totals:
        yield _source_file(total, read, reached_by.get(total.path, {}), drafts)


def _tests_by_hit(
    traces: CoverageMap | None, paths: set[str]
) -> dict[str, dict[Hit, list[NewestRun]]]:
    """The tests that share each set of executed lines, by the path of its file."""
    by_path: dict[str, dict[Hit, list[NewestRun]]] = {}
    for name, trace in sorted(traces.tests().items()) if traces else ():
        test = NewestRun(name, trace.outcome, trace.seconds)
        for hit in trace.hits:
            if hit.path in paths:
                by_path.setdefault(hit.path, {}).setdefault(hit, []).append(test)
    return by_path


def _source_file(
    total: Total,
    read: Callable[[str], str],
    reached_by: Mapping[Hit, Sequence[NewestRun]],
    drafts: Sequence[Draft],
) -> SourceFile:
    text = read(total.blob)
    file = total.file_lines
    tests = sorted({test for runs in reached_by.values() for test in runs})
    groups, group_of_line = _groups(total.blob, text, read, reached_by, tests)
    drafted = _drafted_lines(total.path, drafts)
    lines = tuple(
        SourceLine(
            number,
            content,
            _state(file, number),
            group_of_line.get(number) if number in file.statements else None,
            drafted.get(number, ()),
        )
        for number, content in enumerate(text.removesuffix("\n").split("\n"), 1)
    )
    return SourceFile(total.path, add_up([file]), lines, tuple(tests), groups)


def _groups(
    blob: str,
    text: str,
    read: Callable[[str], str],
    reached_by: Mapping[Hit, Sequence[NewestRun]],
    tests: Sequence[NewestRun],
) -> tuple[tuple[tuple[int, ...], ...], dict[LineNo, int]]:
    """The sets of tests that lines of a file have, and the number of the set of each line."""
    index = {test: number for number, test in enumerate(tests)}
    hits_of_line: dict[LineNo, list[Hit]] = {}
    for hit in reached_by:
        for line in _lines_here(hit, blob, text, read):
            hits_of_line.setdefault(line, []).append(hit)
    number_of_set: dict[tuple[int, ...], int] = {}
    tests_of_hits: dict[tuple[Hit, ...], tuple[int, ...]] = {}
    group_of_line = {}
    for line, hits in hits_of_line.items():
        key = tuple(hits)
        if key not in tests_of_hits:
            numbers = {index[test] for hit in key for test in reached_by[hit]}
            tests_of_hits[key] = tuple(sorted(numbers))
        group = tests_of_hits[key]
        group_of_line[line] = number_of_set.setdefault(group, len(number_of_set))
    return tuple(number_of_set), group_of_line


def _lines_here(hit: Hit, blob: str, text: str, read: Callable[[str], str]) -> list[LineNo]:
    """The lines of a hit as they stand in this version of its file."""
    numbers = list(numbits_to_nums(hit.lines))
    if hit.blob == blob:
        return numbers
    moved_to = moved_lines(parse(read(hit.blob)), parse(text))
    return [moved_to[number] for number in numbers if number in moved_to]


def _drafted_lines(path: str, drafts: Sequence[Draft]) -> dict[LineNo, tuple[int, ...]]:
    """The waiting drafts whose test reaches each line of a file."""
    drafted: dict[LineNo, tuple[int, ...]] = {}
    for draft in drafts:
        if draft.target is None or draft.target.path != path:
            continue
        for line in draft.evidence.get("gained_lines") or draft.target.lines:
            drafted[line] = (*drafted.get(line, ()), draft.id)
    return drafted


def _state(file: FileLines, line: LineNo) -> State:
    if line not in file.statements:
        return "plain"
    if line in file.missing:
        return "missing"
    return "partial" if line in file.partial else "reached"
