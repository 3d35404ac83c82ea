"""One way up the verify ladder with one set of tests."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path

from copydesk.agent.records import (
    OWN_DRAFTERS,
    Candidate,
    Evidence,
    Rung,
    TestId,
    Verdict,
)
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.project import (
    Function,
    find_tests,
    import_name,
    keep_tests,
    prune_imports,
    target_functions,
)
from copydesk.agent.testgen.verify.equivalent_rewrite import rewrite_equivalently
from copydesk.agent.testgen.verify.fix_expected_values import record_values
from copydesk.agent.testgen.verify.fresh_processes import FreshProcesses, Noticed
from copydesk.agent.testgen.verify.known_packages import is_known_to
from copydesk.agent.testgen.verify.lines_reached import (
    GainedLines,
    ReachedLines,
    gained_lines,
    reached_lines,
)
from copydesk.agent.testgen.verify.mutants import Mutant
from copydesk.agent.testgen.verify.mutation_check import (
    MutationCheck,
    MutationScore,
    orders_for_mutants,
    prepare_mutants,
)
from copydesk.agent.testgen.verify.other_places import WORDS
from copydesk.agent.testgen.verify.questions import questions, questions_of_words
from copydesk.agent.testgen.verify.raising_target import with_raise
from copydesk.agent.testgen.verify.redundant_tests import Contributions
from copydesk.agent.testgen.verify.run_report import (
    Comparison,
    CouldNotRun,
    InconsistentReport,
    Report,
)
from copydesk.agent.testgen.verify.rungs import (
    RungFailed,
    RungName,
    ValuesRecorded,
    drop_tests,
)
from copydesk.agent.testgen.verify.silent_target import with_silence
from copydesk.agent.testgen.verify.static_checks import (
    checks_something,
    names_target,
)
from copydesk.agent.testgen.verify.test_run import (
    DraftUnderTest,
    Runner,
    draft_path,
    read_source,
)
from copydesk.agent.text import clean, plural

ALONE_SECONDS = 10.0


class Climb:
    """Takes a candidate up the ladder, rung after rung.

    Args:
        candidate: The draft.
        tree: The snapshot it was written for; only read.
        sandbox: Runs it.
        repeats: How many fresh processes it has to pass in.
        allowed: What a human said yes to in a text, by name; None: to whatever it may be.
        recording: Take observed values where it predicted wrong ones.

    Attributes:
        rungs: The rungs that were passed.
        notes: What an editor should know.
        names: The tests that are left.
        text: The test module with them.
        gained: What of the gap they reach.
        score: The mutants that they notice.
        whole: No test is left out, even one that adds nothing to the others.
        compared: The comparison that failed, by test.
        asks: What it uses that needs a human's yes.
    """

    def __init__(
        self,
        candidate: Candidate,
        tree: Path,
        sandbox: Runner,
        *,
        repeats: int,
        allowed: Callable[[str], Set[str]] | None,
        recording: bool,
    ) -> None:
        self.candidate = candidate
        self.gap = candidate.gap
        self.tree = tree
        self.sandbox = sandbox
        self.repeats = repeats
        self.allowed = allowed
        self.recording = recording
        self.whole = False
        self.asks: tuple[str, ...] = ()
        self.compared: dict[TestId, Comparison] = {}
        self.rungs: list[Rung] = []
        self.notes: list[str] = []
        self.names: tuple[str, ...] = ()
        self.text = ""
        self.gained = GainedLines()
        self.score = MutationScore()
        self._redundant_notes: list[str] = []
        self._unmoved: list[str] = []

    def to_the_top(self) -> None:
        """Take rung after rung.

        Raises:
            RungFailed, DroppedTests, ValuesRecorded, CouldNotRun: It does not get to the top like
                this.
        """
        self._check_assertions()
        self._check_approval()
        draft = self._draft_under_test()
        functions = target_functions(draft.source, self.gap.function, self.gap.lines)
        prepared = prepare_mutants(draft.source, self.gap)
        report = self._check_passes(draft, functions, prepared)
        self._check_isolated(draft, report)
        by_test = self._check_reaches(report)
        self._check_depends(draft, report)
        self._check_mutants(draft, report, by_test, prepared)
        draft = replace(draft, text=self.text, tests=self.names)
        self._check_fresh_processes(draft, report, functions)
        self._check_answered()

    def kept(self) -> Candidate:
        """The candidate as it stands at the top."""
        short_names = {name.rpartition("::")[2] for name in self.names}
        recorded = [
            name for name in self.candidate.recorded if name.rpartition("::")[2] in short_names
        ]
        return replace(
            self.candidate, content=self.text, tests=self.names, recorded=tuple(recorded)
        )

    def evidence(
        self,
        verdict: Verdict,
        notes: Sequence[str],
        seconds: float,
    ) -> Evidence:
        """What was run and what came of it."""
        return Evidence(
            verdict=verdict,
            tier=str(self.sandbox.tier),
            rungs=tuple(self.rungs),
            tests=self.names,
            gained_lines=tuple(sorted(self.gained.lines)),
            gained_branches=tuple(sorted(self.gained.branches)),
            mutants_killed=self.score.killed,
            mutants_total=self.score.total,
            survivors=tuple(map(clean, self.score.survivors)),
            notes=tuple(dict.fromkeys(notes)),
            seconds=round(seconds, 3),
            asks=self.asks,
        )

    def _pass(self, rung: RungName, detail: str) -> None:
        self.rungs.append(Rung(rung, True, detail))

    def _drop(self, rung: RungName, why: Mapping[str, str]) -> None:
        """Go on without these tests; see drop_tests."""
        drop_tests(rung, self.names, why, self._redundant_notes)

    # -- before anything is run

    def _check_assertions(self) -> None:
        """It parses, and each test asserts something about the target."""
        try:
            self.text = prune_imports(self.candidate.content)
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise RungFailed(RungName.ASSERTS, f"it does not parse: {error}") from error
        tests = find_tests(tree)
        self.names = tuple(tests)
        if not tests:
            raise RungFailed(RungName.ASSERTS, "it holds no test function")
        module = import_name(self.gap.path, self.tree)
        if not names_target(tree, self.gap.function, module):
            raise RungFailed(RungName.ASSERTS, f"it never names {self.gap.function} or its module")
        vacuous = [name for name, test in tests.items() if not checks_something(test, tree)]
        self._drop(RungName.ASSERTS, dict.fromkeys(vacuous, "it asserts nothing that could fail"))
        self._pass(RungName.ASSERTS, f"{plural(len(tests), 'test')} with assertions")

    def _check_approval(self) -> None:
        """It does not reach into what decides about it, or a human has said yes. What our own
        drafter writes is made of parts that were looked at once.

        In the full sandbox it goes on all the same, so that a human is asked about good drafts
        only; what comes of it does not count before the yes.
        """
        if self.candidate.origin in OWN_DRAFTERS:
            return
        known, listens = partial(is_known_to, self.tree), self.sandbox.tier is Tier.FULL
        parts = questions(ast.parse(self.text), self.gap.path, known, listens=listens)
        self.asks = tuple(parts)
        if self.sandbox.tier is not Tier.FULL or self._is_answered():
            self._check_answered()

    def _is_answered(self) -> bool:
        return self.allowed is None or self.allowed(self.text) >= set(self.asks)

    def _ask_about(self, done: Set[str]) -> None:
        """Ask about what was heard while it ran, too. Where our own drafter wrote it, it was the
        target that did so.
        """
        if self.candidate.origin in OWN_DRAFTERS:
            return
        words = questions_of_words(done, self.gap.path, partial(is_known_to, self.tree))
        new = sorted(words - set(self.asks))
        self.asks += tuple(new)
        if new and self._is_answered():
            self.notes.append(f"a human said yes: it {', '.join(new)}")

    def _check_answered(self) -> None:
        """A human has said yes to what it asks for."""
        if not self.asks:
            return
        if not self._is_answered():
            question = f"needs a human's yes: it {', '.join(self.asks)}"
            self.notes.append(question)
            raise RungFailed(RungName.APPROVED, question)
        self.notes.append(f"a human said yes: it {', '.join(self.asks)}")

    def _draft_under_test(self) -> DraftUnderTest:
        path = self.gap.path
        try:
            source = read_source(self.tree / path)
            ast.parse(source)
        except (OSError, SyntaxError, ValueError) as error:
            raise CouldNotRun(f"{path} cannot be read as Python: {error}") from error
        return DraftUnderTest(
            sandbox=self.sandbox,
            tree=self.tree,
            path=draft_path(self.tree, path),
            text=self.text,
            target=path,
            source=source,
            tests=self.names,
        )

    # -- the first run

    def _raising(self, source: str, functions: Sequence[Function]) -> str:
        """The target with a raise where the draft claims to reach it."""
        lines = [function.lineno for function in functions]
        lines = lines or [*self.gap.lines, *(abs(first) for first, _ in self.gap.branches)]
        return with_raise(source, lines, inside=bool(functions))

    def _check_passes(
        self, draft: DraftUnderTest, functions: Sequence[Function], prepared: Sequence[Mutant]
    ) -> Report:
        """Each test passes alone and in the company of the others.

        The same sandbox tries the other versions of the target too.
        """
        orders: dict[str, object] = {
            "alone": True,
            "alone_seconds": ALONE_SECONDS,
            "imports": not functions,
            "silent": [with_silence(draft.source, functions)] if functions else [],
        }
        versions: dict[str, str | None] = {
            "reworded": rewrite_equivalently(draft.source, functions),
            "probe": self._raising(draft.source, functions),
        }
        try:
            report = _first_run(
                draft, orders, {**orders_for_mutants(draft.source, prepared), "versions": versions}
            )
        except InconsistentReport as error:
            raise RungFailed(RungName.PASSES, str(error)) from error
        if report.broken:
            raise RungFailed(RungName.PASSES, report.broken)
        for test, result in report.alone.items():
            if result.compared is not None:
                self.compared[test] = result.compared
        if self.recording:
            self._record_values(draft, report)
        self._drop(RungName.PASSES, draft.failures(report.alone))
        self._drop(RungName.PASSES, draft.failures(report.together))
        self._pass(RungName.PASSES, f"{plural(len(report.ids), 'test')} alone and together")
        return report

    def _record_values(self, draft: DraftUnderTest, report: Report) -> None:
        """Go on with observed values in the tests without parameters that failed over others.

        Raises:
            ValuesRecorded: There are such tests.
        """
        comparisons: dict[str, list[Comparison | None]] = {}
        for test, result in report.alone.items():
            comparisons.setdefault(draft.function_of(test), []).append(result.compared)
        failed: dict[str, Comparison] = {}
        for name, of_parameters in comparisons.items():
            if len(of_parameters) == 1 and of_parameters[0] is not None:
                failed[name] = of_parameters[0]
        recorded = record_values(self.text, failed)
        if recorded.tests:
            raise ValuesRecorded(recorded)

    def _check_isolated(self, draft: DraftUnderTest, report: Report) -> None:
        """It reaches for nothing outside of the project: accepted, it runs without a guard."""
        self._ask_about(report.asked)
        reaching: dict[str, str] = {}
        for test, result in report.alone.items():
            if result.outside:
                reaching[draft.function_of(test)] = f"it {', '.join(result.outside)}"
        self._drop(RungName.ISOLATED, reaching)
        if report.outside:
            why = f"run together, they reach outside of the project: {report.outside[0]}"
            raise RungFailed(RungName.ISOLATED, why)
        self._pass(RungName.ISOLATED, "reaches for nothing outside of the project")

    def _check_reaches(self, report: Report) -> dict[TestId, ReachedLines]:
        """It reaches lines or branches of the gap; what each test reaches."""
        source, gap = self.tree / self.gap.path, self.gap
        by_test = {test: reached_lines(source, r.arcs) for test, r in report.alone.items()}
        self.gained = gained_lines(gap, [*by_test.values(), reached_lines(source, report.imported)])
        if not self.gained.lines and not self.gained.branches:
            missing = ", ".join(map(str, gap.lines or gap.branches))
            raise RungFailed(
                RungName.REACHES, f"it reaches none of the uncovered lines ({missing})"
            )
        detail = f"{len(self.gained.lines)} of {plural(len(gap.lines), 'line')}"
        if gap.branches:
            branches = plural(len(gap.branches), "branch", "branches")
            detail += f" and {len(self.gained.branches)} of {branches}"
        self._pass(RungName.REACHES, detail)
        return by_test

    # -- the target changed

    def _check_depends(self, draft: DraftUnderTest, report: Report) -> None:
        """It fails when the target raises; else what it claims to cover is void."""
        self._unmoved = self._unmoved_by_silence(draft, report)
        probe = report.probe
        if probe is None:
            raise RungFailed(RungName.DEPENDS, "the run ended before the target was made to raise")
        if probe.ended == "timeout":
            # a pool whose workers die waits for ever; that is no pass, and the mutants decide
            self._pass(RungName.DEPENDS, "never ends when the target raises")
            return
        if probe.ended not in ("done", "broken"):
            raise RungFailed(
                RungName.DEPENDS, f"with a target that raises it ends otherwise ({probe.ended})"
            )
        passed = {draft.function_of(test) for test in probe.passed}
        independent = passed - {draft.function_of(test) for test in probe.failed}
        self._drop(
            RungName.DEPENDS,
            dict.fromkeys(sorted(independent), "it passes though the target raises"),
        )
        self._pass(RungName.DEPENDS, "fails when the target raises")

    @staticmethod
    def _unmoved_by_silence(draft: DraftUnderTest, report: Report) -> list[str]:
        """The tests that pass though the target does nothing at all."""
        silent = report.silent.get(0)
        if silent is None or silent.ended != "done":
            return []
        failed = {draft.function_of(test) for test in silent.failed}
        return sorted({draft.function_of(test) for test in silent.passed} - failed)

    def _check_mutants(
        self,
        draft: DraftUnderTest,
        report: Report,
        by_test: dict[TestId, ReachedLines],
        prepared: Sequence[Mutant],
    ) -> None:
        """It notices at least one mutant; tests that add nothing are dropped."""
        if report.unmutated is not None and report.unmutated.ended == "done":
            failed = {draft.function_of(test) for test in report.unmutated.failed}
            self._drop(RungName.REPEATS, dict.fromkeys(sorted(failed), "it fails now and then"))
        check = MutationCheck(draft, self.gap, report, by_test, prepared)
        try:
            self.score = check.run(self.gained.all_lines())
        except InconsistentReport as error:
            raise RungFailed(RungName.MUTANTS, str(error)) from error
        self.notes += self.score.notes
        if not self.score.killed:
            raise RungFailed(RungName.MUTANTS, self.score.sentence())
        if any(self.score.kills.values()):
            contributions = Contributions(draft, self.gap, self.gained, self.score)
            self._leave_out(contributions.redundant(self.names, by_test))
        self._pass(RungName.MUTANTS, self.score.sentence())

    def _leave_out(self, redundant: Sequence[str]) -> None:
        """Go on without tests that add nothing: what the others showed, they showed alone."""
        if not redundant:
            return
        if self.whole:
            self.notes += [f"{name} adds nothing to the others" for name in redundant]
            return
        self._redundant_notes = [
            f"{name} was dropped: it adds nothing to the others" for name in redundant
        ]
        self.notes += self._redundant_notes
        self.names = tuple(name for name in self.names if name not in redundant)
        self.text = prune_imports(keep_tests(self.text, self.names))

    def _check_fresh_processes(
        self, draft: DraftUnderTest, report: Report, functions: Sequence[Function]
    ) -> None:
        """It does the same again in fresh processes, whichever version of the target it meets."""
        processes_to_pass = FreshProcesses(
            draft,
            report,
            functions,
            self.repeats,
            Noticed(self.score, tuple(name for name in self._unmoved if name in draft.tests)),
        )
        failure = processes_to_pass.first_failure()
        self._ask_about(processes_to_pass.asked)
        if failure is not None:
            self._drop(failure.rung, failure.tests)
            raise RungFailed(failure.rung, failure.summary)
        processes = plural(self.repeats, "fresh process", "fresh processes")
        self._pass(RungName.REPEATS, processes)
        if self.repeats > 1:
            self._pass(RungName.ELSEWHERE, f"passes with {WORDS}")
        self._pass(RungName.BEHAVIOUR, "passes when the target does the same in other words")


def _first_run(
    draft: DraftUnderTest, orders: dict[str, object], of_versions: dict[str, object]
) -> Report:
    """The first run; once more without other versions of the target where one ended it all."""
    try:
        return draft.run({**orders, **of_versions})[0]
    except InconsistentReport as error:
        if not error.mutated:
            raise
    return draft.run({**orders, **of_versions, "mutants": [], "quick_seconds": 0})[0]
