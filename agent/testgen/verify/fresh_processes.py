"""The rungs of fresh processes: other hash seeds, another order, at last other words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.records import TestId
from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.verify.equivalent_rewrite import rewrite_equivalently
from copydesk.agent.testgen.verify.run_report import InconsistentReport, Report
from copydesk.agent.testgen.verify.rungs import RungName
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
        self.reworded = {draft.target: rewrite_equivalently(draft.source, functions)}

    def first_failure(self) -> FreshFailure | None:
        """The first process in which the draft fails, or None when it passes in all.

        In the last of them the target does the same in other words; what fails only there hangs
        on the wording.

        Raises:
            CouldNotRun: See run_report.read_report.
        """
        last = max(self.repeats, 1)
        for turn in range(1, last + 1):
            seed = turn if self.repeats else 0
            order = self._order(seed)
            failures = self._failures(order, seed, self.reworded if turn == last else {})
            if not failures:
                continue
            if turn == last and not self._fails_in_same_words(order, seed):
                return _wording_failure(failures)
            summary = f"in fresh process {turn}: {failures.get('')}"
            tests = {name: why for name, why in failures.items() if name}
            return FreshFailure(RungName.REPEATS, tests, summary)
        return None

    def _order(self, seed: int) -> list[TestId]:
        order = list(self.ids)
        if seed:
            random.Random(seed).shuffle(order)
        return order

    def _fails_in_same_words(self, order: Sequence[TestId], seed: int) -> bool:
        return bool(self.repeats and self._failures(order, seed, {}))

    def _failures(
        self, order: Sequence[TestId], seed: int, files: Mapping[str, str]
    ) -> dict[str, str]:
        """Why which test functions failed in a fresh process, under "" what speaks of all."""
        orders: dict[str, object] = {}
        if self.seconds <= TWICE_SECONDS:
            orders = {"twice": True, "mutant_seconds": 2 + 5 * self.seconds}
        try:
            report, _ = self.draft.run(orders, order=order, seed=seed, files=files)
        except InconsistentReport as error:
            return {"": str(error)}
        if report.broken:
            return {"": report.broken}
        failures: dict[str, str] = {}
        if report.unmutated is not None and report.unmutated.ended == "done":
            for test in report.unmutated.failed:
                failures[self.draft.function_of(test)] = "it fails now and then"
        return failures | self.draft.failures(report.together)


def _function_name(test: TestId) -> str:
    """The test function of a node id, without its parameters."""
    return test.partition("::")[2].split("[")[0]


def _wording_failure(failures: Mapping[str, str]) -> FreshFailure:
    why = "it fails though the target does the same"
    tests = dict.fromkeys(filter(None, failures), why)
    summary = f"with the target in other words: {failures.get('')}"
    return FreshFailure(RungName.BEHAVIOUR, tests, summary)
