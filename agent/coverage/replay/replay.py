"""Replaying history: is an incremental measure what a full run says?

Each commit is measured as copydesk does it, on a desk that is thrown away, and then by the
plainest means: `coverage run -m pytest` on all tests, in a snapshot of its own, in the same
interpreter. Lines, branches and outcomes are compared one by one.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.replay.full_run import Facts, Reference, full_run, processor_time
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
from copydesk.agent.records import Interpreter, Json, Sha, TestId

Verdict = Literal["exact", "flaky", "inexact", "broken"]


@dataclass(frozen=True, slots=True)
class Elsewhere(Repository):
    """A repository whose desk lies in another folder, so that the user's own stays untouched."""

    place: Path

    @property
    def desk(self) -> Path:
        """The folder of the desk."""
        return self.place


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
    found = [git.resolve(repo, first or "HEAD"), *git.between(repo, revisions)]
    return found[-limit - 1 :] if limit else found


def replay(
    repo: Repository,
    shas: list[Sha],
    *,
    python: Path | None = None,
    say: Progress = silent,
    place: Path | None = None,
    done: Sequence[Comparison] = (),
) -> Iterator[Comparison]:
    """Replay commits in order, on a temporary desk.

    The first one is measured in full, to start from.

    Args:
        repo: The repository; it is only read.
        shas: The commits.
        python: The interpreter of the tests; found as for a measure when left out.
        say: Told what is going on, a line at a time.
        place: A folder for the desk, to go on from later.
        done: What was replayed before on the desk that lies there: it is not replayed again.

    Raises:
        CopydeskError: The tests cannot be run for want of an interpreter or of packages.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-replay-") as folder:
        place = (place or Path(folder) / "desk").resolve()
        aside = Elsewhere(repo.top, repo.git_dir, repo.common_dir, place)
        with open_desk(aside.desk) as db:
            work = _Replay(aside, db, _interpreter(aside, python), say)
            for found in done:
                work.outcomes[found.sha] = found.outcomes
                work.unsteady[found.sha] = frozenset(found.unsteady_tests)
            known = work.outcomes.keys() & set(shas)
            for number, sha in enumerate(shas):
                if sha not in known:
                    yield work.compare(sha, first=number == 0)


def _interpreter(repo: Repository, python: Path | None) -> Interpreter:
    if python is None:
        return ready(repo)
    try:
        found = inspect(repo, python.absolute(), "--python")
    except ProcessError as error:
        raise CopydeskError(
            f"{python} cannot be used: {error.reason}",
            slug="no-interpreter",
            hint="Name the Python of an environment in which the tests run.",
        ) from error
    if found.missing == ["coverage"]:
        found = provide(repo, found)
    if found.missing:
        raise missing_error(found)
    return found.interpreter


@dataclass(slots=True)
class _Replay:
    repo: Repository
    db: Database
    interpreter: Interpreter
    say: Progress
    outcomes: dict[Sha, Mapping[TestId, str]] = field(default_factory=dict)
    unsteady: dict[Sha, frozenset[TestId]] = field(default_factory=dict)
    """Tests on whose outcome two full runs of a commit disagreed: it is no point to start from."""

    def compare(self, sha: Sha, *, first: bool) -> Comparison:
        """Measure a commit both ways."""
        commit = Commit(self.repo, sha)
        found = Comparison(sha, commit.info.subject, first)
        started = processor_time()
        try:
            done: Measure | None = measure(
                self.db, commit, say=self.say, interpreter=self.interpreter
            )
        except CopydeskError as error:
            done, found.error = None, str(error)
        found.processor = processor_time() - started
        self.say("running every test under coverage")
        try:
            full = self._reference(sha)
        except CopydeskError as error:
            found.error = found.error or str(error)
            found.verdict = "broken" if done is None else "inexact"
            return found
        found.full_seconds, found.full_processor = full.seconds, full.processor
        found.outcomes = self.outcomes[sha] = full.outcomes
        if done is None:
            found.verdict = "inexact"
            return found
        found.selected, found.total, found.reason = done.selected, done.total, done.reason
        found.seconds = done.seconds
        self._judge(found, done, full)
        return found

    def _reference(self, sha: Sha) -> Reference:
        return full_run(self.repo, self.interpreter, sha)

    def _judge(self, found: Comparison, done: Measure, full: Reference) -> None:
        mine = self._facts(done.sha) | self._outcome_facts(done.sha)
        theirs = full.facts | _said_of_tests(full.outcomes)
        different = mine ^ theirs
        if done.base in self.outcomes:
            found.missed = self._missed(done, self.outcomes[done.base], full.outcomes)
            unsteady_before = self.unsteady.get(done.base, frozenset())
            found.missed = [name for name in found.missed if name not in unsteady_before]
        if not different and not found.missed:
            return
        self.say("they differ; running every test once more")
        again = self._reference(done.sha)
        unsteady = theirs ^ (again.facts | _said_of_tests(again.outcomes))
        names = frozenset(path for path, _, what in unsteady if what == "outcome")
        self.unsteady[done.sha], found.unsteady_tests = names, sorted(names)
        steady = {(path, line) for path, _, line in different}
        steady -= {(path, line) for path, _, line in unsteady}
        found.missed = [t for t in found.missed if again.outcomes.get(t) == full.outcomes.get(t)]
        found.verdict = "inexact" if steady or found.missed else "flaky"
        found.differences = _in_words(different & mine, "incremental")
        found.differences += _in_words(different & theirs, "full")
        found.unsteady = _in_words(unsteady, "one of two full runs")

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
        return _said_of_tests({name: t.outcome for name, t in stored.tests().items()})

    def _missed(
        self, done: Measure, before: Mapping[TestId, str], now: Mapping[TestId, str]
    ) -> list[TestId]:
        """Tests that were carried over although their outcome changed."""
        base = load_map(self.db, done.base or "")
        this = load_map(self.db, done.sha)
        assert base is not None
        assert this is not None
        kept = {t.id for t in base.tests().values()} & {t.id for t in this.tests().values()}
        return sorted(
            name
            for name, trace in this.tests().items()
            if trace.id in kept and before.get(name) != now.get(name)
        )


def _said_of_tests(outcomes: Mapping[TestId, str]) -> Facts:
    return frozenset((name, outcome, "outcome") for name, outcome in outcomes.items())


def _in_words(facts: frozenset[tuple[str, str, object]], side: str) -> list[str]:
    return [
        f"{path}: {word}" + (f" {what}" if what != "outcome" else "") + f" ({side})"
        for path, word, what in sorted(facts, key=str)
    ]


def summary(found: list[Comparison]) -> Json:
    """The figures of a whole replay; the first commit, a full measure, is left out of the medians.

    Returns:
        How many commits were replayed, and how many of each verdict; tests missed; medians of
        the fraction selected and of the time in that of the full run (wall, processor).
    """
    later = [c for c in found if not c.first and c.verdict != "broken"]

    def middle(values: list[float]) -> float | None:
        return round(statistics.median(values), 4) if values else None

    counts = {
        v: sum(c.verdict == v for c in found) for v in ("exact", "flaky", "inexact", "broken")
    }
    return {
        "commits": len(found),
        **counts,
        "missed": sum(len(c.missed) for c in found),
        "selected": middle([c.fraction for c in later]),
        "ratio": middle([c.ratio for c in later if c.full_seconds]),
        "processor_ratio": middle([c.processor_ratio for c in later if c.full_processor]),
        "measured_at": time.strftime("%Y-%m-%d", time.gmtime()),
    }
