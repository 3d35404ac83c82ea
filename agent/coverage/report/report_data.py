"""Everything that a report says, gathered once for all of its forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from copydesk.agent.config import load_project
from copydesk.agent.coverage.gate import (
    Change,
    DraftAdvice,
    GateRequest,
    MeasuredGate,
    Verdict,
    change_between,
    floors_for,
    measured_lines_at,
    missing_ranges,
    texts,
    waiting_commands,
)
from copydesk.agent.coverage.report.changed_behaviour import ChangedBehaviour, changed_behaviours
from copydesk.agent.coverage.report.community_facts import CommunityFacts
from copydesk.agent.coverage.report.flaky_tests import FlakyTest, flakiest_tests
from copydesk.agent.coverage.source import moved_lines, parse
from copydesk.agent.coverage.store import (
    CoverageMap,
    Hit,
    Measure,
    load_map,
    numbits_to_nums,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import SHOW_FAILURES, FailedTest, failed_words
from copydesk.agent.desk.foreign_maps import ForeignShare
from copydesk.agent.desk.measures import ProjectTotal
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.missing_modules import Install, missing_packages
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
DIFF = "the verdict and the commit line by line"

_Part = TypeVar("_Part")
_Other = TypeVar("_Other")

State = Literal["reached", "missing", "partial", "unknown", "plain", "near"]


class Point(NamedTuple):
    """A measured commit in the plot."""

    sha: Sha
    date: str
    subject: str
    percent: float | None


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

    `left_out` counts lines of the diff not shown; `models` are the totals of desk.history;
    `failed` are the tests that failed, and `install` says what to install where they fail for
    want of a module. `failures` are the parts that copydesk failed on, `community` is what readers
    said, `foreign` says whose records it rests on, `behaviour` what functions do otherwise since
    the commit.
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
    flaky: tuple[FlakyTest, ...]
    drafts: tuple[Draft, ...]
    steps: tuple[Step, ...]
    models: tuple[Json, ...] = ()
    insight: Insight | None = None
    community: CommunityFacts | None = None
    projects: tuple[ProjectTotal, ...] = ()
    failed: tuple[FailedTest, ...] = ()
    install: Install | None = None
    failures: tuple[str, ...] = ()
    foreign: tuple[ForeignShare, ...] = ()
    advice: DraftAdvice = field(default_factory=DraftAdvice)
    behaviour: tuple[ChangedBehaviour, ...] = ()


def gather_report(repo: Repository, db: Database, sha: Sha) -> Report:
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
    commit = git.commit_info(repo, sha)
    parts = _Parts(db, sha)
    traces = parts.get("the coverage map", lambda: load_map(db, sha), None)
    no_change: _ChangeParts = (None, {}, 0)
    verdict, diff, left_out = parts.get(DIFF, lambda: _change(repo, db, commit, traces), no_change)
    gaps = tuple(db.gaps.of_commit(sha))
    drafts = tuple(db.drafts.find())
    advice = DraftAdvice(waiting_commands(drafts), revision=_other_revision(repo, sha))
    failed = tuple(db.failed_tests.of_commit(sha)) if measure.failed else ()
    python = db.measures.interpreter(sha).rpartition(" (")[0]
    errors = [test.error for test in failed]
    install = parts.get(
        "what to install", lambda: missing_packages(repo, sha, python, errors), None
    )
    names = traces.tests().keys() if traces else ()
    steps = parts.get(
        "what to do next",
        lambda: (
            *_steps_of_failures(measure, failed, install),
            *_steps(verdict, gaps, drafts, advice),
        ),
        (),
    )
    return Report(
        name=(repo.top or repo.common_dir).name,
        commit=commit,
        measure=measure,
        history=parts.get("coverage over commits", lambda: tuple(_history(repo, db, sha)), ()),
        verdict=verdict,
        foreign=tuple(db.foreign_maps.shares(sha)),
        diff=diff,
        left_out=left_out,
        gaps=gaps,
        slowest=parts.get("the slowest tests", lambda: _slowest(traces), ()),
        flaky=parts.get("the flakiest tests", lambda: flakiest_tests(db, names), ()),
        drafts=drafts,
        projects=tuple(db.measures.projects(sha)),
        steps=steps,
        failed=failed,
        install=install,
        advice=advice,
        behaviour=parts.get(
            "what the code does otherwise", lambda: changed_behaviours(db, sha), ()
        ),
        models=tuple(calls for calls in db.model_calls.totals() if calls["prompt"]),
        failures=tuple(parts.failures),
    )


def _other_revision(repo: Repository, sha: Sha) -> str:
    """How a command names a commit; "" for the one that is checked out, which is meant anyway."""
    try:
        return "" if git.resolve(repo, "HEAD") == sha else sha[:8]
    except CopydeskError:  # an unborn branch
        return sha[:8]


_ChangeParts = tuple[Verdict | None, dict[str, tuple[Row, ...]], int]


class _Parts:
    """Gathers the parts of a report; one that copydesk fails on costs no other.

    Args:
        db: The desk.
        sha: The commit that is reported.
    """

    def __init__(self, db: Database, sha: Sha) -> None:
        self.db = db
        self.sha = sha
        self.failures: list[str] = []

    def get(self, name: str, gather: Callable[[], _Part], otherwise: _Other) -> _Part | _Other:
        """A part; what there is instead where copydesk fails on it, which the report then says.

        Args:
            name: What it is called.
            gather: Gathers it.
            otherwise: What there is instead.
        """
        with self.db.failed_items.contained("report", self.sha, name, say=self._say):
            return gather()
        return otherwise

    def _say(self, line: str) -> None:
        self.failures.append(line.strip())


def _change(
    repo: Repository, db: Database, commit: CommitInfo, traces: CoverageMap | None
) -> _ChangeParts:
    """The verdict on a commit, the rows of its diff by path, and how many rows are left out."""
    parent = commit.parents[0] if commit.parents else None
    if parent is None or not git.exists(repo, [parent]):  # the latter in a shallow clone
        return None, {}, 0
    request = GateRequest(change_between(repo, parent, commit.sha), commit.sha, parent)
    floors = floors_for(request, *load_project(repo, commit.sha))
    verdict = MeasuredGate(repo, db).judge(request, floors)
    diff, left_out = _Diff(repo, db, commit.sha, request.change, traces).rows()
    return verdict, diff, left_out


def _history(repo: Repository, db: Database, sha: Sha) -> Iterable[Point]:
    """The measured ones among the commit and its ancestors, the oldest first."""
    measured = {commit.sha: Point(*commit) for commit in db.measures.history()}
    ancestors = git.ancestors(repo, sha, 5 * HISTORY)
    newest_first = [measured[ancestor] for ancestor in ancestors if ancestor in measured]
    return newest_first[:HISTORY][::-1]


def _slowest(traces: CoverageMap | None) -> tuple[tuple[str, float], ...]:
    tests = traces.tests() if traces else {}
    ranked = sorted(tests.items(), key=lambda item: (-item[1].seconds, item[0]))
    return tuple((name, trace.seconds) for name, trace in ranked[:SLOWEST] if trace.seconds)


def _steps_of_failures(
    measure: Measure, failed: tuple[FailedTest, ...], install: Install | None
) -> Iterable[Step]:
    for doubt in measure.doubts:
        yield Step(f"Nothing can be said yet: {doubt}.", "copydesk doctor")
    if measure.failed:
        problem = f"{failed_words(measure.failed, failed)}; look at this first."
        yield Step(problem, f"{SHOW_FAILURES} --commit {measure.sha[:8]}")
    if install is not None:
        yield Step(f"{install.problem}; install what the tests need.", install.command)


def _steps(
    verdict: Verdict | None,
    gaps: Iterable[Gap],
    drafts: tuple[Draft, ...],
    advice: DraftAdvice,
) -> Iterable[Step]:
    if drafts:
        yield Step(f"{plural(len(drafts), 'draft')} on your desk: decide.", "copydesk review")
    missing_counts: Counter[str] = Counter()
    for missing in missing_ranges(verdict) if verdict else ():
        missing_counts[missing.gap] += missing.last - missing.first + 1
    for name, count in list(missing_counts.items())[:3]:
        problem = f"{plural(count, 'changed line')} of {name} reached by no test."
        yield Step(problem, advice.command(name))
    names = (f"{gap.path}::{gap.function}" for gap in gaps)
    riskiest = next((name for name in names if name not in missing_counts), None)
    if riskiest:
        yield Step(f"The riskiest gap besides: {riskiest}.", advice.command(riskiest))


class _Diff:
    """The changed files, line by line."""

    def __init__(
        self,
        repo: Repository,
        db: Database,
        sha: Sha,
        change: Change,
        traces: CoverageMap | None,
    ) -> None:
        self.read = texts(repo, change)
        self.change = change
        measured_lines = measured_lines_at(repo, db, sha, exact=True)
        self.statuses = measured_lines.statuses(change, self.read)
        self.tests = self._tests(traces)

    def _tests(self, traces: CoverageMap | None) -> Mapping[str, Mapping[LineNo, tuple[str, ...]]]:
        """The tests that reach each changed line, by path and line."""
        tests: dict[str, dict[LineNo, list[str]]] = {path: {} for path in self.change.files}
        changed_lines: dict[Hit, list[LineNo]] = {}
        for name, trace in sorted(traces.tests().items()) if traces else ():
            for hit in trace.hits:
                if hit.path not in tests:
                    continue
                if hit not in changed_lines:
                    changed_lines[hit] = self._changed_lines(hit)
                for line in changed_lines[hit]:
                    tests[hit.path].setdefault(line, []).append(name)
        return {
            path: {line: tuple(names) for line, names in by_line.items()}
            for path, by_line in tests.items()
        }

    def _changed_lines(self, hit: Hit) -> list[LineNo]:
        """The changed lines among those of a hit, which may be of another version of the file."""
        blob, changed = self.change.files[hit.path]
        numbers = numbits_to_nums(hit.lines)
        if hit.blob != blob:
            moved_to = moved_lines(parse(self.read(hit.blob)), parse(self.read(blob)))
            numbers = [moved_to[n] for n in numbers if n in moved_to]
        return sorted(set(numbers) & set(changed))

    def rows(self) -> tuple[dict[str, tuple[Row, ...]], int]:
        """The rows by path, and how many were left out."""
        shown: dict[str, tuple[Row, ...]] = {}
        room, left_out = LINES, 0
        for path in sorted(self.statuses, key=lambda p: (-len(self.statuses[p].missing), p)):
            rows = self._file(path)
            if rows[:room]:
                shown[path] = rows[:room]
            left_out += max(0, len(rows) - room)
            room = max(0, room - len(rows))
        return shown, left_out

    def _file(self, path: str) -> tuple[Row, ...]:
        """The changed lines of a file and those around them."""
        blob, changed_lines = self.change.files[path]
        changed, text = set(changed_lines), self.read(blob).split("\n")
        last = len(text) if text[-1] else len(text) - 1  # the last line may end the file
        near = {line + offset for line in changed for offset in range(-CONTEXT, CONTEXT + 1)}
        tests = self.tests[path]
        rows = []
        for line in sorted(near):
            if 1 <= line <= last:
                state = self._state(path, line) if line in changed else "near"
                rows.append(Row(line, text[line - 1], state, tests.get(line, ())))
        return tuple(rows)

    def _state(self, path: str, line: LineNo) -> State:
        status = self.statuses[path]
        if line in status.missing:
            return "missing"
        if line in status.unknown:
            return "unknown"
        if line in status.partial:
            return "partial"
        return "reached" if line in status.reached else "plain"
