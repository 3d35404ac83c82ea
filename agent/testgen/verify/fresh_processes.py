"""The rungs of fresh processes: other hash seeds, another order, at last other words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.records import TestId
from copydesk.agent.sandboxed.copydesk_tools.elsewhere import PLACES
from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.verify.equivalent_rewrite import rewrite_equivalently
from copydesk.agent.testgen.verify.other_places import OtherPlace, other_place
from copydesk.agent.testgen.verify.run_report import InconsistentReport, Report
from copydesk.agent.testgen.verify.rungs import RungName, telling_line
from copydesk.agent.testgen.verify.test_run import DraftUnderTest

TWICE_SECONDS = 2.0
"""Tests that together take no longer pass twice in each process: first in a copy of it."""


class FreshFailure(NamedTuple):
    """A rung that was not passed: why which tests failed, and why they did as a whole."""

    rung: RungName
    tests: dict[str, str]
    summary: str


class FreshProcesses:
    """Runs a draft that passed once in fresh processes on fresh copies of the tree.

    The first is at the usual place, the next two are elsewhere, and in the last of all the target
    does the same in other words.

    Args:
        draft: The draft.
        report: Its first run, which may have held further tests.
        functions: The target's definitions.
        repeats: How many processes; with 0 only the one of the other words, in the first order.
    """

    def __init__(
        self, draft: DraftUnderTest, report: Report, functions: Sequence[Function], repeats: int
    ) -> None:
        self.draft = draft
        self.repeats = repeats
        self.ids = [test for test in report.ids if _function_name(test) in draft.tests]
        self.seconds = sum(report.alone[test].seconds for test in self.ids)
        variables = dict.fromkeys(
            name for test in self.ids for name in report.alone[test].variables
        )
        self.variables = list(variables)
        self.reworded = {draft.target: rewrite_equivalently(draft.source, functions)}

    def first_failure(self) -> FreshFailure | None:
        """The first process in which the draft fails, or None when it passes in all.

        What fails elsewhere and passes at the usual place hangs on the place; what fails with the
        target in other words only, on the wording.

        Raises:
            CouldNotRun: See run_report.read_report.
        """
        last = max(self.repeats, 1)
        for turn in range(1, last + 1):
            process = _Process(
                seed=turn if self.repeats else 0,
                files=self.reworded if turn == last else {},
                place=other_place(turn - 1) if 1 < turn <= 1 + len(PLACES) else None,
            )
            failures = self._failures(process)
            if failures:
                failure = self._explained(turn, process, failures)
                if failure is not None:
                    return failure
        return None

    def _explained(
        self, turn: int, process: _Process, failures: dict[str, str]
    ) -> FreshFailure | None:
        """What a failure hangs on; None where that is only where the tree stands, which an
        editable install may name.
        """
        if process.place is not None:
            here = self._failures(process._replace(place=None))
            if not here:
                return self._place_failure(process, process.place, failures)
            failures = here
        if process.files and not self._fails_in_same_words(process):
            return _wording_failure(failures)
        summary = f"in fresh process {turn}: {failures.get('')}"
        tests = {name: why for name, why in failures.items() if name}
        return FreshFailure(RungName.REPEATS, tests, summary)

    def _place_failure(
        self, process: _Process, place: OtherPlace, failures: dict[str, str]
    ) -> FreshFailure | None:
        if set(failures) == {""}:  # nothing could be imported
            failures = self._failures(process._replace(place=place.at_the_usual_folder()))
        if not failures:
            return None
        tests = {
            name: f"it hangs on where it runs: {telling_line(why)}"
            for name, why in failures.items()
            if name
        }
        return FreshFailure(RungName.ELSEWHERE, tests, f"elsewhere: {failures.get('')}")

    def _order(self, seed: int) -> list[TestId]:
        order = list(self.ids)
        if seed:
            random.Random(seed).shuffle(order)
        return order

    def _fails_in_same_words(self, process: _Process) -> bool:
        return bool(self.repeats and self._failures(process._replace(files={}, place=None)))

    def _failures(self, process: _Process) -> dict[str, str]:
        """Why which test functions failed in a fresh process, under "" what speaks of all."""
        orders: dict[str, object] = {}
        if self.seconds <= TWICE_SECONDS:
            orders = {"twice": True, "mutant_seconds": 2 + 5 * self.seconds}
            if process.place is not None:
                orders["variables"] = self.variables
        try:
            report, _ = self.draft.run(
                orders,
                order=self._order(process.seed),
                seed=process.seed,
                files=process.files,
                place=process.place,
            )
        except InconsistentReport as error:
            return {"": str(error)}
        if report.broken:
            return {"": report.broken}
        return self._forked_failures(report) | self.draft.failures(report.together)

    def _forked_failures(self, report: Report) -> dict[str, str]:
        """Why which test functions failed in copies of the process."""
        failures: dict[str, str] = {}
        if report.another_day is not None and report.another_day.ended == "done":
            cleared = report.same_day.failed if report.same_day else frozenset()
            for test in report.another_day.failed - cleared:
                failures[self.draft.function_of(test)] = "it fails on another day"
        if report.unmutated is not None and report.unmutated.ended == "done":
            for test in report.unmutated.failed:
                failures[self.draft.function_of(test)] = "it fails now and then"
        return failures


class _Process(NamedTuple):
    """A fresh process: its hash seed, the files laid over the tree, and where it runs."""

    seed: int
    files: Mapping[str, str]
    place: OtherPlace | None


def _function_name(test: TestId) -> str:
    """The test function of a node id, without its parameters."""
    return test.partition("::")[2].split("[")[0]


def _wording_failure(failures: Mapping[str, str]) -> FreshFailure:
    why = "it fails though the target does the same"
    tests = dict.fromkeys(filter(None, failures), why)
    summary = f"with the target in other words: {failures.get('')}"
    return FreshFailure(RungName.BEHAVIOUR, tests, summary)
