"""The rung of the mutants: which of its target's a draft notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.agent.records import Gap, LineNo, TestId
from copydesk.agent.testgen.project import Function, target_functions
from copydesk.agent.testgen.verify.lines_reached import ReachedLines
from copydesk.agent.testgen.verify.mutants import Mutant, choose, mutate, sites
from copydesk.agent.testgen.verify.run_report import InconsistentReport, Report, VariantResult
from copydesk.agent.testgen.verify.test_run import DraftUnderTest
from copydesk.agent.text import plural

MOST = 24
"""Mutants of one draft: more say little more, and each costs a run of the tests."""

MOST_IN_FRESH_PROCESSES = 4
"""Mutants that need a process of their own: the target's module runs its code only once."""

BUDGET_SECONDS = 20.0

QUICK_SECONDS = 4.0
"""Tests that take longer, each alone, meet the mutants in a run of their own."""


@dataclass(slots=True)
class MutationScore:
    """What became of the mutants; those that ran too long, died or never ran do not count.

    Attributes:
        killed: How many a test noticed.
        survivors: Those that none noticed, in words.
        kills: The numbers of the mutants that each test noticed.
        too_long: How many ran into the time limit.
        died: How many ended the process.
        chosen: How many were to be tried.
    """

    killed: int = 0
    survivors: list[str] = field(default_factory=list)
    kills: dict[TestId, set[int]] = field(default_factory=dict)
    too_long: int = 0
    died: int = 0
    chosen: int = 0

    @property
    def total(self) -> int:
        """How many mutants have a verdict."""
        return self.killed + len(self.survivors)

    @property
    def notes(self) -> list[str]:
        """What an editor should know beside the figures."""
        notes = []
        if self.too_long:
            notes.append(f"{plural(self.too_long, 'mutant')} ran too long and do not count")
        if self.died:
            notes.append(f"{plural(self.died, 'mutant')} ended the process and do not count")
        return notes

    def sentence(self) -> str:
        """The figures in words."""
        if not self.chosen:
            return "there is nothing to mutate in what it reaches"
        return f"notices {self.killed} of {plural(self.total, 'mutant')}"

    def count(self, number: int, mutant: Mutant, result: VariantResult) -> bool:
        """Add one mutant; returns whether it reached the running code."""
        if result.ended == "timeout":
            self.too_long += 1
        elif result.ended != "done":
            self.died += 1
        elif not result.applied:
            return False
        elif result.failed:
            self.killed += 1
            for test in result.failed:
                self.kills.setdefault(test, set()).add(number)
        else:
            self.survivors.append(mutant.description)
        return True


def prepare_mutants(source: str, gap: Gap) -> list[Mutant]:
    """The mutants that the first run of a draft may try, before it is known what it reaches.

    Args:
        source: The target's module.
        gap: What the draft is for.
    """
    definitions = target_functions(source, gap.function, gap.lines)
    if not definitions:
        return []
    lines = frozenset(gap.lines) | {abs(first) for first, _ in gap.branches}
    mutants = sites(source, lines) or sites(source, _lines_of(definitions))
    return choose(mutants, len(mutants))


def orders_for_mutants(source: str, prepared: Sequence[Mutant]) -> dict[str, object]:
    """The orders for copydesk_tools.verify to try those mutants that it sees reached."""
    if not prepared:
        return {}
    return {
        "mutants": [
            (m.start, m.end, m.text, (m.line, source.count("\n", 0, m.end) + 1)) for m in prepared
        ],
        "most": MOST,
        "budget_seconds": BUDGET_SECONDS,
        "quick_seconds": QUICK_SECONDS,
    }


@dataclass(frozen=True, slots=True)
class MutationCheck:
    """Runs a draft against mutants of the lines it gains.

    Attributes:
        draft: The draft.
        gap: What it is for.
        report: Its first run; says how long its tests take.
        by_test: What each test reaches.
        prepared: The mutants that the first run was given; those that it tried are not tried
            again.
    """

    draft: DraftUnderTest
    gap: Gap
    report: Report
    by_test: Mapping[TestId, ReachedLines]
    prepared: Sequence[Mutant] = ()

    def run(self, gained: frozenset[LineNo]) -> MutationScore:
        """What became of the mutants of these lines.

        Args:
            gained: The lines of the gap that the draft reaches.

        Raises:
            InconsistentReport: It does not pass unmutated through the same machinery, or the run
                is odd.
            CouldNotRun: See run_report.read_report.
        """
        definitions = target_functions(self.draft.source, self.gap.function, self.gap.lines)
        mutants = self._choose(gained, definitions)
        score = MutationScore(chosen=len(mutants))
        if not mutants:
            return score
        if not definitions:
            self._run_in_fresh_processes(mutants, score)
            return score
        tried = self._tried_before({mutant.line for mutant in mutants})
        if tried:
            self._count_all(tried, self.report, score)
        else:
            self._count_all(dict(enumerate(mutants)), self._run(mutants), score)
        return score

    def _choose(self, gained: frozenset[LineNo], definitions: Sequence[Function]) -> list[Mutant]:
        """Mutants of the gained lines; of all that runs in the function when those offer none."""
        source = self.draft.source
        mutants = sites(source, gained, module_level=not definitions)
        if not mutants:
            executed: set[LineNo] = set()
            for reached in self.by_test.values():
                executed |= reached.lines
            mutants = sites(source, executed & _lines_of(definitions))
        return choose(mutants, MOST)

    def _tried_before(self, lines: set[LineNo]) -> dict[int, Mutant]:
        """The mutants of these lines that the first run tried, by their number."""
        return {
            number: mutant
            for number, mutant in enumerate(self.prepared)
            if number in self.report.mutants and mutant.line in lines
        }

    def _run(self, mutants: Sequence[Mutant]) -> Report:
        """Run the draft against mutants in copies of one process."""
        seconds = sum(result.seconds for result in self.report.alone.values())
        orders = {
            "together": False,
            "source": self.draft.source,
            "mutants": [(m.start, m.end, m.text, self._tests_of(m)) for m in mutants],
            "mutant_seconds": max(1.0, 0.5 + 5 * seconds),
            "budget_seconds": BUDGET_SECONDS,
        }
        report, _ = self.draft.run(orders, order=self.report.ids)
        return report

    def _tests_of(self, mutant: Mutant) -> list[TestId] | None:
        """The tests that run the mutated line; None (all) when the trace does not say."""
        tests = [test for test, reached in self.by_test.items() if mutant.line in reached.lines]
        return tests or None

    def _count_all(
        self, mutants: Mapping[int, Mutant], report: Report, score: MutationScore
    ) -> None:
        """Count what became of the mutants that were run; those that did not reach the running
        code get a process of their own when no other has a verdict.
        """
        _check_unmutated(report)
        not_applied = []
        for number, mutant in mutants.items():
            result = report.mutants.get(number)
            if result is not None and not score.count(number, mutant, result):
                not_applied.append(mutant)
        if not_applied and not score.total:
            self._run_in_fresh_processes(not_applied, score)

    def _run_in_fresh_processes(self, mutants: Sequence[Mutant], score: MutationScore) -> None:
        """Run mutants, each as a changed file in a fresh process, and count them."""
        draft = self.draft
        for number, mutant in enumerate(choose(mutants, MOST_IN_FRESH_PROCESSES)):
            files = {draft.target: mutate(draft.source, mutant)}
            try:
                report, outcome = draft.run({}, files=files)
            except InconsistentReport:
                score.died += 1
                continue
            if report.broken:
                continue  # a module that cannot be imported is noticed by any test
            failed = frozenset(test for test, r in report.together.items() if not r.passed)
            result = VariantResult("done", True, failed, seconds=outcome.seconds)
            score.count(number, mutant, result)


def _lines_of(definitions: Iterable[Function]) -> frozenset[LineNo]:
    lines: set[LineNo] = set()
    for definition in definitions:
        lines.update(range(definition.lineno, (definition.end_lineno or definition.lineno) + 1))
    return frozenset(lines)


def _check_unmutated(report: Report) -> None:
    """Check that the tests pass on the target as it is, where the mutants run.

    Raises:
        InconsistentReport: They do not.
    """
    unmutated = report.unmutated
    if report.broken or unmutated is None:
        raise InconsistentReport("it could not be collected again")
    if unmutated.ended != "done" or unmutated.failed or unmutated.passed != set(report.ids):
        raise InconsistentReport("it does not pass unmutated where the mutants run")
