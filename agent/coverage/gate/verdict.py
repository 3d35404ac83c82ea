"""The verdict on a change: one function, whatever asks and wherever the facts come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from copydesk.agent.coverage.source import MODULE, functions
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.projects import nearest
from copydesk.agent.records import Json, LineNo
from copydesk.agent.text import plural

Outcome = Literal["pass", "fail", "unknown"]


class LineStatus(NamedTuple):
    """The changed lines of one file by status. Lines that coverage.py does not count have none.

    `partial` lines are reached, and also among `reached`. `starts` holds the first line of the
    statement of each line that is shown for a statement it does not begin. `why` says why lines
    are unknown where no measure will tell: coverage.py passes the file over.
    """

    reached: frozenset[LineNo] = frozenset()
    missing: frozenset[LineNo] = frozenset()
    partial: frozenset[LineNo] = frozenset()
    unknown: frozenset[LineNo] = frozenset()
    starts: Mapping[LineNo, LineNo] = MappingProxyType({})
    why: str = ""

    def count(self, lines: frozenset[LineNo]) -> int:
        """How many statements some of the lines are: each counts once."""
        return len({self.starts.get(line, line) for line in lines}) if self.starts else len(lines)


class Floor(NamedTuple):
    """A floor in percent of 100, and whether being under it stops anybody.

    `note` is said to whoever is stopped; `{total}` in it stands for the total as a floor: rounded
    down, so that the total holds it.
    """

    percent: float
    is_enforced: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Floors:
    """What is asked of a change.

    `ratchet` says whether a total under the base's stops anybody; None asks nothing.
    `unknown` is "pass", or "fail" where lines without a verdict may not pass. `is_strict` says
    that a measure which proves nothing stops the change, as before a push and in CI. `named` are
    the floors for the total and the changed lines that were named for this once. `projects` are
    those of a repository that is not just one: each is held to its own, in place of the whole.
    `tests_may_fail` is the project's setting of that name.
    """

    diff: float = 95.0
    total: Floor | None = None
    ratchet: bool | None = None
    unknown: Literal["pass", "fail"] = "pass"
    tests_may_fail: str = ""
    is_strict: bool = False
    named: tuple[float | None, float | None] = (None, None)
    projects: tuple[JudgedProject, ...] = ()


class JudgedProject(NamedTuple):
    """One of several projects: its folder, its total, that of the base, and what it is held to."""

    folder: str
    total: float | None
    base_total: float | None
    doubts: tuple[str, ...]
    floors: Floors


class MissingRange(NamedTuple):
    """Neighbouring missing lines of one function: what is named, and what a test is drafted for."""

    path: str
    first: LineNo
    last: LineNo
    function: str

    @property
    def gap(self) -> str:
        """The name that `copydesk draft` takes."""
        return self.path if self.function == MODULE else f"{self.path}::{self.function}"

    @property
    def location(self) -> str:
        """Where it is: the path and the lines."""
        last = f"-{self.last}" if self.last != self.first else ""
        return f"{self.path}:{self.first}{last}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says. Percentages are of 100, None where nothing is known.

    `missing`, `partial` and `unknown` hold changed lines by path, without empty entries;
    `counted` is how many changed lines have a verdict, where a statement over several lines counts
    once; `functions` names the function of each
    missing line; `reasons` say in words what stops the change, `remarks` what else is to be said.
    `projects` has the totals of each project, where the repository is not just one. `passed_over`
    says of files among `unknown` why coverage.py passes them over.
    """

    verdict: Outcome
    total: float | None
    base_total: float | None
    diff: float | None
    counted: int
    missing: dict[str, tuple[LineNo, ...]]
    partial: dict[str, tuple[LineNo, ...]]
    unknown: dict[str, tuple[LineNo, ...]]
    functions: dict[str, dict[LineNo, str]]
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    projects: tuple[JudgedProject, ...] = ()
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def not_measured(self) -> dict[str, tuple[LineNo, ...]]:
        """The unknown lines that a measure would tell of."""
        return {p: lines for p, lines in self.unknown.items() if p not in self.passed_over}


def judge(
    statuses: Mapping[str, LineStatus],
    floors: Floors,
    *,
    read: Callable[[str], str],
    total: float | None = None,
    base_total: float | None = None,
    doubts: Sequence[str] = (),
) -> Verdict:
    """The verdict on a change.

    Args:
        statuses: Its changed lines, by path.
        floors: What is asked of it.
        read: The text of a changed file as the change leaves it, by path.
        total: Percent of the whole project that tests reach, where known.
        base_total: The same of what the change is compared with.
        doubts: Why what was measured proves nothing, as `Measure.doubts` has it.

    Returns:
        "fail" where something asked for is not given; "unknown" where changed lines have no
        verdict, or nothing was counted; else "pass".
    """
    missing = _sorted_lines({path: status.missing for path, status in statuses.items()})
    partial = _sorted_lines({path: status.partial for path, status in statuses.items()})
    unknown = _sorted_lines({path: status.unknown for path, status in statuses.items()})
    reached_count, counted = _counts(statuses)
    diff = 100.0 * reached_count / counted if counted else None
    findings = _Findings()
    if floors.projects:
        doubts = findings.judge_projects(floors.projects, statuses)
    else:
        findings.judge_diff(statuses, floors)
        findings.judge_doubts(doubts, floors)
        findings.judge_total(total, floors, has_doubts=bool(doubts))
        findings.judge_ratchet(total, base_total, floors)
    whys = {path: status.why for path, status in statuses.items()}
    passed_over = {path: whys[path] for path in unknown if whys[path]}
    findings.judge_unknown(unknown, passed_over, floors)
    return Verdict(
        findings.outcome(bool(unknown or doubts)), total, base_total,
        None if doubts else diff, counted,
        missing, partial, unknown,
        {path: _functions(read(path), lines) for path, lines in missing.items()},
        tuple(findings.reasons), tuple(findings.remarks), floors.projects,
        passed_over,
    )  # fmt: skip


def _counts(statuses: Mapping[str, LineStatus]) -> tuple[int, int]:
    """How many changed statements tests reach, and of how many."""
    reached_count = missing_count = 0
    for status in statuses.values():
        reached_count += status.count(status.reached)
        missing_count += status.count(status.missing)
    return reached_count, reached_count + missing_count


NO_VERDICT = "nothing can be said of this change"
"""How a reason begins that speaks of the measure as a whole, not of lines."""

_NAMED = 5
"""Files that coverage.py passes over of which the reason is said."""

_NOT_MEASURED = (
    "the total is not known: this commit was not measured (`copydesk wait` or `copydesk measure`"
    " has it measured)"
)


class _Findings:
    """What speaks against a change: reasons stop it, remarks are only said."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.remarks: list[str] = []
        self.total_is_unknown = False
        self._speaker = ""

    def outcome(self, has_unknown: bool) -> Outcome:
        """The verdict that follows."""
        if self.reasons:
            return "fail"
        return "unknown" if has_unknown or self.total_is_unknown else "pass"

    def _add(self, finding: str, *, stops: bool) -> None:
        (self.reasons if stops else self.remarks).append(f"{self._speaker}{finding}")

    def judge_projects(
        self, projects: Sequence[JudgedProject], statuses: Mapping[str, LineStatus]
    ) -> list[str]:
        """Hold each of several projects to its floors.

        Returns:
            Why what was measured of any of them proves nothing.
        """
        doubts: list[str] = []
        for project in projects:
            self.judge_project(project, projects, statuses)
            doubts += project.doubts
        return doubts

    def judge_project(
        self,
        project: JudgedProject,
        projects: Iterable[JudgedProject],
        statuses: Mapping[str, LineStatus],
    ) -> None:
        """Hold one of several projects to its floors, and say which it is."""
        self._speaker = f"in {project.folder or 'the top folder'}: "
        folders = [one.folder for one in projects]
        own = {p: status for p, status in statuses.items() if nearest(p, folders) == project.folder}
        self.judge_diff(own, project.floors)
        self.judge_doubts(project.doubts, project.floors)
        self.judge_total(project.total, project.floors, has_doubts=bool(project.doubts))
        self.judge_ratchet(project.total, project.base_total, project.floors)
        self._speaker = ""

    def judge_diff(self, statuses: Mapping[str, LineStatus], floors: Floors) -> None:
        """Hold the changed lines to their floor."""
        reached_count, counted = _counts(statuses)
        missing_count = counted - reached_count
        share = 100.0 * reached_count / counted if counted else 100.0
        if missing_count and share < floors.diff:
            finding = (
                f"{missing_count:,} of {counted:,} changed lines are reached by no test"
                f" ({_percent(share)} are, the floor is {floors.diff:g} %)"
            )
            self._add(finding, stops=True)

    def judge_doubts(self, doubts: Sequence[str], floors: Floors) -> None:
        """Say why what was measured proves nothing."""
        for doubt in doubts:
            self._add(f"{NO_VERDICT}: {doubt}", stops=floors.is_strict)

    def judge_total(self, total: float | None, floors: Floors, *, has_doubts: bool) -> None:
        """Hold the whole project to its floor."""
        floor = floors.total
        if total is None:
            if not has_doubts and (floor or floors.ratchet is not None):
                self.total_is_unknown = floors.is_strict
                stops = floors.is_strict and floors.unknown == "fail"
                self._add(_NOT_MEASURED, stops=stops)
            return
        if floor is None or total >= floor.percent:
            return
        finding = f"the total is {_percent(total)}, the floor is {floor.percent:g} %"
        self._add(finding, stops=floor.is_enforced)
        note = floor.note.format(total=f"{math.floor(total * 10) / 10:g}")
        if floor.is_enforced and note and f"{self._speaker}{note}" not in self.remarks:
            self._add(note, stops=False)

    def judge_ratchet(self, total: float | None, base_total: float | None, floors: Floors) -> None:
        """Hold the whole project to what the base had."""
        if total is None or floors.ratchet is None:
            return
        if base_total is None:
            if floors.ratchet:
                finding = "whether the total falls is not known: the base was not measured, or not"
                self._add(f"{finding} whole", stops=False)
        elif total < base_total - 1e-9:
            finding = f"the total falls from {_percent(base_total)} to {_percent(total)}"
            self._add(finding, stops=floors.ratchet)

    def judge_unknown(
        self,
        unknown: Mapping[str, Sequence[LineNo]],
        passed_over: Mapping[str, str],
        floors: Floors,
    ) -> None:
        """Say how many lines have no verdict, and which files never have one."""
        stops = floors.unknown == "fail"
        waiting = [lines for path, lines in unknown.items() if path not in passed_over]
        if waiting:
            count = plural(sum(map(len, waiting)), "changed line")
            finding = f"{count} in {plural(len(waiting), 'file')} not measured yet"
            self._add(finding, stops=stops)
        for path in list(passed_over)[:_NAMED]:
            count = plural(len(unknown[path]), "changed line")
            self._add(f"{count} of {path} not known: {passed_over[path]}", stops=stops)
        if len(passed_over) > _NAMED:
            more = plural(len(passed_over) - _NAMED, "more file")
            self._add(f"nothing is known of {more} that coverage.py passes over", stops=stops)


def _percent(value: float) -> str:
    """Two digits, and never a roundness that would hide why a floor was missed."""
    return f"{int(value * 100) / 100:g} %"


def _sorted_lines(lines: Mapping[str, frozenset[LineNo]]) -> dict[str, tuple[LineNo, ...]]:
    return {path: tuple(sorted(lines[path])) for path in sorted(lines) if lines[path]}


def _functions(source: str, lines: Sequence[LineNo]) -> dict[LineNo, str]:
    """The name of the function that each line belongs to."""
    spans = functions(source)
    names = {}
    for line in lines:
        around = (span.name for span in spans if span.first <= line <= span.last)
        names[line] = next(around, MODULE)
    return names


def missing_ranges(verdict: Verdict) -> list[MissingRange]:
    """The missing lines as ranges within one function, in order."""
    ranges: list[MissingRange] = []
    for path, lines in verdict.missing.items():
        for line in lines:
            function = verdict.functions[path][line]
            last = ranges[-1] if ranges else None
            if last and (last.path, last.function, last.last) == (path, function, line - 1):
                ranges[-1] = last._replace(last=line)
            else:
                ranges.append(MissingRange(path, line, line, function))
    return ranges


def status_of(lines: frozenset[LineNo], file: FileLines) -> LineStatus:
    """Some lines of a file, by what is known of the file."""
    missing = lines & file.missing
    reached, partial = (lines & file.statements) - missing, (lines & file.partial) - missing
    return LineStatus(reached, missing, partial)


def verdict_as_json(verdict: Verdict) -> Json:
    """A verdict as `--json` prints it."""
    return {
        "verdict": verdict.verdict,
        "total": {"percent": verdict.total, "base": verdict.base_total},
        "diff": {
            "percent": verdict.diff,
            "lines": verdict.counted,
            "missing": {path: list(lines) for path, lines in verdict.missing.items()},
            "partial": {path: list(lines) for path, lines in verdict.partial.items()},
            "unknown": {path: list(lines) for path, lines in verdict.unknown.items()},
        },
        "passed_over": dict(verdict.passed_over),
        "projects": [
            {"folder": one.folder, "percent": one.total, "base": one.base_total}
            for one in verdict.projects
        ],
        "functions": [_range_as_json(missing) for missing in missing_ranges(verdict)],
        "reasons": list(verdict.reasons),
        "remarks": list(verdict.remarks),
    }


def _range_as_json(missing: MissingRange) -> Json:
    return {
        "path": missing.path,
        "first": missing.first,
        "last": missing.last,
        "function": missing.function,
        "draft": missing.gap,
    }
