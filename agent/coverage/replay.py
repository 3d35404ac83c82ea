"""Replaying history: is an incremental measure what a full run says?

Each commit is measured as copydesk does it, on a desk that is thrown away, and then by the
plainest means: `coverage run -m pytest` on all tests, in a snapshot of its own, in the same
interpreter. Lines, branches and outcomes are compared one by one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from copydesk.agent import config
from copydesk.agent.coverage import map as coverage_map
from copydesk.agent.coverage import totals as total_rows
from copydesk.agent.coverage.collect import NOTHING_COLLECTED, pytest_options
from copydesk.agent.coverage.engine import DEFAULT_OMIT, Engine
from copydesk.agent.coverage.measure import Measure, measure
from copydesk.agent.coverage.project import pytest_cov_options
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.interpreter import inspect, missing_error, provide, ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.process import ProcessError, run
from copydesk.agent.records import Interpreter, Json, Sha, TestId
from copydesk.agent.sandbox.suite import own_tests

Verdict = Literal["exact", "flaky", "inexact", "broken"]

_ASK = """
import coverage, importlib.util, json
c = coverage.Coverage(data_file=None, config_file=True, messages=False)
keys = ["source", "source_pkgs", "include"] + ["source_dirs"] * (coverage.version_info >= (7, 8))
print(json.dumps({
    "named": any(c.get_option("run:" + key) for key in keys),
    "omit": c.get_option("run:omit") or [],
    "branch": bool(c.get_option("run:branch")),
    "version": coverage.__version__,
    "plugins": [n for n in ("pytest_cov", "xdist") if importlib.util.find_spec(n)],
}))
"""

Facts = frozenset[tuple[str, str, object]]
"""What a report says: (path, word, line or branch), a fact each."""


@dataclass(frozen=True, slots=True)
class Elsewhere(Repository):
    """A repository whose desk lies in another folder, so that the user's own stays untouched."""

    place: Path

    @property
    def desk(self) -> Path:
        """The folder of the desk."""
        return self.place


@dataclass(frozen=True, slots=True)
class Reference:
    """A full run: what its report says, each test's outcome, wall and processor time (s)."""

    facts: Facts
    outcomes: Mapping[TestId, str]
    seconds: float
    processor: float


@dataclass(slots=True)
class Comparison:
    """One replayed commit.

    `differences` are facts that only one side has, said in words; `unsteady` those on which two
    full runs differ from each other; `missed` tests whose outcome changed since the base and that
    were not selected, `outcomes` what the full run says. Times are seconds: wall, and of the
    processor with all child processes (0 for full runs in the sandbox, where it is not known).
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
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Comparison]:
    """Replay commits in order, on a temporary desk.

    The first one is measured in full, to start from.

    Args:
        repo: The repository; it is only read.
        shas: The commits.
        python: The interpreter of the tests; found as for a measure when left out.
        say: Told what is going on, a line at a time.

    Raises:
        CopydeskError: The tests cannot be run for want of an interpreter or of packages.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-replay-") as folder:
        place = Path(folder).resolve() / "desk"
        aside = Elsewhere(repo.top, repo.git_dir, repo.common_dir, place)
        with open_desk(aside.desk) as db:
            work = _Replay(aside, db, _interpreter(aside, python), say)
            for number, sha in enumerate(shas):
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
    db: sqlite3.Connection
    interpreter: Interpreter
    say: Callable[[str], None]
    references: dict[Sha, Reference] = field(default_factory=dict)
    unsteady: dict[Sha, frozenset[TestId]] = field(default_factory=dict)
    """Tests on whose outcome two full runs of a commit disagreed: it is no point to start from."""

    def compare(self, sha: Sha, *, first: bool) -> Comparison:
        """Measure a commit both ways."""
        found = Comparison(sha, git.commit_info(self.repo, sha).subject, first)
        started = processor_time()
        try:
            done: Measure | None = measure(
                self.repo, self.db, sha, say=self.say, interpreter=self.interpreter
            )
        except CopydeskError as error:
            done, found.error = None, str(error)
        found.processor = processor_time() - started
        self.say("running every test under coverage")
        try:
            full = self.references[sha] = self._reference(sha)
        except CopydeskError as error:
            found.error = found.error or str(error)
            found.verdict = "broken" if done is None else "inexact"
            return found
        found.full_seconds, found.full_processor = full.seconds, full.processor
        found.outcomes = full.outcomes
        if done is None:
            found.verdict = "inexact"
            return found
        found.selected, found.total, found.reason = done.selected, done.total, done.reason
        found.seconds = done.seconds
        self._judge(found, done, full)
        return found

    def _judge(self, found: Comparison, done: Measure, full: Reference) -> None:
        mine = self._facts(done.sha) | self._outcome_facts(done.sha)
        theirs = full.facts | _said_of_tests(full.outcomes)
        different = mine ^ theirs
        if done.base in self.references:
            found.missed = self._missed(done, self.references[done.base].outcomes, full.outcomes)
            unsteady_before = self.unsteady.get(done.base, frozenset())
            found.missed = [name for name in found.missed if name not in unsteady_before]
        if not different and not found.missed:
            return
        self.say("they differ; running every test once more")
        again = self._reference(done.sha)
        unsteady = theirs ^ (again.facts | _said_of_tests(again.outcomes))
        names = frozenset(path for path, _, what in unsteady if what == "outcome")
        self.unsteady[done.sha] = names
        steady = {(path, line) for path, _, line in different}
        steady -= {(path, line) for path, _, line in unsteady}
        found.missed = [t for t in found.missed if again.outcomes.get(t) == full.outcomes.get(t)]
        found.verdict = "inexact" if steady or found.missed else "flaky"
        found.differences = _in_words(different & mine, "incremental")
        found.differences += _in_words(different & theirs, "full")
        found.unsteady = _in_words(unsteady, "one of two full runs")

    def _facts(self, sha: Sha) -> Facts:
        facts: set[tuple[str, str, object]] = set()
        for total in total_rows.of_commit(self.db, sha) or ():
            missing = set(total.missing)
            facts.update((total.path, "missing", n) for n in missing)
            facts.update((total.path, "executed", n) for n in total.statements if n not in missing)
            facts.update((total.path, "excluded", n) for n in total.excluded)
            facts.update((total.path, "missing branch", arc) for arc in total.missing_branches)
            facts.add((total.path, "branches", total.branches))
        return frozenset(facts)

    def _outcome_facts(self, sha: Sha) -> Facts:
        stored = coverage_map.load(self.db, sha)
        assert stored is not None
        return _said_of_tests({name: t.outcome for name, t in stored.tests().items()})

    def _missed(
        self, done: Measure, before: Mapping[TestId, str], now: Mapping[TestId, str]
    ) -> list[TestId]:
        """Tests that were carried over although their outcome changed."""
        base = coverage_map.load(self.db, done.base or "")
        this = coverage_map.load(self.db, done.sha)
        assert base is not None
        assert this is not None
        kept = {t.id for t in base.tests().values()} & {t.id for t in this.tests().values()}
        return sorted(
            name
            for name, trace in this.tests().items()
            if trace.id in kept and before.get(name) != now.get(name)
        )

    def _reference(self, sha: Sha) -> Reference:
        """A full run by the plainest means.

        Raises:
            CopydeskError: pytest could not run at all.
        """
        settings = config.load(self.repo, sha)
        with (
            snapshot(self.repo, sha, "reference") as shot,
            tempfile.TemporaryDirectory(prefix="copydesk-") as folder,
        ):
            guard, _ = own_tests(settings.personal, self.interpreter, self.repo.worktree, shot.path)
            engine, scratch = Engine(shot.path, self.interpreter, guard), Path(folder)
            data, outcomes = scratch / "data", scratch / "outcomes"
            env = engine.environ() | {"COPYDESK_OUTCOMES": str(outcomes), "COVERAGE_CORE": "ctrace"}
            coverage: list[str | Path] = [self.interpreter.path, "-m", "coverage"]
            asked = json.loads(
                run([self.interpreter.path, "-c", _ASK], cwd=shot.path, env=env).text
            )
            argv = [*coverage, "run", f"--data-file={data}", *_coverage_options(engine, asked)]
            argv += ["-m", "pytest", "-p", "copydesk_outcomes", *pytest_options(engine, scratch)]
            argv += ["--maxfail=0"]
            argv += ["--no-cov"] if "pytest_cov" in asked["plugins"] else []
            argv += ["-n0"] if "xdist" in asked["plugins"] else []
            started = processor_time()
            timeout = settings.personal.measure_seconds
            argv += settings.project.tests
            ended = engine.run_tests(argv, env, scratch=scratch, timeout=timeout)
            # nobody hears of the processor time of what runs in a namespace of its own
            processor = processor_time() - started if guard is None else 0.0
            said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
            if ended.returncode not in (0, 1, 2, NOTHING_COLLECTED) or not outcomes.exists():
                raise CopydeskError(
                    f"the full run ended with exit code {ended.returncode}\n{said[-2000:]}",
                    slug="reference-failed",
                    hint="Run `coverage run -m pytest` yourself.",
                )
            report = scratch / "report.json"
            argv = [*coverage, "json", "-i", f"--data-file={data}", "-o", report]
            run(argv, cwd=shot.path, env=env, timeout=300, check=False)
            facts: Facts = frozenset()
            if report.exists():  # else nothing was measured
                files = json.loads(report.read_text())["files"]
                facts = _reported(files, git.tree(self.repo, sha).keys())
            return Reference(facts, json.loads(outcomes.read_text()), ended.seconds, processor)


def _coverage_options(engine: Engine, asked: Json) -> list[str]:
    """The project's own configuration decides, or our defaults where it names no source."""
    source, branch = pytest_cov_options(engine.tree)
    options = ["--branch"] if branch and not asked["branch"] else []
    if not asked["named"]:
        options.append(f"--source={','.join(source or engine.roots())}")
        options.append(f"--omit={','.join([*asked['omit'], *DEFAULT_OMIT])}")
    return options


def _reported(files: Mapping[str, Json], of_commit: object) -> Facts:
    """The facts of coverage.py's JSON report, of files that the commit holds."""
    assert isinstance(of_commit, type({}.keys()))
    facts: set[tuple[str, str, object]] = set()
    for name, entry in files.items():
        path = name.replace(os.sep, "/")
        if path not in of_commit:
            continue
        for word in ("executed", "missing", "excluded"):
            facts.update((path, word, n) for n in entry[f"{word}_lines"])
        facts.update((path, "missing branch", (a, b)) for a, b in entry.get("missing_branches", []))
        facts.add((path, "branches", entry["summary"].get("num_branches", 0)))
    return frozenset(facts)


def _said_of_tests(outcomes: Mapping[TestId, str]) -> Facts:
    return frozenset((name, outcome, "outcome") for name, outcome in outcomes.items())


def _in_words(facts: frozenset[tuple[str, str, object]], side: str) -> list[str]:
    return [
        f"{path}: {word}" + (f" {what}" if what != "outcome" else "") + f" ({side})"
        for path, word, what in sorted(facts, key=str)
    ]


def processor_time() -> float:
    """Seconds of processor time of this process and all the children it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


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
