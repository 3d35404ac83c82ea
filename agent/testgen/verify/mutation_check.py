"""The last rung: which mutants of its target a draft notices."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.agent.records import Gap, LineNo, TestId
from copydesk.agent.testgen.project import Function, first_statement, target_functions
from copydesk.agent.testgen.verify.lines_reached import Reached
from copydesk.agent.testgen.verify.mutants import Mutant, choose, mutate, sites
from copydesk.agent.testgen.verify.run_report import Changed, Doubtful, Report
from copydesk.agent.testgen.verify.test_run import Bed
from copydesk.agent.text import plural

MOST = 24
"""Mutants of one draft: more say little more, and each costs a run of the tests."""

MOST_WHOLE = 4
"""Mutants that need a process of their own: the target's module runs its code only once."""

BUDGET_SECONDS = 20.0

QUICK_SECONDS = 4.0
"""Tests that take longer, each alone, meet the mutants in a run of their own."""


@dataclass(slots=True)
class Score:
    """What became of the mutants; those that ran too long, died or never ran do not count."""

    killed: int = 0
    survivors: list[str] = field(default_factory=list)
    kills: dict[TestId, set[int]] = field(default_factory=dict)
    too_long: int = 0
    died: int = 0
    sites: int = 0

    @property
    def total(self) -> int:
        """How many mutants have a verdict."""
        return self.killed + len(self.survivors)

    @property
    def notes(self) -> list[str]:
        """What an editor should know beside the figures."""
        apart = []
        if self.too_long:
            apart.append(f"{plural(self.too_long, 'mutant')} ran too long and do not count")
        if self.died:
            apart.append(f"{plural(self.died, 'mutant')} ended the process and do not count")
        return apart

    def sentence(self) -> str:
        """The figures in words."""
        if not self.sites:
            return "there is nothing to mutate in what it reaches"
        return f"notices {self.killed} of {plural(self.total, 'mutant')}"


def prepare(source: str, gap: Gap) -> list[Mutant]:
    """The mutants that the first run of a draft may try, before it is known what it reaches.

    Args:
        source: The target's module.
        gap: What the draft is for.
    """
    definitions = target_functions(source, gap.function, gap.lines)
    if not definitions:
        return []
    found = sites(source, _lines(gap)) or sites(source, _inside(definitions))
    return choose(found, len(found))


def orders(source: str, prepared: Sequence[Mutant]) -> dict[str, object]:
    """The same as orders for copydesk_tools.verify, which tries those that it sees reached."""
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


def challenge(
    bed: Bed,
    gap: Gap,
    report: Report,
    by_test: Mapping[TestId, Reached],
    gained: frozenset[LineNo],
    prepared: Sequence[Mutant] = (),
) -> Score:
    """Run the draft against mutants of the lines it gains.

    Args:
        bed: The draft.
        gap: What it is for.
        report: Its first run; says how long its tests take.
        by_test: What each test reaches.
        gained: The lines of the gap that it reaches.
        prepared: The mutants that the first run was given; those that it tried are not tried
            again.

    Raises:
        Doubtful: It does not pass unmutated through the same machinery, or the run is odd.
        CouldNotRun: See claims.read.
    """
    picked = _pick(bed, gap, by_test, gained)
    score = Score(sites=len(picked))
    if not picked:
        return score
    if not target_functions(bed.source, gap.function, gap.lines):
        _whole(bed, picked, score)
        return score
    lines = {mutant.line for mutant in picked}
    tried = {n: m for n, m in enumerate(prepared) if n in report.mutants and m.line in lines}
    if tried:
        _check_unmutated(report)
        _judge(bed, tried, report, score)
        return score
    took = sum(result.seconds for result in report.alone.values())
    asked = {
        "together": False,
        "source": bed.source,
        "mutants": [(m.start, m.end, m.text, _tests_of(m, by_test)) for m in picked],
        "mutant_seconds": max(1.0, 0.5 + 5 * took),
        "budget_seconds": BUDGET_SECONDS,
    }
    answer, _ = bed.run(asked, order=report.ids)
    _check_unmutated(answer)
    _judge(bed, dict(enumerate(picked)), answer, score)
    return score


def _judge(bed: Bed, asked: Mapping[int, Mutant], answer: Report, score: Score) -> None:
    """Count what became of the mutants that were run; those that did not reach the running code
    get a process of their own when no other has a verdict.
    """
    missed = []
    for place, mutant in asked.items():
        if place in answer.mutants:
            applied = _count(score, place, mutant, answer.mutants[place])
            if not applied:
                missed.append(mutant)
    if missed and not score.total:
        _whole(bed, missed, score)


def _lines(gap: Gap) -> frozenset[LineNo]:
    return frozenset(gap.lines) | {abs(first) for first, _ in gap.branches}


def _inside(definitions: Iterable[Function]) -> frozenset[LineNo]:
    return frozenset(
        n for d in definitions for n in range(d.lineno, (d.end_lineno or d.lineno) + 1)
    )


def _pick(
    bed: Bed, gap: Gap, by_test: Mapping[TestId, Reached], gained: frozenset[LineNo]
) -> list[Mutant]:
    """Mutants of the gained lines; of all that runs in the function when those offer none."""
    definitions = target_functions(bed.source, gap.function, gap.lines)
    found = sites(bed.source, gained, module_level=not definitions)
    if not found:
        executed = frozenset[LineNo]().union(*(r.lines for r in by_test.values()))
        found = sites(bed.source, executed & _inside(definitions))
    return choose(found, MOST)


def _tests_of(mutant: Mutant, by_test: Mapping[TestId, Reached]) -> list[TestId] | None:
    """The tests that run the mutated line; None (all) when the trace does not say."""
    return [test for test, r in by_test.items() if mutant.line in r.lines] or None


def _check_unmutated(answer: Report) -> None:
    first = answer.unmutated
    if answer.broken or first is None:
        raise Doubtful("it could not be collected again")
    if first.ended != "done" or first.failed or first.passed != set(answer.ids):
        raise Doubtful("it does not pass unmutated where the mutants run")


def _count(score: Score, place: int, mutant: Mutant, changed: Changed) -> bool:
    """Add one mutant to the score; returns whether it reached the running code."""
    if changed.ended == "timeout":
        score.too_long += 1
    elif changed.ended != "done":
        score.died += 1
    elif not changed.applied:
        return False
    elif changed.failed:
        score.killed += 1
        for test in changed.failed:
            score.kills.setdefault(test, set()).add(place)
    else:
        score.survivors.append(mutant.description)
    return True


def _whole(bed: Bed, picked: Sequence[Mutant], score: Score) -> None:
    """Run mutants of a module's own statements, each with a changed file in a fresh process."""
    for place, mutant in enumerate(choose(picked, MOST_WHOLE)):
        try:
            answer, outcome = bed.run({}, files={bed.target: mutate(bed.source, mutant)})
        except Doubtful:
            score.died += 1
            continue
        if answer.broken:
            continue  # a module that cannot be imported is noticed by any test
        failed = frozenset(test for test, r in answer.together.items() if not r.passed)
        _count(score, place, mutant, Changed("done", True, failed, seconds=outcome.seconds))


def probe_statement(source: str, lines: Collection[LineNo], *, inside: bool) -> str:
    """The source with a raise before the statements at these lines.

    Args:
        source: A whole module.
        lines: First lines of statements; of function definitions with `inside`.
        inside: Put the raise at the start of those functions instead.
    """
    alarm = "raise BaseException('the probe was reached')"
    text = source.split("\n")
    for node in sorted(_statements(source), key=lambda n: (-n.lineno, -n.col_offset)):
        if node.lineno not in lines:
            continue
        if inside:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            node = first_statement(node)
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)]) - 1
        row = text[first]
        column = len(row) - len(row.lstrip())
        if row[:column] == row.encode()[: node.col_offset].decode() or decorators:
            text.insert(first, row[:column] + alarm)
        else:  # it follows something on its line, so it is a simple statement
            at = len(row.encode()[: node.col_offset].decode())
            text[first] = f"{row[:at]}{alarm}; {row[at:]}"
    return "\n".join(text)


def _statements(source: str) -> list[ast.stmt]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
