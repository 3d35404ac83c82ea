"""Everything a report says, gathered once for all of its forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from copydesk.agent.config import load_project
from copydesk.agent.coverage.gate import (
    Change,
    GateRequest,
    MeasuredGate,
    Verdict,
    change_between,
    floors_for,
    measured_lines_at,
    missing_ranges,
    texts,
)
from copydesk.agent.coverage.report.unsteady import Unsteady, unsteady
from copydesk.agent.coverage.source import moved, parse
from copydesk.agent.coverage.store import Hit, Measure, numbits_to_nums
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import CommitInfo, Repository
from copydesk.agent.records import Draft, Gap, Json, LineNo, Sha
from copydesk.agent.text import plural

HISTORY = 200
"""Commits in the plot, counted back from the one reported."""
CONTEXT = 3
"""Unchanged lines shown around a changed one."""
LINES = 3000
"""Lines of the diff that are shown; what is left out is said."""
SLOWEST = 10

State = Literal["reached", "missing", "partial", "unknown", "plain", "near"]


class Point(NamedTuple):
    """A measured commit in the plot."""

    sha: Sha
    date: str
    subject: str
    percent: float


class Row(NamedTuple):
    """A line of a changed file. `near` lines did not change; `plain` ones do not count."""

    line: LineNo
    text: str
    state: State
    tests: tuple[str, ...]


class Insight(NamedTuple):
    """What a model said of it: the sentences that hold, its name, and how many did not hold."""

    sentences: tuple[str, ...]
    model: str
    dropped: int


class Step(NamedTuple):
    """Something to do next, and the command that does it."""

    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a measured commit.

    `left_out` counts lines of the diff not shown; `models` are the totals of desk.history.
    """

    name: str
    commit: CommitInfo
    measure: Measure
    history: tuple[Point, ...]
    verdict: Verdict | None
    diff: dict[str, tuple[Row, ...]]
    left_out: int
    gaps: tuple[Gap, ...]
    slowest: tuple[tuple[str, float], ...]
    unsteady: tuple[Unsteady, ...]
    drafts: tuple[Draft, ...]
    steps: tuple[Step, ...]
    models: tuple[Json, ...] = ()
    insight: Insight | None = None


def gather(repo: Repository, db: Database, sha: Sha) -> Report:
    """Everything about a measured commit.

    Raises:
        CopydeskError: It was not measured.
    """
    measure = db.measures.get(sha)
    if measure is None:
        raise CopydeskError(
            f"commit {sha[:8]} was not measured",
            slug="not-measured",
            hint=f"`copydesk measure {sha[:8]}` does it now.",
        )
    info = git.commit_info(repo, sha)
    parent = info.parents[0] if info.parents else None
    if parent and not git.exists(repo, [parent]):
        parent = None  # a shallow clone
    verdict: Verdict | None = None
    diff: dict[str, tuple[Row, ...]] = {}
    left_out = 0
    traces = coverage_map.load(db, sha)
    if parent is not None:
        request = GateRequest(change_between(repo, parent, sha), sha, parent)
        floors = floors_for(request, *load_project(repo, sha))
        verdict = MeasuredGate(repo, db).judge(request, floors)
        diff, left_out = _Diff(repo, db, sha, request.change, traces).rows()
    gaps = tuple(db.gaps.of_commit(sha))
    drafts = tuple(db.drafts.find())
    return Report(
        (repo.top or repo.common_dir).name, info, measure, tuple(_history(repo, db, sha)),
        verdict, diff, left_out, gaps, _slowest(traces),
        unsteady(db, traces.tests().keys() if traces else ()), drafts,
        tuple(_steps(measure, verdict, gaps, drafts)),
        tuple(one for one in db.model_calls.totals() if one["prompt"]),
    )  # fmt: skip


def _history(repo: Repository, db: Database, sha: Sha) -> Iterable[Point]:
    """The measured ones among the commit and its ancestors, the oldest first."""
    known = {commit.sha: Point(*commit) for commit in db.measures.history()}
    near = git.ancestors(repo, sha, 5 * HISTORY)
    return [known[s] for s in near if s in known][:HISTORY][::-1]


def _slowest(traces: coverage_map.CoverageMap | None) -> tuple[tuple[str, float], ...]:
    tests = traces.tests() if traces else {}
    ranked = sorted(tests.items(), key=lambda item: (-item[1].seconds, item[0]))
    return tuple((name, trace.seconds) for name, trace in ranked[:SLOWEST] if trace.seconds)


def _steps(
    measure: Measure, verdict: Verdict | None, gaps: Iterable[Gap], drafts: tuple[Draft, ...]
) -> Iterable[Step]:
    if measure.failed:
        yield Step(f"{plural(measure.failed, 'test')} failed; look at them first.", "pytest --lf")
    if drafts:
        yield Step(f"{plural(len(drafts), 'draft')} on your desk: decide.", "copydesk review")
    wanted: dict[str, int] = {}
    for missing in missing_ranges(verdict) if verdict else ():
        wanted[missing.gap] = wanted.get(missing.gap, 0) + missing.last - missing.first + 1
    for gap, count in list(wanted.items())[:3]:
        said = f"{plural(count, 'changed line')} of {gap} reached by no test."
        yield Step(said, f"copydesk draft {gap}")
    riskiest = next((g for g in gaps if f"{g.path}::{g.function}" not in wanted), None)
    if riskiest:
        name = f"{riskiest.path}::{riskiest.function}"
        yield Step(f"The riskiest gap besides: {name}.", f"copydesk draft {name}")


class _Diff:
    """The changed files, line by line."""

    def __init__(
        self,
        repo: Repository,
        db: Database,
        sha: Sha,
        change: Change,
        traces: coverage_map.CoverageMap | None,
    ) -> None:
        self.read = texts(repo)
        self.change = change
        self.judged = measured_lines_at(repo, db, sha, exact=True).statuses(change, self.read)
        self.tests = self._tests(traces)

    def _tests(
        self, traces: coverage_map.CoverageMap | None
    ) -> Mapping[str, Mapping[LineNo, tuple[str, ...]]]:
        """The tests that reach each changed line, by path and line."""
        found: dict[str, dict[LineNo, list[str]]] = {path: {} for path in self.change.files}
        lines: dict[Hit, list[LineNo]] = {}
        for name, trace in sorted(traces.tests().items()) if traces else ():
            for hit in trace.hits:
                if hit.path not in found:
                    continue
                if hit not in lines:
                    lines[hit] = self._lines(hit)
                for line in lines[hit]:
                    found[hit.path].setdefault(line, []).append(name)
        return {p: {n: tuple(t) for n, t in by.items()} for p, by in found.items()}

    def _lines(self, hit: Hit) -> list[LineNo]:
        blob, changed = self.change.files[hit.path]
        numbers = numbits_to_nums(hit.lines)
        if hit.blob != blob:
            there = moved(parse(self.read(hit.blob)), parse(self.read(blob)))
            numbers = [there[n] for n in numbers if n in there]
        return sorted(set(numbers) & set(changed))

    def rows(self) -> tuple[dict[str, tuple[Row, ...]], int]:
        """The rows by path, and how many were left out."""
        found: dict[str, tuple[Row, ...]] = {}
        room, left_out = LINES, 0
        for path in sorted(self.judged, key=lambda p: (-len(self.judged[p].missing), p)):
            rows = self._file(path)
            found[path] = rows[:room]
            left_out += len(rows) - len(found[path])
            room -= len(found[path])
        return {p: rows for p, rows in found.items() if rows}, left_out

    def _file(self, path: str) -> tuple[Row, ...]:
        blob, lines = self.change.files[path]
        changed, text = set(lines), self.read(blob).split("\n")
        near = {n + d for n in changed for d in range(-CONTEXT, CONTEXT + 1)}
        shown = sorted(n for n in near if 1 <= n <= len(text))
        if not text[-1] and shown and shown[-1] == len(text):
            shown.pop()
        tests = self.tests[path]
        return tuple(
            Row(n, text[n - 1], self._state(path, n, n in changed), tests.get(n, ())) for n in shown
        )

    def _state(self, path: str, line: LineNo, changed: bool) -> State:
        judged = self.judged[path]
        if not changed:
            return "near"
        if line in judged.missing:
            return "missing"
        if line in judged.unknown:
            return "unknown"
        if line in judged.partial:
            return "partial"
        return "reached" if line in judged.reached else "plain"
