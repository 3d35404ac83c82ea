"""The verify ladder: what a drafted test has to show before it is offered.

Cheapest first, and the first rung that is not passed ends the climb: it asserts something about
the target; it passes, each test alone and all together; it reaches for nothing outside of the
project; it reaches a line or branch that was not covered; it fails when the target raises; it
notices at least one mutant of the lines it reaches; it passes again in fresh processes with other
hash seeds and another order, in the last of them with a target that does the same in other words.
Tests that fail are dropped on the way and the rest climbs anew; tests that add nothing to the
others go before the fresh processes.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.agent.records import Arc, Candidate, Evidence, Gap, LineNo, Rung, TestId
from copydesk.agent.testgen.project import Function, import_name, target_functions
from copydesk.agent.testgen.project import test_modules as module
from copydesk.agent.testgen.verify.exceptions import Fell, Fewer, Mended
from copydesk.agent.testgen.verify.fix_expected_values import record
from copydesk.agent.testgen.verify.fresh_processes import falls
from copydesk.agent.testgen.verify.lines_reached import Reached, reached
from copydesk.agent.testgen.verify.mutants import Mutant
from copydesk.agent.testgen.verify.mutation_check import (
    Score,
    challenge,
    orders,
    prepare,
    probe_statement,
)
from copydesk.agent.testgen.verify.run_report import Comparison, CouldNotRun, Doubtful, Report
from copydesk.agent.testgen.verify.test_run import Bed, Runner, ast_source, place
from copydesk.agent.text import clean, plural

ALONE_SECONDS = 10.0
MENDS = 4
"""Times a draft is run anew with observed values: a test may hold several wrong ones."""


def verify(
    candidate: Candidate,
    tree: Path,
    sandbox: Runner,
    *,
    repeats: int = 3,
    approved: bool = False,
    recording: bool = False,
) -> tuple[Evidence, Candidate]:
    """Check a drafted test module on the ladder.

    Args:
        candidate: The draft.
        tree: The snapshot it was written for; only read.
        sandbox: Runs it; its tools folder is TOOLS.
        repeats: How many fresh processes it has to pass in once more.
        approved: A human has read the draft and allows what the static gate asks about.
        recording: Where a comparison fails, put the observed value in the predicted one's place
            and go on; the tests that were changed so are among the candidate's `recorded`.

    Returns:
        The evidence, and the candidate with only the tests worth keeping (as it came, when the
        verdict is not "verified").
    """
    began = time.monotonic()
    current, notes, mends = candidate, list(candidate.notes), MENDS if recording else 0
    while True:
        climb = _Climb(current, tree, sandbox, repeats, approved, mends)
        try:
            climb.up()
        except Mended as change:
            mends -= 1
            text, names, said = change.mended
            notes += said
            recorded = tuple(dict.fromkeys((*current.recorded, *names)))
            current = replace(current, content=text, recorded=recorded)
            continue
        except Fewer as fewer:
            notes += fewer.why
            current = replace(current, content=module.keep(current.content, fewer.names))
            continue
        except Fell as fell:
            climb.rungs.append(Rung(fell.rung, False, clean(fell.why)))
            verdict, current = "failed", candidate
        except CouldNotRun as reason:
            notes.append(clean(str(reason)))
            verdict, current = "not run", candidate
        else:
            verdict, current = "verified", climb.kept()
        evidence = climb.evidence(verdict, (*notes, *climb.notes), time.monotonic() - began)
        return evidence, current


@dataclass(slots=True)
class _Climb:
    """One way up with one set of tests."""

    candidate: Candidate
    tree: Path
    sandbox: Runner
    repeats: int
    approved: bool
    mends: int
    rungs: list[Rung] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ()
    text: str = ""
    lines: frozenset[LineNo] = frozenset()
    branches: frozenset[Arc] = frozenset()
    score: Score = field(default_factory=Score)
    prepared: Sequence[Mutant] = ()
    idle_said: list[str] = field(default_factory=list)

    @property
    def gap(self) -> Gap:
        return self.candidate.gap

    def up(self) -> None:
        """Take rung after rung.

        Raises:
            Fell, Fewer, Mended, CouldNotRun: It does not get to the top like this.
        """
        self.asserts()
        self.gate()
        bed = self.bed()
        functions = target_functions(bed.source, self.gap.function, self.gap.lines)
        definitions = [f.lineno for f in functions]
        report = self.passes(bed, definitions)
        by_test = self.gains(report)
        self.probe(bed, report, definitions)
        self.mutants(bed, report, by_test)
        self.repeated(replace(bed, text=self.text, tests=self.names), report, functions)

    def kept(self) -> Candidate:
        """The candidate as it stands at the top."""
        short = {name.rpartition("::")[2] for name in self.names}
        recorded = tuple(n for n in self.candidate.recorded if n.rpartition("::")[2] in short)
        return replace(self.candidate, content=self.text, tests=self.names, recorded=recorded)

    def evidence(self, verdict: str, notes: Sequence[str], seconds: float) -> Evidence:
        """What was run and what came of it."""
        assert verdict in {"verified", "failed", "not run"}
        return Evidence(
            verdict=verdict,  # type: ignore[arg-type]
            tier=str(self.sandbox.tier),
            rungs=tuple(self.rungs),
            tests=self.names,
            gained_lines=tuple(sorted(self.lines)),
            gained_branches=tuple(sorted(self.branches)),
            mutants_killed=self.score.killed,
            mutants_total=self.score.total,
            survivors=tuple(map(clean, self.score.survivors)),
            notes=tuple(dict.fromkeys(notes)),
            seconds=round(seconds, 3),
        )

    # -- the rungs

    def asserts(self) -> None:
        """It parses, and each test asserts something about the target."""
        try:
            self.text = module.prune_imports(self.candidate.content)
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Fell("asserts", f"it does not parse: {error}") from error
        found = module.tests(tree)
        self.names = tuple(found)
        if not found:
            raise Fell("asserts", "it holds no test function")
        name = import_name(self.gap.path, self.tree)
        if not module.mentions(tree, self.gap.function, name):
            raise Fell("asserts", f"it never names {self.gap.function} or its module")
        vacuous = [test for test, node in found.items() if not module.asserts(node, tree)]
        self.drop("asserts", dict.fromkeys(vacuous, "it asserts nothing that could fail"))
        self.passed("asserts", f"{plural(len(found), 'test')} with assertions")

    def gate(self) -> None:
        """It does not reach into what decides about it, or a human has said yes."""
        asked = module.reaches_in(ast.parse(self.text))
        if not asked:
            return
        says = f"needs a human's yes: it {', '.join(asked)}"
        self.notes.append(says)
        if self.candidate.origin != "embedded" and not self.approved:
            raise Fell("gate", says)

    def bed(self) -> Bed:
        target = self.tree / self.gap.path
        try:
            source = ast_source(target)
            ast.parse(source)
        except (OSError, SyntaxError, ValueError) as error:
            raise CouldNotRun(f"{self.gap.path} cannot be read as Python: {error}") from error
        where = place(self.tree, self.gap.path)
        return Bed(self.sandbox, self.tree, where, self.text, self.gap.path, source, self.names)

    def passes(self, bed: Bed, definitions: Sequence[LineNo]) -> Report:
        """Each test passes alone and in the company of the others.

        The same run tries the mutants, in copies of a process that is there anyway.
        """
        self.prepared = prepare(bed.source, self.gap)
        asked = {
            "alone": True,
            "alone_seconds": ALONE_SECONDS,
            "probe": list(definitions),
            "source": bed.source,
            "imports": not definitions,
        }
        try:
            report = self.first(bed, asked)
        except Doubtful as odd:
            raise Fell("passes", str(odd)) from odd
        if report.broken:
            raise Fell("passes", report.broken)
        self.mend(bed, report)
        self.drop("passes", bed.failing(report.alone))
        self.drop("passes", bed.failing(report.together))
        self.passed("passes", f"{plural(len(report.ids), 'test')} alone and together")
        self.contained(bed, report)
        return report

    def first(self, bed: Bed, asked: dict[str, object]) -> Report:
        """The first run; once more without mutants where they may have left something behind."""
        try:
            report, _ = bed.run({**asked, **orders(bed.source, self.prepared)})
            clean = not report.outside and all(r.passed for r in report.together.values())
            if clean or report.unmutated is None:
                return report
        except Doubtful as odd:
            if not odd.mutated:
                raise
        return bed.run(asked)[0]

    def contained(self, bed: Bed, report: Report) -> None:
        """It reaches for nothing outside of the project: accepted, it runs without a guard."""
        reaching = {
            bed.function_of(test): f"it {', '.join(result.outside)}"
            for test, result in report.alone.items()
            if result.outside
        }
        self.drop("contained", reaching)
        if report.outside:
            raise Fell("contained", f"together they do what is not theirs: {report.outside[0]}")
        self.passed("contained", "reaches for nothing outside of the project")

    def gains(self, report: Report) -> dict[TestId, Reached]:
        """It reaches lines or branches of the gap."""
        source = self.tree / self.gap.path
        by_test = {test: reached(source, r.arcs) for test, r in report.alone.items()}
        everything = [*by_test.values(), reached(source, report.imported)]
        self.lines = self.wanted_lines(everything)
        self.branches = self.wanted_branches(everything)
        if not self.lines and not self.branches:
            missing = ", ".join(map(str, self.gap.lines or self.gap.branches))
            raise Fell("gains", f"it reaches none of the uncovered lines ({missing})")
        says = f"{len(self.lines)} of {plural(len(self.gap.lines), 'line')}"
        if self.gap.branches:
            many = plural(len(self.gap.branches), "branch", "branches")
            says += f" and {len(self.branches)} of {many}"
        self.passed("gains", says)
        return by_test

    def wanted_lines(self, all_reached: Iterable[Reached]) -> frozenset[LineNo]:
        """The lines of the gap among those reached."""
        return frozenset(self.gap.lines) & frozenset().union(*(r.lines for r in all_reached))

    def wanted_branches(self, all_reached: Iterable[Reached]) -> frozenset[Arc]:
        """The branches of the gap among those reached."""
        return frozenset(self.gap.branches) & frozenset().union(*(r.branches for r in all_reached))

    def probe(self, bed: Bed, report: Report, definitions: Sequence[LineNo]) -> None:
        """It fails when the target raises; else what it claims to cover is void."""
        changed = report.probe
        if changed is not None and changed.ended == "timeout":
            # a pool whose workers die waits for ever; that is no pass, and the mutants decide
            self.passed("probe", "never ends when the target raises")
            return
        if changed is not None and changed.ended != "done":
            raise Fell("probe", f"with a target that raises it ends otherwise ({changed.ended})")
        if changed is not None and changed.applied:
            void = {bed.function_of(t) for t in changed.passed} - {
                bed.function_of(t) for t in changed.failed
            }
        else:
            void = set(self.names) if self.survives_statement(bed, definitions) else set()
        self.drop("probe", dict.fromkeys(sorted(void), "it passes though the target raises"))
        self.passed("probe", "fails when the target raises")

    def survives_statement(self, bed: Bed, definitions: Sequence[LineNo]) -> bool:
        """The probe for what is no live function: a raise in the file itself."""
        lines = definitions or sorted(self.lines | {abs(first) for first, _ in self.branches})
        text = probe_statement(bed.source, lines, inside=bool(definitions))
        try:
            report, _ = bed.run({}, files={bed.target: text})
        except Doubtful:
            return True
        return not report.broken and all(r.passed for r in report.together.values())

    def repeated(self, bed: Bed, report: Report, functions: Sequence[Function]) -> None:
        """It passes in fresh processes, in the last one when the target says the same otherwise."""
        if found := falls(bed, report, functions, self.repeats):
            rung, why = found
            self.drop(rung, {name: reason for name, reason in why.items() if name})
            raise Fell(rung, why[""])
        self.passed("repeats", f"{plural(self.repeats, 'fresh process', 'fresh processes')}")
        self.passed("rewrite", "passes when the target does the same in other words")

    def mutants(self, bed: Bed, report: Report, by_test: dict[TestId, Reached]) -> None:
        """It notices at least one mutant; tests that add nothing are dropped."""
        branch_lines = {abs(first) for first, _ in self.branches}
        control = report.unmutated
        if control is not None and control.ended == "done":
            failed = {bed.function_of(test) for test in control.failed}
            self.drop("repeats", dict.fromkeys(sorted(failed), "it fails now and then"))
        try:
            gained = frozenset(self.lines | branch_lines)
            self.score = challenge(bed, self.gap, report, by_test, gained, self.prepared)
        except Doubtful as odd:
            raise Fell("mutants", str(odd)) from odd
        self.notes += self.score.notes
        if not self.score.killed:
            raise Fell("mutants", self.score.sentence())
        if any(self.score.kills.values()):
            self.leave_out(self.idle(bed, by_test))
        self.passed("mutants", self.score.sentence())

    def leave_out(self, idle: Sequence[str]) -> None:
        """Go on without tests that add nothing: what the others showed, they showed alone."""
        if not idle:
            return
        self.idle_said = [f"{name} was dropped: it adds nothing to the others" for name in idle]
        self.notes += self.idle_said
        self.names = tuple(name for name in self.names if name not in idle)
        self.text = module.prune_imports(module.keep(self.text, self.names))

    def idle(self, bed: Bed, by_test: dict[TestId, Reached]) -> list[str]:
        """Tests whose every line, branch and mutant the others have too; later ones go first.

        A line that one test leaves by an exception and another by its end is two things.
        """
        adds: dict[str, set[object]] = {name: set() for name in self.names}
        for test, reaches in by_test.items():
            mine = adds[bed.function_of(test)]
            mine |= self.wanted_lines([reaches])
            mine |= self.wanted_branches([reaches])
            mine |= {("left", arc) for arc in reaches.arcs if arc[0] in self.lines}
            mine |= {("mutant", m) for m in self.score.kills.get(test, ())}
        kept = list(self.names)
        for name in reversed(self.names):
            others: set[object] = set().union(*(adds[n] for n in kept if n != name))
            if adds[name] <= others:
                kept.remove(name)
        return [name for name in self.names if name not in kept]

    # -- help

    def mend(self, bed: Bed, report: Report) -> None:
        """Go on with observed values in the tests without parameters that failed over others."""
        if not self.mends:
            return
        seen: dict[str, list[Comparison | None]] = {}
        for test, result in report.alone.items():
            seen.setdefault(bed.function_of(test), []).append(result.compared)
        failed = {name: found[0] for name, found in seen.items() if len(found) == 1 and found[0]}
        mended = record(self.text, failed)
        if mended.tests:
            raise Mended(mended)

    def drop(self, rung: str, why: dict[str, str]) -> None:
        """Go on without these tests, or fall when none is left."""
        if not why:
            return
        left = [name for name in self.names if name not in why]
        if not left:
            raise Fell(rung, "\n".join(f"{name}: {reason}" for name, reason in why.items()))
        said = [f"{name} was dropped: {_last_line(reason)}" for name, reason in why.items()]
        raise Fewer(left, [*self.idle_said, *said])

    def passed(self, rung: str, detail: str) -> None:
        self.rungs.append(Rung(rung, True, detail))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line[1:].strip() for line in lines if line.startswith("E ")]
    return clean((told or lines or ["failed"])[-1 if not told else 0])[:200]
