"""Tests that rest on what ran before them: found, kept together with it, and named.

A doctest that uses what an earlier one defined, a test that reads what another left in a module:
they pass in a full run and fail alone, or the other way round. So an outcome that a selected run
shows for the first time is held against more tests before it is believed: first the whole files,
then the whole suite where that is quick. What changes its outcome with its company, and does so
again, is marked with the files that it needs; from then on these run together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.runner import Recording
from copydesk.agent.coverage.selection import AFTER, EVERY_FILE, Selection
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap, Trace
from copydesk.agent.progress import Progress
from copydesk.agent.records import TestId

QUICK_SUITE = 120.0
"""Up to how many seconds of tests that were carried over are run to settle an outcome."""

SHOWN = 3
"""How many tests are named where more than these rest on others."""

FAILURES = frozenset({"failed", "error"})

Runner = Callable[[Sequence[str] | None, Collection[TestId]], Recording]
"""Runs test files (None: all), but for some tests of them."""


@dataclass(slots=True)
class SelectedRun:
    """A measure in which some tests ran.

    Attributes:
        base: The map that it started from.
        selection: What ran, and what was carried over.
        recording: What was recorded.
        blobs: The commit's tree: blob by path.
        files: The test files that were collected; None for all.
        run: Runs more tests.
        say: Told what is going on.
    """

    base: CoverageMap
    selection: Selection
    recording: Recording
    blobs: Mapping[str, str]
    files: Sequence[str] | None
    run: Runner
    say: Progress

    def settled(self, traces: list[Trace]) -> Settled:
        """Hold outcomes that are new against more tests.

        Args:
            traces: What the measure says so far.
        """
        result = Settled(traces, self.recording)
        suspects = self._suspects(traces)
        if suspects:
            remaining = self._run_whole_files(suspects, result)
            if remaining:
                self._run_everything(remaining, result)
        result.traces = with_marks(result.traces, result.resting, self.base)
        return result

    def _suspects(self, traces: Iterable[Trace]) -> dict[TestId, bool]:
        """The tests whose outcome may be due to their company, and whether each failed."""
        suspects = {}
        gone = self._functions_with_gone_failures()
        for trace in traces:
            if trace.kind != "test" or trace.id is not None:
                continue
            former = self.base.traces.get(("test", trace.name))
            if former is None:
                failed_before = _function_of(trace.name) in gone
            else:
                failed_before = former.outcome in FAILURES
            failed = trace.outcome in FAILURES
            was_repaired = trace.name in self.selection.only_failed and not failed
            if (failed and not failed_before) or was_repaired:
                suspects[trace.name] = failed
        return suspects

    def _functions_with_gone_failures(self) -> set[TestId]:
        """The test functions of which a case failed before that is not collected any more.

        Cases that are called by an address, a date or a random number are new at each measure:
        that they fail is not new, and must not have every test run each time.
        """
        collected = set(self.recording.collected)
        functions = set()
        for name, test in self.base.tests().items():
            if test.outcome in FAILURES and name not in collected:
                function = _function_of(name)
                if function != name:
                    functions.add(function)
        return functions

    def _run_whole_files(
        self, suspects: Mapping[TestId, bool], result: Settled
    ) -> dict[TestId, bool]:
        """Run the suspects' files whole; returns those suspects that go the same way there."""
        files = sorted({file_of(name) for name in suspects})
        carried = {file_of(name) for kind, name in self.selection.carried if kind == "test"}
        if carried.isdisjoint(files) and len(files) == 1:
            return dict(suspects)  # they ran whole as it is
        self.say(f"running {len(files)} files whole: {len(suspects)} outcomes are new")
        whole = self.run(files, ())
        other = self._confirmed(_gone_other_way(suspects, whole), whole)
        if other:
            carried_now = {(trace.kind, trace.name): trace for trace in result.traces}
            selection = replace(self.selection, carried=carried_now)
            result.traces = merge(self.base, selection, whole, self.blobs, files)
            result.recording = replace(
                result.recording, tests={**result.recording.tests, **whole.tests}
            )
            for name in other:
                result.resting[name] = (file_of(name),)
        return {name: failed for name, failed in suspects.items() if name not in other}

    def _run_everything(self, suspects: Mapping[TestId, bool], result: Settled) -> None:
        """Run the whole suite, where that is quick, and find out what the suspects rest on."""
        seconds = sum(
            t.seconds for (kind, _), t in self.selection.carried.items() if kind == "test"
        )
        carries_tests = any(kind == "test" for kind, _ in self.selection.carried)
        if not carries_tests and self.files is None:
            return  # every test ran
        if seconds > QUICK_SUITE:
            result.unsettled = sorted(suspects)
            return
        self.say(f"running every test: {len(suspects)} outcomes are new")
        everything = self.run(None, ())
        other = self._confirmed(_gone_other_way(suspects, everything), everything)
        result.traces = merge(None, None, everything, self.blobs, None)
        result.recording, result.ran_all = everything, True
        order = list(dict.fromkeys(map(file_of, everything.collected)))
        for name in other:
            own = file_of(name)
            before = [path for path in order[: order.index(own)] if path in self.blobs]
            result.resting[name] = culprits(self.run, name, not suspects[name], before)

    def _confirmed(self, names: Collection[TestId], wider: Recording) -> list[TestId]:
        """Those that go as before when they are alone again: others go by chance."""
        if not names:
            return []
        files = sorted({file_of(name) for name in names})
        others = [name for name in wider.collected if name not in names]
        alone = self.run(files, others)
        confirmed = []
        for name in sorted(names):
            once_more = alone.tests.get(name)
            if once_more and _failed(once_more.outcome) != _failed(wider.tests[name].outcome):
                confirmed.append(name)
        return confirmed


@dataclass(slots=True)
class Settled:
    """What a measure says after its new outcomes were held against more tests.

    Attributes:
        traces: The traces that make the commit.
        recording: What was recorded.
        resting: The files that a test rests on, by the test.
        unsettled: Tests with a new outcome that were not run with all others: that takes too long.
        ran_all: Whether every test ran in the end.
    """

    traces: list[Trace]
    recording: Recording
    resting: dict[TestId, tuple[str, ...]] = field(default_factory=dict)
    unsettled: list[TestId] = field(default_factory=list)
    ran_all: bool = False

    def describe(self) -> str:
        """What was found, as a part of a measure's reason; empty where nothing was."""
        parts = []
        if self.ran_all:
            parts.append("then every test, for outcomes that were new")
        if self.resting:
            parts.append("rests on tests that run before it: " + _listed(sorted(self.resting)))
        if self.unsettled:
            parts.append("not held against a run of every test: " + _listed(self.unsettled))
        return "; ".join(parts)


def culprits(run: Runner, name: TestId, fails: bool, candidates: list[str]) -> tuple[str, ...]:
    """The files that a test rests on: halved until one is left, or two that only do together.

    Args:
        run: Runs test files.
        name: The test.
        fails: How it goes in their company.
        candidates: The files that ran before its own.
    """
    own = file_of(name)
    while len(candidates) > 1:
        middle = len(candidates) // 2
        for half in (candidates[:middle], candidates[middle:]):
            test = run([*half, own], ()).tests.get(name)
            if test is not None and _failed(test.outcome) == fails:
                candidates = half
                break
        else:
            return (EVERY_FILE,)
    return tuple(candidates) or (EVERY_FILE,)


def with_marks(
    traces: Iterable[Trace], resting: Mapping[TestId, Sequence[str]], base: CoverageMap
) -> list[Trace]:
    """Traces with the files that tests rest on: those found now, and those known of before."""
    marked = []
    for trace in traces:
        if trace.kind == "test" and trace.id is None:
            former = base.traces.get(("test", trace.name))
            files = {*resting.get(trace.name, ()), *(former.needed(AFTER) if former else ())}
            trace = trace._replace(needs=trace.needs | {(AFTER, path) for path in files})
        marked.append(trace)
    return marked


def _function_of(name: TestId) -> TestId:
    """A test's name without the case that it is of its function."""
    path, colons, within = name.partition("::")
    return path + colons + within.partition("[")[0]


def _failed(outcome: str) -> bool:
    return outcome in FAILURES


def _gone_other_way(suspects: Mapping[TestId, bool], recording: Recording) -> set[TestId]:
    """The suspects that fail where they passed, or pass where they failed."""
    other = set()
    for name, failed in suspects.items():
        test = recording.tests.get(name)
        if test is not None and _failed(test.outcome) != failed:
            other.add(name)
    return other


def _listed(names: Sequence[TestId]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
