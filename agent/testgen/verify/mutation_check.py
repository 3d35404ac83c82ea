"""The rung of the mutants: which of its target's a draft notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.agent.records import Gap, LineNo, TestId
from copydesk.agent.testgen.project import Function, target_functions
from copydesk.agent.testgen.verify.lines_reached import ReachedLines
from copydesk.agent.testgen.verify.mutants import Mutant, choose, sites
from copydesk.agent.testgen.verify.run_report import InconsistentReport, Report, VariantResult
from copydesk.agent.testgen.verify.test_run import DraftUnderTest
from copydesk.agent.text import plural

MOST = 24
"""Mutants of one draft: more say little more, and each costs a run of the tests."""

BUDGET_SECONDS = 20.0

QUICK_SECONDS = 4.0
"""Tests that take longer, each alone, meet the mutants in a process of their own."""

PATIENCE = 10.0
"""Seconds that a version may take besides those of its tests."""


@dataclass(slots=True)
class MutationScore:
    """What became of the mutants; those that ran too long, died or never ran do not count.

    Attributes:
        killed: How many a test noticed.
        survivors: Those that none noticed, in words.
        kills: The numbers of the mutants that each test noticed.
        noticed: Those mutants, by number.
        too_long: How many ran into the time limit.
        died: How many ended the process.
        broken: How many left nothing that could be collected.
        chosen: How many were to be tried.
    """

    killed: int = 0
    survivors: list[str] = field(default_factory=list)
    kills: dict[TestId, set[int]] = field(default_factory=dict)
    noticed: dict[int, Mutant] = field(default_factory=dict)
    too_long: int = 0
    died: int = 0
    broken: int = 0
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
        if self.broken:
            notes.append(f"{plural(self.broken, 'mutant')} could not be imported and do not count")
        return notes

    def noticed_by(self, report: Report, tests: Sequence[str]) -> list[Mutant]:
        """The mutants that some of the test functions noticed, those of most tests first."""
        times: dict[int, int] = {}
        for test in report.ids:
            if _function_name(test) in tests:
                for number in self.kills.get(test, ()):
                    times[number] = times.get(number, 0) + 1
        ranked = sorted(times, key=lambda number: (-times[number], number))
        return [self.noticed[number] for number in ranked]

    def sentence(self) -> str:
        """The figures in words."""
        if not self.chosen:
            return "there is nothing to mutate in what it reaches"
        return f"notices {self.killed} of {plural(self.total, 'mutant')}"

    def count(self, number: int, mutant: Mutant, result: VariantResult) -> None:
        """Add one mutant. Any test notices one that cannot be imported, so that says nothing."""
        if result.ended == "timeout":
            self.too_long += 1
        elif result.ended == "broken":
            self.broken += 1
        elif result.ended != "done":
            self.died += 1
        elif result.failed:
            self.killed += 1
            self.noticed[number] = mutant
            for test in result.failed:
                self.kills.setdefault(test, set()).add(number)
        else:
            self.survivors.append(mutant.description)


def prepare_mutants(source: str, gap: Gap) -> list[Mutant]:
    """The mutants that the first run of a draft may try, before it is known what it reaches.

    Args:
        source: The target's module.
        gap: What the draft is for.
    """
    definitions = target_functions(source, gap.function, gap.lines)
    lines = frozenset(gap.lines) | {abs(first) for first, _ in gap.branches}
    mutants = sites(source, lines, module_level=not definitions)
    mutants = mutants or sites(source, _lines_of(definitions))
    return choose(mutants, len(mutants))


def orders_for_mutants(source: str, prepared: Sequence[Mutant]) -> dict[str, object]:
    """The orders for copydesk_tools.verify to try those mutants that it sees reached."""
    return {
        "source": source,
        "mutants": [_edit(source, mutant) for mutant in prepared],
        "most": MOST,
        "budget_seconds": BUDGET_SECONDS,
        "quick_seconds": QUICK_SECONDS,
    }


def _edit(source: str, mutant: Mutant) -> tuple[object, ...]:
    """A mutant as copydesk_tools.verify takes it, with the lines that it changes."""
    last = source.count("\n", 0, mutant.end) + 1
    return (mutant.start, mutant.end, mutant.text, (mutant.line, last))


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
        """Run the draft against mutants in a process of their own."""
        report, _ = self.draft.run(
            orders_of_a_process(self.draft, self.report, mutants), order=self.report.ids
        )
        return report

    def _count_all(
        self, mutants: Mapping[int, Mutant], report: Report, score: MutationScore
    ) -> None:
        """Count what became of the mutants that were run."""
        _check_unmutated(report)
        for number, mutant in mutants.items():
            result = report.mutants.get(number)
            if result is not None:
                score.count(number, mutant, result)


def orders_of_a_process(
    draft: DraftUnderTest,
    report: Report,
    mutants: Sequence[Mutant] = (),
    versions: Mapping[str, str | None] | None = None,
) -> dict[str, object]:
    """The orders to try versions of the target in a process of their own, the one that is there
    among them.

    Args:
        draft: The draft.
        report: Its first run; says how long its tests take.
        mutants: The mutants to try.
        versions: Further versions: the kind of the record, and the text.
    """
    seconds = sum(result.seconds for result in report.alone.values())
    return {
        **orders_for_mutants(draft.source, mutants),
        "versions": dict(versions or {}),
        "version_seconds": PATIENCE + 5 * (seconds + report.collecting),
    }


def _function_name(test: TestId) -> str:
    """The test function of a node id, without its parameters."""
    return test.partition("::")[2].split("[")[0]


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
    if report.broken:
        raise InconsistentReport("it could not be collected again")
    unmutated = report.unmutated
    if unmutated is None:
        passes = all(result.passed for result in report.together.values())
    else:
        passes = unmutated.ended == "done" and unmutated.passed == set(report.ids)
    if not passes:
        raise InconsistentReport("it does not pass unmutated where the mutants run")
