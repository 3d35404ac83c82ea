"""The rungs of fresh processes: other hash seeds, another order, other places, and in each of them
the target as it is, in other words, and wrong.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.records import TestId
from copydesk.agent.sandboxed.copydesk_tools.elsewhere import PLACES
from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.verify.equivalent_rewrite import rewrite_equivalently
from copydesk.agent.testgen.verify.mutants import Mutant, mutate
from copydesk.agent.testgen.verify.mutation_check import MutationScore, orders_of_a_process
from copydesk.agent.testgen.verify.other_places import OtherPlace, other_place
from copydesk.agent.testgen.verify.run_report import InconsistentReport, Report, VariantResult
from copydesk.agent.testgen.verify.rungs import RungName, telling_line
from copydesk.agent.testgen.verify.silent_target import muffled, with_silence
from copydesk.agent.testgen.verify.test_run import DraftUnderTest

QUICK_SECONDS = 2.0
"""Tests that together take no longer meet every version of the target in each process."""

MOST_MUFFLED = 3
"""Mutants that a test which goes by errors meets without their errors."""

_NOW_AND_THEN = "it fails now and then"
_FOR_THE_WORDS = "it fails though the target does the same"
_NO_PASS = {"broken": "it could not be collected", "lost": "it ended early"}


class Noticed(NamedTuple):
    """What a first run has shown: the mutants that were noticed, and the tests that did not notice
    a target that does nothing.
    """

    score: MutationScore
    unmoved: tuple[str, ...] = ()


class FreshFailure(NamedTuple):
    """A rung that was not passed: why which tests failed, and why they did as a whole."""

    rung: RungName
    tests: dict[str, str]
    summary: str


class FreshProcesses:
    """Runs a draft that passed once in fresh processes on fresh copies of the tree.

    The first is at the usual place, the next two are elsewhere. In the first and the last it meets
    the target as it is, the target in other words, and a mutant that it noticed before, in an order
    that chance decides: a draft that goes by the hash seed or the place gains nothing. A test that
    passed though the target did nothing has to assert something in the first that is not so when
    the target does nothing and its answer is true, or errs without a word: else it goes by errors.

    `asked` is what it did there that a human is to be asked about.

    Args:
        draft: The draft.
        report: Its first run, which may have held further tests.
        functions: The target's definitions.
        repeats: How many processes; with 0 only one, in the first order.
        noticed: What the first run has shown.
    """

    def __init__(
        self,
        draft: DraftUnderTest,
        report: Report,
        functions: Sequence[Function],
        repeats: int,
        noticed: Noticed,
    ) -> None:
        self.draft = draft
        self.report = report
        self.repeats = repeats
        self.functions = functions
        self.noticed = noticed.score.noticed_by(report, draft.tests)
        self.kills, self.mutants = noticed.score.kills, noticed.score.noticed
        self.unmoved = set(noticed.unmoved)
        self.ids = [test for test in report.ids if _function_name(test) in draft.tests]
        self.quick = sum(report.alone[test].seconds for test in self.ids) <= QUICK_SECONDS
        variables = dict.fromkeys(
            name for test in self.ids for name in report.alone[test].variables
        )
        self.variables = list(variables)
        self.reworded = rewrite_equivalently(draft.source, functions)
        self.missed: Mutant | None = None
        self.asked: set[str] = set()

    def first_failure(self) -> FreshFailure | None:
        """The first process in which the draft fails, or None when it passes in all.

        What fails elsewhere and passes at the usual place hangs on the place; what failed with the
        target in other words in the first run already hangs on the wording, and by chance where it
        passed there.

        Raises:
            CouldNotRun: See run_report.read_report.
        """
        failures = self._failures_against(self.report.reworded, _FOR_THE_WORDS)
        if failures:
            return _failure(RungName.BEHAVIOUR, failures, "with the target in other words")
        last = max(self.repeats, 1)
        for turn in range(1, last + 1):
            process = _Process(
                turn=turn,
                seed=turn if self.repeats else 0,
                is_last=turn == last,
                place=other_place(turn - 1) if 1 < turn <= 1 + len(PLACES) else None,
            )
            failures = self._failures(process)
            if failures:
                failure = self._explained(process, failures)
                if failure is not None:
                    return failure
            if self.missed is not None:
                why = "in a fresh process it misses a mutant that it noticed before"
                summary = f"{why} ({self.missed.description})"
                return FreshFailure(RungName.REPEATS, {}, summary)
            if self.unmoved:
                why = "it notices no more than that the target raises"
                return FreshFailure(RungName.DEPENDS, dict.fromkeys(sorted(self.unmoved), why), "")
        return None

    def _explained(self, process: _Process, failures: dict[str, str]) -> FreshFailure | None:
        """What a failure hangs on; None where that is only where the tree stands, which an
        editable install may name.
        """
        if process.place is not None:
            here = self._failures(process._replace(place=None))
            if not here:
                return self._place_failure(process, process.place, failures)
            failures = here
        return _failure(RungName.REPEATS, failures, f"in fresh process {process.turn}")

    def _place_failure(
        self, process: _Process, place: OtherPlace, failures: dict[str, str]
    ) -> FreshFailure | None:
        if set(failures) == {""}:  # nothing could be imported
            failures = self._failures(process._replace(place=place.at_the_usual_folder()))
        if not failures:
            return None
        because = {
            name: f"it hangs on where it runs: {telling_line(why)}" if name else why
            for name, why in failures.items()
        }
        return _failure(RungName.ELSEWHERE, because, "elsewhere")

    # -- one process

    def _failures(self, process: _Process) -> dict[str, str]:
        """Why which test functions failed in a process, under "" what speaks of all."""
        try:
            report, _ = self.draft.run(
                self._orders(process),
                order=self._order(process.seed),
                seed=process.seed,
                place=process.place,
            )
        except InconsistentReport as error:
            return {"": str(error)}
        if report.broken:
            return {"": report.broken}
        self.asked |= report.asked
        self._count(process, report.mutants.get(0))
        for result in report.silent.values():
            self.unmoved -= {self.draft.function_of(test) for test in result.asserted}
        return {
            **self._another_day(report),
            **self._failures_against(report.otherwise, _NOW_AND_THEN),
            **self._failures_against(report.reworded, _NOW_AND_THEN),
            **self.draft.failures(report.together),
        }

    def _orders(self, process: _Process) -> dict[str, object]:
        """What the process tries: everything where that is quick, else as much as is needed."""
        versions: dict[str, str | None] = {}
        if process.is_last or (self.quick and process.place is None):
            versions["reworded"] = self.reworded
        mutant = self._mutant(process)
        mutants = [mutant] if mutant else []
        orders = orders_of_a_process(self.draft, self.report, mutants, versions)
        if process.turn == 1:
            orders["silent"] = list(self._without_errors())
        if process.place is not None:
            orders["variables"] = self.variables
            if self.quick:
                orders["manners"] = ["otherwise, another day"]
        return orders

    def _mutant(self, process: _Process) -> Mutant | None:
        """The mutant that a process tries, which was noticed before."""
        if self.noticed and (process.turn == 1 or (self.quick and process.is_last)):
            return self.noticed[(process.turn - 1) % len(self.noticed)]
        return None

    def _without_errors(self) -> Iterator[str]:
        """Versions that raise nothing, for the tests that may go by errors only."""
        if not self.unmoved:
            return
        source = self.draft.source
        yield with_silence(source, self.functions, truth=True)
        numbers: set[int] = set()
        for test in self.ids:
            if _function_name(test) in self.unmoved:
                numbers |= self.kills.get(test, set())
        lines = [function.lineno for function in self.functions]
        for number in sorted(numbers)[:MOST_MUFFLED]:
            yield muffled(mutate(source, self.mutants[number]), lines)

    def _order(self, seed: int) -> list[TestId]:
        order = list(self.ids)
        if seed:
            random.Random(seed).shuffle(order)
        return order

    def _count(self, process: _Process, result: VariantResult | None) -> None:
        """Note whether a mutant that was noticed before is noticed again."""
        if result is not None and result.ended == "done" and not result.failed:
            self.missed = self._mutant(process)

    def _another_day(self, report: Report) -> dict[str, str]:
        """Why which test functions failed on another day, but not for the stand-in clock."""
        if report.another_day is None or report.another_day.ended != "done":
            return {}
        cleared = report.same_day.failed if report.same_day else frozenset()
        failed = report.another_day.failed - cleared
        return {self.draft.function_of(test): "it fails on another day" for test in failed}

    def _failures_against(self, result: VariantResult | None, why: str) -> dict[str, str]:
        """Why which test functions failed against a version that they should pass."""
        if result is None or result.ended == "timeout":
            return {}
        if result.ended != "done":
            return {"": f"{why}: {_NO_PASS.get(result.ended, result.ended)}"}
        failed = [test for test in self.ids if test not in result.passed]
        return {self.draft.function_of(test): why for test in failed}


class _Process(NamedTuple):
    """A fresh process: its number, its hash seed, whether it is the last, and where it runs."""

    turn: int
    seed: int
    is_last: bool
    place: OtherPlace | None


def _failure(rung: RungName, failures: dict[str, str], summary: str) -> FreshFailure:
    tests = {name: why for name, why in failures.items() if name}
    return FreshFailure(rung, tests, f"{summary}: {failures.get('')}")


def _function_name(test: TestId) -> str:
    """The test function of a node id, without its parameters."""
    return test.partition("::")[2].split("[")[0]
