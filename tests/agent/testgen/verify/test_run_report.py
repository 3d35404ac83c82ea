from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.sandbox.records import Ended, Outcome, Tier
from copydesk.agent.testgen.verify.run_report import (
    CouldNotRun,
    InconsistentReport,
    Report,
    read_report,
)

A, B = "tests/t.py::test_a", "tests/t.py::test_b"
Record = dict[str, Any]


def phases(test: str, **bad: str) -> list[list[str]]:
    return [
        [test, when, bad.get(when, "passed"), "E no" if when in bad else ""]
        for when in ("setup", "call", "teardown")
    ]


def reported(*entries: list[str]) -> list[Record]:
    return [{"kind": "report", "report": entry} for entry in entries]


def frame(*inner: Record, ids: tuple[str, ...] = (A, B), code: int = 0) -> list[Record]:
    return [
        {"kind": "ready"},
        {"kind": "collected", "ids": list(ids)},
        *inner,
        {"kind": "end", "code": code},
    ]


def outcome(records: list[Record], code: int | None = 0, ended: Ended = "exit") -> Outcome:
    lines = [json.dumps({"n": n, **record}) for n, record in enumerate(records)]
    report = "".join(line + "\n" for line in lines).encode()
    return Outcome(ended, code, "the last\nwords\n\n", report, 0.1, Tier.OFF)


def told(records: list[Record], code: int | None = 0) -> Report:
    return read_report(outcome(records, code), [A, B])


GOOD = frame(*reported(*phases(A), *phases(B)))


def test_a_report_that_fits_together_is_believed() -> None:
    report = told(GOOD)
    assert report.ids == (A, B)
    assert all(result.passed for result in report.together.values())


def test_a_failure_is_told_with_its_reason() -> None:
    report = told(frame(*reported(*phases(A), *phases(B, call="failed")), code=1), 1)
    assert report.together[A].passed
    assert (report.together[B].passed, report.together[B].why) == (False, "E no")


def test_a_setup_that_fails_has_no_call() -> None:
    entries = [e for e in phases(B, setup="failed") if e[1] != "call"]
    assert not told(frame(*reported(*phases(A), *entries), code=1), 1).together[B].passed


def test_a_broken_collection_is_told() -> None:
    broken = {"kind": "broken", "id": A, "why": "E import"}
    assert told(frame(broken, ids=(), code=1), 1).broken == "E import"


def test_parameters_stand_for_their_test() -> None:
    ids = (A + "[1]", A + "[2]", B)
    entries = [entry for test in ids for entry in phases(test)]
    assert told(frame(*reported(*entries), ids=ids)).ids == ids


@pytest.mark.parametrize(
    ("records", "code", "odd"),
    [
        (GOOD[:-1], 0, "before its last record"),
        (GOOD, 1, "another exit code"),
        ([*GOOD[:-1], GOOD[0], GOOD[-1]], 0, "not exactly one record 'ready'"),
        ([GOOD[0], *GOOD[2:]], 0, "not exactly one record 'collected'"),
        (frame(*reported(*phases(A))), 0, "once each and in order"),
        (frame(*reported(*phases(B), *phases(A))), 0, "once each and in order"),
        (frame(*reported(*phases(A), *phases(B), *phases(A))), 0, "once each and in order"),
        (frame(*reported(*phases(A), *phases(B)[:2])), 0, "setup, call and teardown once"),
        (frame(*reported(*phases(A), *phases(B), phases(B)[1])), 0, "setup, call and teardown"),
        (frame(*reported(*phases(A), *phases(B, call="failed"))), 0, "does not follow"),
        (frame(*reported(*phases(A), *phases(B)), code=1), 1, "does not follow"),
        (frame(*reported(*phases(A)), ids=(A,)), 0, "did not collect tests/t.py::test_b"),
        (frame(*reported(*phases(B), *phases(A)), ids=(B, A)), 0, "in another order"),
        (frame(ids=(A, A, B)), 0, "collected twice"),
        (frame(ids=(A, B, "tests/t.py::test_c")), 0, "an unexpected test"),
        ([{"kind": "ready"}, {"kind": "surprise"}], 0, "unknown kind"),
        ([{"kind": "ready"}, {"kind": ["ready"]}], 0, "unknown kind"),
        (frame({"kind": "report", "report": []}), 0, "malformed"),
        (frame({"kind": "alone", "id": A}), 0, "malformed"),
        (frame({"kind": "mutant", "mutant": 0, "ended": "done", "reports": [[1]]}), 0, "malformed"),
    ],
)
def test_what_does_not_fit_is_doubted(records: list[Record], code: int, odd: str) -> None:
    with pytest.raises(InconsistentReport, match=odd):
        told(records, code)


def alone(test: str, **fields: Any) -> Record:
    whole = {"ended": "done", "arcs": [[1, 2]], "seconds": 0.5, "reports": phases(test)}
    return {"kind": "alone", "id": test, **whole, **fields}


def test_tests_alone_carry_their_arcs_and_seconds() -> None:
    report = told(frame(alone(A), alone(B), *reported(*phases(A), *phases(B))))
    assert report.alone[A].arcs == {(1, 2)}
    assert report.alone[B].seconds == 0.5


def test_after_a_failure_alone_nothing_else_is_expected() -> None:
    report = told(frame(alone(A), alone(B, ended="timeout", reports=[])))
    assert report.alone[B].why == "it did not come to its end (timeout)"
    with pytest.raises(InconsistentReport, match="once each"):
        told(frame(alone(A), alone(B)))


@pytest.mark.parametrize(
    ("records", "odd"),
    [
        ([alone(A), alone(A)], "twice that it ran alone"),
        ([alone(A)], "not every test ran alone"),
        ([alone(A), alone(B, reports=phases(A))], "reports for others"),
        ([alone(A), alone(B, reports=[])], "reports for others"),
    ],
)
def test_odd_claims_of_running_alone_are_doubted(records: list[Record], odd: str) -> None:
    with pytest.raises(InconsistentReport, match=odd):
        told(frame(*records, *reported(*phases(A), *phases(B))))


def mutant(place: int, *reports: list[str], **fields: Any) -> Record:
    whole = {"ended": "done", "seconds": 0.1, "reports": list(reports)}
    return {"kind": "mutant", "mutant": place, **whole, **fields}


def test_a_mutant_is_killed_by_failures_of_setup_and_call_only() -> None:
    report = told(
        frame(
            mutant(0, *phases(A, call="failed"), *phases(B)),
            mutant(1, *phases(A, teardown="failed"), *phases(B, call="skipped")),
            mutant(2, ended="broken"),
            *reported(*phases(A), *phases(B)),
        )
    )
    assert report.mutants[0].failed == {A}
    assert report.mutants[0].passed == {B}
    assert report.mutants[1].failed == report.mutants[1].passed == frozenset()
    assert report.mutants[2].ended == "broken"


def test_odd_mutants_are_doubted() -> None:
    with pytest.raises(InconsistentReport, match="a mutant reports twice"):
        told(frame(mutant(0), mutant(0)))


def test_other_runs_are_told() -> None:
    changed = {"ended": "done", "seconds": 0.1, "reports": phases(A)}
    report = told(
        frame(
            {"kind": "imported", "arcs": [[1, 2]]},
            {"kind": "probe", **changed},
            {"kind": "versions", "collecting": 0.25},
            {"kind": "unmutated", **changed},
            {"kind": "reworded", **changed},
            {"kind": "silent", "silent": 1, **changed},
            *reported(*phases(A), *phases(B)),
        )
    )
    assert report.imported == {(1, 2)}
    assert report.probe is not None
    assert report.unmutated is not None
    assert report.reworded is not None
    assert report.silent[1].passed == {A}
    assert report.collecting == 0.25


@pytest.mark.parametrize(
    ("why", "by_assertion"),
    [
        ("E   assert None == 1\n     +  where None = f()", True),
        ("E   AssertionError: None != 2", True),
        ("E   Failed: DID NOT RAISE ValueError", True),
        ("E   TypeError: unsupported", False),
        ("E   AssertionError: x\n\nDuring handling\nE   KeyError: 'a'", False),
        ("", False),
    ],
)
def test_a_failure_by_an_assertion_is_told_from_an_error(why: str, by_assertion: bool) -> None:
    phase = [A, "call", "failed", why]
    report = told(frame(mutant(0, phase), *reported(*phases(A), *phases(B))))
    assert report.mutants[0].failed == {A}
    assert report.mutants[0].asserted == ({A} if by_assertion else set())


def test_numbers_with_a_hole_are_doubted() -> None:
    good = outcome(GOOD)
    lines = good.report.splitlines()
    for broken in (lines[:2] + lines[3:], lines + lines[-1:], [*lines[:2], b"{", *lines[2:]]):
        with pytest.raises(InconsistentReport):
            read_report(Outcome("exit", 0, "", b"\n".join(broken), 0.1, Tier.OFF), [A, B])


@pytest.mark.parametrize("ended", ["timeout", "memory", "output"])
def test_a_run_that_was_ended_is_doubted(ended: Ended) -> None:
    with pytest.raises(InconsistentReport, match=ended):
        read_report(outcome(GOOD, None, ended), [A, B])


def test_what_never_started_could_not_run() -> None:
    with pytest.raises(CouldNotRun, match="no guard"):
        read_report(Outcome("not run", None, "", b"", 0.0, Tier.NONE, "no guard"), [A])
    with pytest.raises(CouldNotRun, match="did not start"):
        read_report(Outcome("not run", None, "", b"", 0.0, Tier.NONE), [A])
    with pytest.raises(CouldNotRun, match="pytest did not start here: words"):
        read_report(outcome([], 4), [A])
    with pytest.raises(CouldNotRun, match="it ended with 4"):
        read_report(Outcome("exit", 4, "", b"", 0.0, Tier.OFF), [A])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["ids", "id", "report", "reports", "why", "code", "arcs", "mutant", "ended", "seconds"]
)
KINDS = st.sampled_from(
    ["ready", "collected", "alone", "probe", "mutant", "report", "broken", "imported", "end"]
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(KINDS, st.dictionaries(KEYS, JSON)).map(lambda p: {"kind": p[0], **p[1]}),
        max_size=6,
    ),
    st.integers(0, 6),
)
def test_no_report_whatever_is_believed_by_accident(records: list[Record], place: int) -> None:
    mixed = [*GOOD[:place], *records, *GOOD[place:]]
    try:
        report = told(mixed)
    except (InconsistentReport, CouldNotRun):
        return
    assert report.ids == (A, B)
