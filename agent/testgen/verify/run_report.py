"""Reads what the sandboxed pytest says about a draft, and believes only what fits together.

The tested code runs in the process that writes the report, so a report is a claim: it counts
when every expected test reports each phase once and in order, the records are numbered without
a hole, the last one is there and its code is the exit code and follows from the records.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from copydesk.agent.records import Arc, TestId
from copydesk.agent.sandbox.records import Outcome

_Record: TypeAlias = Mapping[str, Any]
_PHASES = ["setup", "call", "teardown"]
_KINDS = frozenset(
    {"ready", "imported", "broken", "collected", "alone", "report", "outside"}
    | {"versions", "unmutated", "reworded", "probe", "silent", "mutant"}
    | {"otherwise, another day", "otherwise", "another day", "same day", "end"}
)


class InconsistentReport(Exception):
    """The report does not fit together; the draft's run proves nothing. Says what is odd.

    `mutated` is True where the run had come to other versions of the target.
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

    `outside` is what it reached for outside of the project, in words, and `variables` what it
    read of the environment.
    """

    passed: bool
    why: str = ""
    arcs: frozenset[Arc] = frozenset()
    seconds: float = 0.0
    compared: Comparison | None = None
    outside: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariantResult:
    """How the tests went against one version of the target: a mutant, one that raises, one that
    does nothing, one that does the same in other words, or the target as it is once more.

    `failed` holds the tests that failed by an assertion or an exception, `asserted` those that did
    so by an assertion; `ended` is "done", "broken" (the tests could not be collected), "timeout"
    or "lost".
    """

    ended: str
    failed: frozenset[TestId] = frozenset()
    passed: frozenset[TestId] = frozenset()
    seconds: float = 0.0
    asserted: frozenset[TestId] = frozenset()


@dataclass(slots=True)
class Report:
    """One run of a draft, as it was reported and found consistent.

    Attributes:
        ids: The collected tests, in order.
        together: How each test went in the company of the others.
        alone: How each test went by itself.
        imported: The arcs of the target that ran when the draft was imported.
        collecting: Seconds until pytest came to the tests.
        probe: How the tests went against a target that raises.
        unmutated: How they went against the target as it is, once more.
        reworded: How they went against a target that does the same in other words.
        otherwise: How they went when pytest was started in another way.
        another_day: How they went years before or after.
        same_day: How they went with the clock that tells another day, set to this one.
        mutants: How they went against each mutant, by its number.
        silent: How they went against each version that raises nothing, by its number.
        outside: What the tests together reached for outside of the project, in words.
        asked: What they did in any run that a human is to be asked about, in words.
        broken: Why the draft could not be collected, or "".
    """

    ids: tuple[TestId, ...] = ()
    together: dict[TestId, Result] = field(default_factory=dict)
    alone: dict[TestId, Result] = field(default_factory=dict)
    imported: frozenset[Arc] = frozenset()
    collecting: float = 0.0
    probe: VariantResult | None = None
    unmutated: VariantResult | None = None
    reworded: VariantResult | None = None
    otherwise: VariantResult | None = None
    another_day: VariantResult | None = None
    same_day: VariantResult | None = None
    mutants: dict[int, VariantResult] = field(default_factory=dict)
    silent: dict[int, VariantResult] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    broken: str = ""


def read_report(outcome: Outcome, expected: Sequence[TestId]) -> Report:
    """Check a run's records against each other and against the expected tests.

    Args:
        outcome: What the sandbox brought back.
        expected: The node ids of the draft's test functions in the order they were to run; one
            with parameters stands for all its "id[...]".

    Raises:
        InconsistentReport: The records do not fit together, or the run did not come to its end.
        CouldNotRun: The sandbox or pytest itself did not start.
    """
    if outcome.ended == "not run":
        raise CouldNotRun(outcome.reason or "the sandbox did not start")
    records = list(_records(outcome.report))
    if not any(record["kind"] == "ready" for record in records):
        raise CouldNotRun("pytest did not start here: " + _last_output_line(outcome))
    if outcome.ended != "exit":
        raise InconsistentReport(f"the run did not end by itself ({outcome.ended})")
    _check_frame(records, outcome.returncode)
    try:
        report = _build(records)
        if not report.broken:
            _check_tests(records, report, expected)
        exit_code = int(bool(report.broken) or _has_failure(records))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InconsistentReport(f"a record is malformed ({type(error).__name__})") from error
    if outcome.returncode != exit_code:
        raise InconsistentReport(
            f"the exit code {outcome.returncode} does not follow from the records"
        )
    return report


def _records(data: bytes) -> Iterator[_Record]:
    """The records of a report, which are JSON, one a line, of a known kind and numbered."""
    for number, line in enumerate(io.BytesIO(data)):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise InconsistentReport("a record is not JSON") from None
        kind = record.get("kind") if isinstance(record, dict) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            raise InconsistentReport("a record of an unknown kind")
        if record.get("n") != number:
            raise InconsistentReport(
                "the records are not numbered in order: one is missing or forged"
            )
        yield record


def _check_frame(records: Sequence[_Record], code: int | None) -> None:
    """Check the beginning and the end of a report against the exit code."""
    if records[-1]["kind"] != "end":
        raise InconsistentReport("the run ended before its last record")
    if records[-1].get("code") != code:
        raise InconsistentReport("the last record names another exit code")
    kinds = [record["kind"] for record in records]
    for kind in ("ready", "collected", "end"):
        if kinds.count(kind) != 1:
            raise InconsistentReport(f"there is not exactly one record {kind!r}")


def _has_failure(records: Sequence[_Record]) -> bool:
    """Whether a phase of a test failed in the main process."""
    return any(entry[2] == "failed" for entry in _phase_entries(records))


def _phase_entries(records: Sequence[_Record]) -> list[Sequence[str]]:
    """Test, phase, outcome and reason of each phase that the main process reported."""
    return [record["report"] for record in records if record["kind"] == "report"]


# -- from records to a report


def _build(records: Sequence[_Record]) -> Report:
    report = Report()
    for record in records:
        report.asked |= frozenset(map(str, record.get("asked", ())))
        take = _TAKERS.get(record["kind"])
        if take is not None:
            take(report, record)
    return report


def _take_broken(report: Report, record: _Record) -> None:
    report.broken = report.broken or str(record["why"]) or "it could not be collected"


def _take_collected(report: Report, record: _Record) -> None:
    report.ids = tuple(map(str, record["ids"]))


def _take_imported(report: Report, record: _Record) -> None:
    report.imported = _arcs(record["arcs"])


def _take_alone(report: Report, record: _Record) -> None:
    if record["id"] in report.alone:
        raise InconsistentReport("a test reports twice that it ran alone")
    report.alone[record["id"]] = _alone(record)


def _take_outside(report: Report, record: _Record) -> None:
    report.outside = tuple(map(str, record["said"]))


def _take_versions(report: Report, record: _Record) -> None:
    report.collecting = float(record["collecting"])


def _take_reworded(report: Report, record: _Record) -> None:
    report.reworded = _variant(record)


def _take_probe(report: Report, record: _Record) -> None:
    report.probe = _variant(record)


def _take_unmutated(report: Report, record: _Record) -> None:
    report.unmutated = _variant(record)


def _take_otherwise(report: Report, record: _Record) -> None:
    report.otherwise = _variant(record)


def _take_another_day(report: Report, record: _Record) -> None:
    report.another_day = _variant(record)


def _take_same_day(report: Report, record: _Record) -> None:
    report.same_day = _variant(record)


def _take_mutant(report: Report, record: _Record) -> None:
    if record["mutant"] in report.mutants:
        raise InconsistentReport("a mutant reports twice")
    report.mutants[int(record["mutant"])] = _variant(record)


def _take_silent(report: Report, record: _Record) -> None:
    report.silent[int(record["silent"])] = _variant(record)


_TAKERS: dict[str, Callable[[Report, _Record], None]] = {
    "broken": _take_broken,
    "collected": _take_collected,
    "imported": _take_imported,
    "alone": _take_alone,
    "outside": _take_outside,
    "versions": _take_versions,
    "reworded": _take_reworded,
    "probe": _take_probe,
    "unmutated": _take_unmutated,
    "otherwise": _take_otherwise,
    "another day": _take_another_day,
    "same day": _take_same_day,
    "mutant": _take_mutant,
    "silent": _take_silent,
}


def _alone(record: _Record) -> Result:
    """How a test went that ran by itself."""
    if record["ended"] != "done":
        return Result(False, f"it did not come to its end ({record['ended']})")
    entries = record["reports"]
    if {entry[0] for entry in entries} != {record["id"]}:
        raise InconsistentReport("a test that ran alone reports for others")
    result = _result(entries, _arcs(record["arcs"]))
    compared = None
    if record.get("compared") and not result.passed:
        line, left, right = record["compared"]
        compared = Comparison(int(line), str(left), str(right))
    outside = tuple(map(str, record.get("outside", ())))
    return replace(
        result,
        seconds=float(record["seconds"]),
        compared=compared,
        outside=outside,
        variables=tuple(map(str, record.get("variables", ()))),
    )


def _variant(record: _Record) -> VariantResult:
    """How the tests went against a version of the target."""
    by_test: dict[str, list[Sequence[str]]] = {}
    for entry in record["reports"]:
        by_test.setdefault(entry[0], []).append(entry)
    return VariantResult(
        str(record["ended"]),
        frozenset(test for test, entries in by_test.items() if _failed(entries)),
        frozenset(test for test, entries in by_test.items() if _passed(entries)),
        float(record["seconds"]),
        frozenset(test for test, entries in by_test.items() if _failed(entries, _is_assertion)),
    )


def _failed(
    entries: Sequence[Sequence[str]], counts: Callable[[str], bool] = lambda why: True
) -> bool:
    """Whether a test failed: only pytest's own "failed" in setup or call counts."""
    return any(
        outcome == "failed" and phase != "teardown" and counts(why)
        for _, phase, outcome, why in entries
    )


def _is_assertion(why: str) -> bool:
    """Whether a failure in pytest's words is one of an assertion, `pytest.raises` among them."""
    errors = [line[1:].strip() for line in why.split("\n") if line.startswith("E   ")]
    last = [error for error in errors if error][-1:]
    return bool(last) and last[0].startswith(("assert ", "AssertionError", "Failed: "))


def _passed(entries: Sequence[Sequence[str]]) -> bool:
    """Whether a test passed in all its phases."""
    phases = [entry[1] for entry in entries]
    return phases == _PHASES and all(entry[2] == "passed" for entry in entries)


def _arcs(pairs: Sequence[Sequence[int]]) -> frozenset[Arc]:
    return frozenset((int(first), int(second)) for first, second in pairs)


# -- the tests against the expected ones


def _check_tests(
    records: Sequence[_Record],
    report: Report,
    expected: Sequence[TestId],
) -> None:
    """Check which tests ran and in which order, and fill in how they went together."""
    _check_order(report.ids, expected)
    entries = _phase_entries(records)
    if report.alone and set(report.alone) != set(report.ids):
        raise InconsistentReport("not every test ran alone")
    if all(result.passed for result in report.alone.values()):
        report.together = dict(_together(entries, report.ids))
    elif entries:
        raise InconsistentReport("tests reported that were not asked to run")


def _check_order(ids: Sequence[TestId], expected: Sequence[TestId]) -> None:
    """Check that just the expected tests were collected, once each and in order."""
    if len(set(ids)) != len(ids):
        raise InconsistentReport("a test was collected twice")
    positions = [position(test, expected) for test in ids]
    missing = [test for index, test in enumerate(expected) if index not in positions]
    if missing:
        raise InconsistentReport(f"pytest did not collect {', '.join(missing)}")
    if positions != sorted(positions):
        raise InconsistentReport("the tests ran in another order than asked for")


def position(test: TestId, expected: Sequence[TestId]) -> int:
    """The place of a collected test among the expected ones.

    Raises:
        InconsistentReport: It is none of them.
    """
    for name in (test, test.split("[")[0]):
        if name in expected:
            return expected.index(name)
    raise InconsistentReport(f"an unexpected test ran: {test}")


def _together(
    entries: Sequence[Sequence[str]], ids: Sequence[TestId]
) -> Iterator[tuple[TestId, Result]]:
    order = [test for test, _ in itertools.groupby(entry[0] for entry in entries)]
    if order != list(ids):
        raise InconsistentReport("the tests' records are not there once each and in order")
    for test in ids:
        yield test, _result([entry for entry in entries if entry[0] == test])


def _result(entries: Sequence[Sequence[str]], arcs: frozenset[Arc] = frozenset()) -> Result:
    """What the phases of one test amount to.

    Raises:
        InconsistentReport: A phase is missing or reported twice though nothing failed before it.
    """
    phases = [phase for _, phase, _, _ in entries]
    for _, phase, outcome, why in entries:
        if outcome != "passed":
            return Result(False, why or f"{outcome} in {phase}", arcs)
    if phases != _PHASES:
        raise InconsistentReport("a test does not report setup, call and teardown once each")
    return Result(True, "", arcs)


def _last_output_line(outcome: Outcome) -> str:
    for line in reversed(outcome.output.split("\n")):
        if line.strip():
            return line.strip()[:300]
    return f"it ended with {outcome.returncode}"
