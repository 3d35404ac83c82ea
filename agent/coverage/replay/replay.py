"""Replaying history: is an incremental measure what a full run says?

Each commit is measured as copydesk does it, on a desk that is thrown away, and then by the
plainest means: `coverage run -m pytest` on all tests, in a snapshot of its own, in the same
interpreter. Lines, branches and outcomes are compared one by one.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.replay.full_run import Facts, FullRun, full_run, processor_time
from copydesk.agent.coverage.store import (
    Measure,
    load_map,
    load_totals,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import inspect, missing_error, provide, ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.process import ProcessError
from copydesk.agent.progress import Progress, silent
from copydesk.agent.projects import current_projects
from copydesk.agent.records import Interpreter, Json, Sha, TestId

Verdict = Literal["exact", "flaky", "inexact", "broken"]


@dataclass(frozen=True, slots=True)
class RepositoryWithDesk(Repository):
    """A repository whose desk lies in another folder, so that the user's own stays untouched."""

    desk_folder: Path

    @property
    def desk(self) -> Path:
        """The folder of the desk."""
        return self.desk_folder


@dataclass(slots=True)
class Comparison:
    """One replayed commit.

    `differences` are facts that only one side has, said in words; `unsteady` those on which two
    full runs differ from each other, `unsteady_tests` the tests whose outcome is among them;
    `missed` tests whose outcome changed since the base and that were not selected, `outcomes` what
    the full run says. Times are seconds: wall, and of the processor with all child processes (0 for
    full runs in the sandbox, where it is not known).
    """

    sha: Sha
    subject: str
    first: bool
    verdict: Verdict = "exact"
    selected: int = 0
    total: int = 0
    reason: str = ""
    seconds: float = 0.0
    processor: float = 0.0
    full_seconds: float = 0.0
    full_processor: float = 0.0
    differences: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    unsteady_tests: list[TestId] = field(default_factory=list)
    missed: list[TestId] = field(default_factory=list)
    error: str = ""
    outcomes: Mapping[TestId, str] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """The share of the tests that was run."""
        return self.selected / self.total if self.total else 0.0

    @property
    def ratio(self) -> float:
        """Wall time of the incremental measure, in that of the full run."""
        return self.seconds / self.full_seconds if self.full_seconds else 0.0

    @property
    def processor_ratio(self) -> float:
        """Processor time of the incremental measure, in that of the full run."""
        return self.processor / self.full_processor if self.full_processor else 0.0


def commits(repo: Repository, revisions: str, limit: int | None = None) -> list[Sha]:
    """What to replay, the oldest first: the commit to start from, and those of the range.

    Args:
        repo: The repository.
        revisions: A..B.
        limit: Take the newest of them only.

    Raises:
        CopydeskError: It is no range.
    """
    first, dots, _ = revisions.partition("..")
    if not dots:
        raise CopydeskError(
            f"{revisions} is no range of commits",
            slug="not-a-range",
            hint="Name two: copydesk replay . HEAD~10..HEAD",
        )
    shas = [git.resolve(repo, first or "HEAD"), *git.between(repo, revisions)]
    return shas[-limit - 1 :] if limit else shas


SAMPLED_FROM = 200
"""From how many of the newest commits a sample is taken where no range is named."""


def sample(repo: Repository, revisions: str | None, count: int) -> list[tuple[Sha, Sha]]:
    """Some commits spread evenly over history, each with the commit to start from, oldest first.

    Those that change Python code are taken, unless there are none: the others say little.

    Args:
        repo: The repository.
        revisions: A..B; the newest commits of HEAD when left out.
        count: How many.

    Raises:
        CopydeskError: There is none with a parent that is there.
    """
    if revisions:
        shas = commits(repo, revisions)[1:]
    else:
        shas = git.ancestors(repo, git.resolve(repo, "HEAD"), SAMPLED_FROM)[::-1]
    pairs = _with_first_parents(repo, shas)
    if not pairs:
        raise CopydeskError(
            "there is no commit to replay: none has a parent in this repository",
            slug="not-a-range",
            hint="Where the clone is shallow, fetch more: git fetch --unshallow",
        )
    pairs = [pair for pair in pairs if _changes_python(repo, pair[1])] or pairs
    if count >= len(pairs):
        return pairs
    if count < 2:
        return pairs[-1:]
    step = (len(pairs) - 1) / (count - 1)
    return [pairs[number] for number in sorted({round(step * i) for i in range(count)})]


def _with_first_parents(repo: Repository, shas: Sequence[Sha]) -> list[tuple[Sha, Sha]]:
    """Commits after their first parents; those without one, or whose parent is gone, are left."""
    parents: dict[Sha, Sha] = {}
    for sha in shas:
        for parent in Commit(repo, sha).info.parents[:1]:
            parents[sha] = parent
    present = set(git.trees(repo, set(parents.values())))
    return [(parent, sha) for sha, parent in parents.items() if parent in present]


def _changes_python(repo: Repository, sha: Sha) -> bool:
    return any(path.endswith(".py") for path in Commit(repo, sha).changes)


def replay_sample(
    repo: Repository,
    pairs: Sequence[tuple[Sha, Sha]],
    *,
    python: Path | None = None,
    say: Progress = silent,
) -> Iterator[Comparison]:
    """Measure and compare some commits, each from its parent, on a temporary desk.

    Args:
        repo: The repository; it is only read.
        pairs: From `sample`.
        python: The interpreter of the tests; found as for a measure when left out.
        say: Told what is going on, a line at a time.

    Raises:
        CopydeskError: The tests cannot be run for want of an interpreter or of packages.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-replay-") as folder:
        aside = RepositoryWithDesk(
            repo.top, repo.git_dir, repo.common_dir, Path(folder).resolve() / "desk"
        )
        with open_desk(aside.desk) as db:
            run = _Replay(aside, db, _interpreter(aside, python), say)
            for parent, sha in pairs:
                if db.measures.get(parent) is None:
                    say("measuring the commit before")
                    run.measure_only(parent)
                yield run.compare(sha, first=False)


def replay(
    repo: Repository,
    shas: list[Sha],
    *,
    python: Path | None = None,
    say: Progress = silent,
    desk: Path | None = None,
    earlier: Sequence[Comparison] = (),
) -> Iterator[Comparison]:
    """Replay commits in order, on a temporary desk.

    The first one is measured in full, to start from.

    Args:
        repo: The repository; it is only read.
        shas: The commits.
        python: The interpreter of the tests; found as for a measure when left out.
        say: Told what is going on, a line at a time.
        desk: A folder for the desk, to go on from later.
        earlier: What was replayed before on the desk that lies there: it is not replayed again.

    Raises:
        CopydeskError: The tests cannot be run for want of an interpreter or of packages.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-replay-") as folder:
        desk = (desk or Path(folder) / "desk").resolve()
        aside = RepositoryWithDesk(repo.top, repo.git_dir, repo.common_dir, desk)
        with open_desk(aside.desk) as db:
            run = _Replay(aside, db, _interpreter(aside, python), say)
            for comparison in earlier:
                run.outcomes[comparison.sha] = comparison.outcomes
                run.unsteady[comparison.sha] = frozenset(comparison.unsteady_tests)
            replayed = run.outcomes.keys() & set(shas)
            for number, sha in enumerate(shas):
                if sha not in replayed:
                    yield run.compare(sha, first=number == 0)


def _interpreter(repo: Repository, python: Path | None) -> Interpreter | None:
    """What runs all tests; None where each of several projects has its own."""
    if python is None:
        return ready(repo) if current_projects(repo) == ("",) else None
    try:
        inspected = inspect(repo, python.absolute(), "--python")
    except ProcessError as error:
        raise CopydeskError(
            f"{python} cannot be used: {error.reason}",
            slug="no-interpreter",
            hint="Name the Python of an environment in which the tests run.",
        ) from error
    if inspected.missing == ["coverage"]:
        inspected = provide(repo, inspected)
    if inspected.missing:
        raise missing_error(inspected)
    inspected.require_supported()
    return inspected.interpreter


@dataclass(slots=True)
class _Replay:
    repo: Repository
    db: Database
    interpreter: Interpreter | None
    say: Progress
    outcomes: dict[Sha, Mapping[TestId, str]] = field(default_factory=dict)
    unsteady: dict[Sha, frozenset[TestId]] = field(default_factory=dict)
    """Tests on whose outcome two full runs of a commit disagreed: it is no point to start from."""

    def compare(self, sha: Sha, *, first: bool) -> Comparison:
        """Measure a commit both ways."""
        commit = Commit(self.repo, sha)
        comparison = Comparison(sha, commit.info.subject, first)
        measured = self._measure(commit, comparison)
        self.say("running every test under coverage")
        try:
            full = self._full_run(sha)
        except CopydeskError as error:
            comparison.error = comparison.error or str(error)
            comparison.verdict = "broken" if measured is None else "inexact"
            return comparison
        comparison.full_seconds, comparison.full_processor = full.seconds, full.processor
        comparison.outcomes = self.outcomes[sha] = full.outcomes
        if measured is None:
            comparison.verdict = "inexact"
        else:
            self._judge(comparison, measured, full)
        return comparison

    def measure_only(self, sha: Sha) -> None:
        """Measure a commit to start from; one that cannot be is none, and all tests run then."""
        self._measure(Commit(self.repo, sha), Comparison(sha, "", first=True))

    def _measure(self, commit: Commit, comparison: Comparison) -> Measure | None:
        """Measure a commit as copydesk does it; None where that fails."""
        measured = None
        started = processor_time()
        try:
            measured = measure(self.db, commit, say=self.say, interpreter=self.interpreter)
        except CopydeskError as error:
            comparison.error = str(error)
        else:
            comparison.selected, comparison.total = measured.selected, measured.total
            comparison.reason, comparison.seconds = measured.reason, measured.seconds
        comparison.processor = processor_time() - started
        return measured

    def _full_run(self, sha: Sha) -> FullRun:
        return full_run(self.repo, self.interpreter, sha)

    def _judge(self, comparison: Comparison, measured: Measure, full: FullRun) -> None:
        """Compare fact by fact; where they differ, a second full run tells what is not steady."""
        incremental = self._facts(measured.sha) | self._outcome_facts(measured.sha)
        expected = full.facts | _outcomes_as_facts(full.outcomes)
        comparison.missed = self._missed(measured, full)
        if incremental == expected and not comparison.missed:
            return
        self.say("measure and full run differ; running every test once more")
        second = self._full_run(measured.sha)
        unsteady = expected ^ (second.facts | _outcomes_as_facts(second.outcomes))
        comparison.unsteady = _in_words(unsteady, "one of two full runs")
        comparison.unsteady_tests = _tests_of(unsteady)
        self.unsteady[measured.sha] = frozenset(comparison.unsteady_tests)
        comparison.missed = [
            test
            for test in comparison.missed
            if second.outcomes.get(test) == full.outcomes.get(test)
        ]
        steady = _places(incremental ^ expected) - _places(unsteady)
        comparison.verdict = "inexact" if steady or comparison.missed else "flaky"
        comparison.differences = _in_words(incremental - expected, "incremental")
        comparison.differences += _in_words(expected - incremental, "full")

    def _facts(self, sha: Sha) -> Facts:
        facts: set[tuple[str, str, object]] = set()
        for total in load_totals(self.db, sha) or ():
            missing = set(total.missing)
            facts.update((total.path, "missing", n) for n in missing)
            facts.update((total.path, "executed", n) for n in total.statements if n not in missing)
            facts.update((total.path, "excluded", n) for n in total.excluded)
            facts.update((total.path, "missing branch", arc) for arc in total.missing_branches)
            facts.add((total.path, "branches", total.branches))
        return frozenset(facts)

    def _outcome_facts(self, sha: Sha) -> Facts:
        stored = load_map(self.db, sha)
        assert stored is not None
        return _outcomes_as_facts({name: trace.outcome for name, trace in stored.tests().items()})

    def _missed(self, measured: Measure, full: FullRun) -> list[TestId]:
        """Tests that were carried over although their outcome changed between two full runs."""
        if measured.base is None or measured.base not in self.outcomes:
            return []
        before, now = self.outcomes[measured.base], full.outcomes
        unsteady_before = self.unsteady.get(measured.base, frozenset())
        base = load_map(self.db, measured.base)
        stored = load_map(self.db, measured.sha)
        assert base is not None
        assert stored is not None
        base_ids = {trace.id for trace in base.tests().values()}
        missed = []
        for name, trace in stored.tests().items():
            if trace.id not in base_ids or name in unsteady_before:
                continue
            if before.get(name) != now.get(name):
                missed.append(name)
        return sorted(missed)


def _outcomes_as_facts(outcomes: Mapping[TestId, str]) -> Facts:
    return frozenset((name, outcome, "outcome") for name, outcome in outcomes.items())


def _tests_of(facts: Facts) -> list[TestId]:
    """The tests of which some facts say the outcome."""
    return sorted({name for name, _, detail in facts if detail == "outcome"})


def _places(facts: Facts) -> set[tuple[str, object]]:
    """The lines (and outcomes) of some facts, by path (or test)."""
    return {(path, detail) for path, _, detail in facts}


def _in_words(facts: Facts, side: str) -> list[str]:
    lines = []
    for path, word, detail in sorted(facts, key=str):
        fact = word if detail == "outcome" else f"{word} {detail}"
        lines.append(f"{path}: {fact} ({side})")
    return lines


def summary(comparisons: list[Comparison]) -> Json:
    """The figures of a whole replay; the first commit, a full measure, is left out of the medians.

    Returns:
        How many commits were replayed, and how many of each verdict; tests missed; medians of
        the fraction selected and of the time in that of the full run (wall, processor).
    """
    later = [one for one in comparisons if not one.first and one.verdict != "broken"]
    verdicts = Counter(comparison.verdict for comparison in comparisons)
    return {
        "commits": len(comparisons),
        **{verdict: verdicts[verdict] for verdict in get_args(Verdict)},
        "missed": sum(len(comparison.missed) for comparison in comparisons),
        "selected": _median([one.fraction for one in later]),
        "ratio": _median([one.ratio for one in later if one.full_seconds]),
        "processor_ratio": _median([one.processor_ratio for one in later if one.full_processor]),
        "measured_at": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 4) if values else None
