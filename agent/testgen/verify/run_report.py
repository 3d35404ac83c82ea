"""Reads what the sandboxed pytest says about a draft, and believes only what fits together.

The tested code runs in the process that writes the report, so a report is a claim: it counts
when every expected test reports each phase once and in order, the records are numbered without
a hole, the last one is there and its code is the exit code and follows from the records.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from copydesk.agent.records import Arc, TestId
from copydesk.agent.sandbox.records import Outcome

_PHASES = ["setup", "call", "teardown"]
_KINDS = frozenset(
    {"ready", "imported", "broken", "collected", "alone", "probe", "unmutated", "mutant"}
    | {"report", "outside", "end"}
)


class Doubtful(Exception):
    """The report does not fit together; the draft's run proves nothing. Says what is odd.

    `mutated` is True where the run had come to the mutants.
    """

    mutated = False


class CouldNotRun(Exception):
    """Nothing ran, for a reason that is not the draft's. Says which."""


class Comparison(NamedTuple):
    """A comparison that failed on a line of the draft: both values as Python writes them."""

    line: int
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Result:
    """How one test went: passed, or why not (cut, as pytest words it) and what differed.

    `outside` is what it reached for outside of the project, in words.
    """

    passed: bool
    why: str = ""
    arcs: frozenset[Arc] = frozenset()
    seconds: float = 0.0
    compared: Comparison | None = None
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """How the tests went against one changed version of the target.

    `failed` holds the tests that failed by an assertion or an exception; `ended` is "done",
    "timeout" or "lost"; `applied` is False where the change never reached the running code.
    """

    ended: str
    applied: bool
    failed: frozenset[TestId] = frozenset()
    passed: frozenset[TestId] = frozenset()
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """One run of a draft, as claimed and found consistent."""

    ids: tuple[TestId, ...] = ()
    together: dict[TestId, Result] = field(default_factory=dict)
    alone: dict[TestId, Result] = field(default_factory=dict)
    imported: frozenset[Arc] = frozenset()
    probe: Changed | None = None
    unmutated: Changed | None = None
    mutants: dict[int, Changed] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    broken: str = ""


def read(outcome: Outcome, expected: Sequence[TestId], *, together: bool = True) -> Report:
    """Check a run's records against each other and against the expected tests.

    Args:
        outcome: What the sandbox brought back.
        expected: The node ids of the draft's test functions in the order they were to run; one
            with parameters stands for all its "id[...]".
        together: Whether the tests were also to run one after the other in the main process.

    Raises:
        Doubtful: The records do not fit together, or the run did not come to its end.
        CouldNotRun: The sandbox or pytest itself did not start.
    """
    if outcome.ended == "not run":
        raise CouldNotRun(outcome.reason or "the sandbox did not start")
    records = list(_records(outcome.report))
    if not any(r["kind"] == "ready" for r in records):
        raise CouldNotRun("pytest did not start here: " + _last_words(outcome))
    if outcome.ended != "exit":
        raise Doubtful(f"the run did not end by itself ({outcome.ended})")
    _check_frame(records, outcome.returncode)
    try:
        report = _build(records)
        if not report.broken:
            _check_tests(records, report, expected, together)
        failed = bool(report.broken) or any(
            r["report"][2] == "failed" for r in records if r["kind"] == "report"
        )
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise Doubtful(f"a record is malformed ({type(error).__name__})") from error
    if outcome.returncode != int(failed):
        raise Doubtful(f"the exit code {outcome.returncode} does not follow from the records")
    return report


def _records(data: bytes) -> Iterator[Mapping[str, Any]]:
    for place, line in enumerate(data.splitlines()):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise Doubtful("a record is not JSON") from None
        if not isinstance(record, dict) or record.get("kind") not in _KINDS:
            raise Doubtful("a record of an unknown kind")
        if record.get("n") != place:
            raise Doubtful("the records are not numbered in order: one is missing or forged")
        yield record


def _check_frame(records: Sequence[Mapping[str, Any]], code: int | None) -> None:
    if records[-1]["kind"] != "end":
        raise Doubtful("the run ended before its last record")
    if records[-1].get("code") != code:
        raise Doubtful("the last record names another exit code")
    for kind in ("ready", "collected", "end"):
        if sum(r["kind"] == kind for r in records) != 1:
            raise Doubtful(f"there is not exactly one record {kind!r}")


def _build(records: Sequence[Mapping[str, Any]]) -> Report:
    report = Report()
    for record in records:
        kind = record["kind"]
        if kind == "broken" and not report.broken:
            report.broken = str(record["why"]) or "it could not be collected"
        elif kind == "collected":
            report.ids = tuple(map(str, record["ids"]))
        elif kind == "imported":
            report.imported = _arcs(record["arcs"])
        elif kind == "alone":
            if record["id"] in report.alone:
                raise Doubtful("a test reports twice that it ran alone")
            report.alone[record["id"]] = _alone(record)
        elif kind == "outside":
            report.outside = tuple(map(str, record["said"]))
        elif kind == "probe":
            report.probe = _changed(record)
        elif kind == "unmutated":
            report.unmutated = _changed(record)
        elif kind == "mutant":
            if record["mutant"] in report.mutants:
                raise Doubtful("a mutant reports twice")
            report.mutants[int(record["mutant"])] = _changed(record)
    return report


def _check_tests(
    records: Sequence[Mapping[str, Any]],
    report: Report,
    expected: Sequence[TestId],
    together: bool,
) -> None:
    if len(set(report.ids)) != len(report.ids):
        raise Doubtful("a test was collected twice")
    ranks = [rank(test, expected) for test in report.ids]
    missing = [test for place, test in enumerate(expected) if place not in ranks]
    if missing:
        raise Doubtful(f"pytest did not collect {', '.join(missing)}")
    if ranks != sorted(ranks):
        raise Doubtful("the tests ran in another order than asked for")
    said = [r["report"] for r in records if r["kind"] == "report"]
    if report.alone and set(report.alone) != set(report.ids):
        raise Doubtful("not every test ran alone")
    if together and all(result.passed for result in report.alone.values()):
        report.together = dict(_together(said, report.ids))
    elif said:
        raise Doubtful("tests reported that were not asked to run")


def rank(test: TestId, expected: Sequence[TestId]) -> int:
    """The place of a collected test among the expected ones.

    Raises:
        Doubtful: It is none of them.
    """
    for name in (test, test.split("[")[0]):
        if name in expected:
            return expected.index(name)
    raise Doubtful(f"an unexpected test ran: {test}")


def _together(
    said: Sequence[Sequence[str]], ids: Sequence[TestId]
) -> Iterator[tuple[TestId, Result]]:
    order = [test for test, _ in itertools.groupby(entry[0] for entry in said)]
    if order != list(ids):
        raise Doubtful("the tests' records are not there once each and in order")
    for test in ids:
        yield test, _result([entry for entry in said if entry[0] == test])


def _result(reports: Sequence[Sequence[str]], arcs: frozenset[Arc] = frozenset()) -> Result:
    """What the phases of one test amount to.

    Raises:
        Doubtful: A phase is missing or reported twice though nothing failed before it.
    """
    phases = [phase for _, phase, _, _ in reports]
    bad = [(phase, outcome, why) for _, phase, outcome, why in reports if outcome != "passed"]
    if bad:
        phase, outcome, why = bad[0]
        return Result(False, why or f"{outcome} in {phase}", arcs)
    if phases != _PHASES:
        raise Doubtful("a test does not report setup, call and teardown once each")
    return Result(True, "", arcs)


def _alone(record: Mapping[str, Any]) -> Result:
    if record["ended"] != "done":
        return Result(False, f"it did not come to its end ({record['ended']})")
    reports = record["reports"]
    if {entry[0] for entry in reports} != {record["id"]}:
        raise Doubtful("a test that ran alone reports for others")
    result = _result(reports, _arcs(record["arcs"]))
    compared = None
    if record.get("compared") and not result.passed:
        line, left, right = record["compared"]
        compared = Comparison(int(line), str(left), str(right))
    outside = tuple(map(str, record.get("outside", ())))
    return replace(result, seconds=float(record["seconds"]), compared=compared, outside=outside)


def _changed(record: Mapping[str, Any]) -> Changed:
    """Failures count only as pytest's own "failed" in setup or call."""
    by_test: dict[str, list[Sequence[str]]] = {}
    for entry in record["reports"]:
        by_test.setdefault(entry[0], []).append(entry)
    failed = {
        test
        for test, reports in by_test.items()
        if any(outcome == "failed" and phase != "teardown" for _, phase, outcome, _ in reports)
    }
    passed = {
        test
        for test, reports in by_test.items()
        if [entry[1] for entry in reports] == _PHASES
        and all(entry[2] == "passed" for entry in reports)
    }
    return Changed(
        str(record["ended"]),
        bool(record.get("applied", False)),
        frozenset(failed),
        frozenset(passed),
        float(record["seconds"]),
    )


def _arcs(pairs: Sequence[Sequence[int]]) -> frozenset[Arc]:
    return frozenset((int(first), int(second)) for first, second in pairs)


def _last_words(outcome: Outcome) -> str:
    lines = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"it ended with {outcome.returncode}"
