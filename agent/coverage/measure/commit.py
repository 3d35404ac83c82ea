"""Measuring a commit: snapshot, selection, run, map, total, gaps."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.coverage.measure import audit, flaky, interrupted, predecessors
from copydesk.agent.coverage.measure.baseline import find_base, measured_ancestor
from copydesk.agent.coverage.measure.blob_texts import BlobTexts, files_of
from copydesk.agent.coverage.measure.failed_tests import find_failed_tests
from copydesk.agent.coverage.measure.garbage_collection import without_garbage_collection
from copydesk.agent.coverage.measure.merge_traces import COLLECTION, merge
from copydesk.agent.coverage.measure.reusable_totals import (
    FileTotal,
    ReusableTotals,
    find_reusable_totals,
)
from copydesk.agent.coverage.runner import (
    Engine,
    Environment,
    ProjectInfo,
    Recording,
    Redirect,
    RunOptions,
    cached_probe,
    project_info,
    record_tests,
)
from copydesk.agent.coverage.selection import (
    Selection,
    after_predecessors,
    collection_order,
    conftests_for_all,
    describe,
    select,
    test_file_check,
)
from copydesk.agent.coverage.source import Tree, file_of
from copydesk.agent.coverage.store import (
    CoverageMap,
    Measure,
    Sum,
    Trace,
    add_traces,
    assemble,
    describe_missing,
    distinct_hits,
    load_map,
    record_gaps,
    store_new_traces,
    unite_hits,
)
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.desk.history import SeenCommit
from copydesk.agent.desk.measures import Conditions, RunningMeasure
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Interpreter, TestId
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

Order = Callable[[Sequence[str], Collection[TestId]], list[str]]
"""What puts test files in order, given the tests that are affected."""


@without_garbage_collection
def measure(
    db: Database,
    commit: Commit,
    *,
    say: Progress = silent,
    full: bool = False,
    interpreter: Interpreter | None = None,
    order: Order | None = None,
) -> Measure:
    """Measure a commit and put everything about it on the desk.

    Args:
        db: The repository's desk.
        commit: The commit.
        say: Told what is going on, a line at a time.
        full: Run every test, whatever is known.
        interpreter: What runs the tests; found by the repository's settings when left out.
        order: Puts the test files to run in order, given the tests that are affected.

    Raises:
        CopydeskError: It cannot be measured: no interpreter, no pytest, a broken suite.
    """
    started = time.monotonic()
    repo = commit.repo
    interpreter = interpreter or ready(repo)
    settings = config.load(repo, commit.sha)
    files = commit.checkout.files
    with snapshot(repo, commit.sha, entries=files) as shot:
        guard, why = sandbox_for_own_tests(settings.personal, interpreter, repo.worktree, shot.path)
        if guard is None:
            say(f"the tests run without a sandbox: {why}")
        engine = Engine(
            shot.path,
            interpreter,
            guard,
            cached_probe(repo.desk, interpreter),
            compiled=tuple(commit.checkout.extensions),
            redirect=Redirect.of(repo, interpreter),
        )
        blobs = files_of(files)
        project = project_info(engine, db, settings.project.tests, blobs)
        measurement = _Measurement(
            db, commit, engine, project, blobs, interpreter, settings, say, order
        )
        return measurement.run(full, started)


@dataclass(slots=True)
class _Plan:
    """What is run to measure a commit.

    `nearest` is the map of the measured commit that there is to start from, if any, `candidate`
    what of it would hold, and `audited` says that every test is run to see whether that is so.
    """

    reason: str
    nearest: CoverageMap | None = None
    old_blobs: Mapping[str, str] = field(default_factory=dict)
    candidate: Selection | None = None
    files: list[str] | None = None
    conftests: Sequence[str] = ()
    run_all: bool = False
    audited: bool = False

    @property
    def base(self) -> CoverageMap | None:
        """The map whose traces are carried over; None where every test is run."""
        return None if self.run_all else self.nearest

    @property
    def selection(self) -> Selection | None:
        """What is run and what is carried over; None where every test is run."""
        return None if self.run_all else self.candidate


@dataclass(slots=True)
class _Measurement:
    """The measuring of one commit, whose files are on the disk."""

    db: Database
    commit: Commit
    engine: Engine
    project: ProjectInfo
    blobs: dict[str, str]
    interpreter: Interpreter
    settings: config.Config
    say: Progress
    order: Order | None = None

    @property
    def environment(self) -> Environment:
        return self.project.environment

    @property
    def conditions(self) -> Conditions:
        return Conditions(self.environment.fingerprint, self.environment.branch)

    def run(self, full: bool, started: float) -> Measure:
        """Measure the commit.

        Args:
            full: Run every test, whatever is known.
            started: When the measure began, by the monotonic clock.
        """
        nearest, reason, old_blobs = find_base(self.commit, self.db, self.conditions)
        trees = [self.blobs, old_blobs] if nearest else [self.blobs]
        texts = BlobTexts.of(self.commit.repo, self.db, *trees)
        plan = _Plan(reason, nearest, old_blobs, run_all=full)
        if nearest is not None:
            self._select(plan, nearest, texts)
        if full:
            plan.reason = "every test, as asked"
        recording = self._collect(plan)
        traces = merge(plan.base, plan.selection, recording, self.blobs, plan.files)
        traces, recording = self._settled(plan, traces, recording)
        if nearest is not None and plan.candidate is not None:
            traces = flaky.mark_repeats(
                traces, nearest, plan.candidate, same_files=old_blobs == self.blobs
            )
            if plan.audited:
                drift = audit.find_drift(plan.candidate.carried, traces, self.blobs, texts)
                plan.reason = f"every test: an audit of the map; {audit.describe(drift)}"
        totals = self._totals(plan, traces, texts)
        measure = self._measure(plan, traces, totals, recording, time.monotonic() - started)
        failed_tests = self._failed_tests(traces, recording) if measure.failed else []
        self._store(measure, traces, totals, failed_tests, texts)
        describe_missing(self.db, self.commit.repo)
        return measure

    def _select(self, plan: _Plan, base: CoverageMap, texts: BlobTexts) -> None:
        """Select what is to be run, given the map of a measured commit."""
        roots = self.engine.roots_of_names()
        old = Tree(plan.old_blobs, texts, texts.imports, roots=roots)
        variables = self.engine.variable_digests()
        new = Tree(self.blobs, texts, texts.imports, variables, roots)
        selection = select(base, old, new, test_file_check(base))
        selection.carried = store_new_traces(self.db, selection.carried, base.environment)
        plan.candidate = selection
        plan.reason = describe(selection)
        full = plan.run_all
        plan.audited = not full and audit.is_due(self.db, self.settings.personal.audit_measures)
        plan.run_all = full or plan.audited
        files = collection_order(selection, plan.old_blobs, self.blobs, base)
        if self.order and files and not full:
            # an order is worth less than the measure
            with self.db.failed_items.contained("measure", self.commit.sha, "the order of tests"):
                files = after_predecessors(self.order(files, selection.affected), base)
        if not plan.run_all:
            plan.files = files
            plan.conftests = conftests_for_all(base, self.blobs, texts) if files else ()

    def _collect(self, plan: _Plan) -> Recording | None:
        """Run the tests; None where there is none to run."""
        selection, files = plan.selection, plan.files
        if selection is not None and files == []:
            self.say("no test is affected")
            return None
        count = f"{len(selection.affected)} affected" if selection else "all"
        self.say(f"running {count} tests")
        carried = selection.carried if selection else {}
        collected = None if files is None else set(files)
        carried_tests = []
        for kind, name in carried:
            if kind == "test" and (collected is None or file_of(name) in collected):
                carried_tests.append(name)
        options = self._options(plan, files, carried_tests, fresh=selection is None)
        report = self._begin(plan, carried.values())
        return record_tests(self.engine, replace(options, report=report))

    def _options(
        self,
        plan: _Plan,
        files: Sequence[str] | None,
        skipped_tests: Collection[TestId],
        *,
        fresh: bool = False,
    ) -> RunOptions:
        return RunOptions(
            files=files,
            conftests=plan.conftests,
            skipped_tests=skipped_tests,
            branch=self.environment.branch,
            compiled_modules=self._bytecode(fresh=fresh),
            tests=self.settings.project.tests,
            timeout=self.settings.personal.measure_seconds,
        )

    def _settled(
        self, plan: _Plan, traces: list[Trace], recording: Recording | None
    ) -> tuple[list[Trace], Recording | None]:
        """Hold new outcomes of a selected run against more tests, and keep what is known of that.

        Args:
            plan: What was run; says more of it afterwards.
            traces: The traces that make the commit so far.
            recording: What was run now.
        """
        if plan.nearest is None or recording is None:
            return traces, recording
        if plan.base is None or plan.selection is None:
            return predecessors.with_marks(traces, {}, plan.nearest), recording

        def run(files: Sequence[str] | None, skipped: Collection[TestId]) -> Recording:
            return record_tests(self.engine, self._options(plan, files, skipped))

        selected = predecessors.SelectedRun(
            plan.base, plan.selection, recording, self.blobs, plan.files, run, self.say
        )
        settled = selected.settled(traces)
        plan.reason = "; ".join(filter(None, [plan.reason, settled.describe()]))
        plan.run_all = plan.run_all or settled.ran_all
        return settled.traces, settled.recording

    def _begin(self, plan: _Plan, carried: Iterable[Trace]) -> Path:
        """Note that tests are about to run, and get the file for what is recorded meanwhile."""
        running = RunningMeasure(
            self.commit.sha,
            plan.base.sha if plan.base else None,
            self.conditions,
            files=plan.files,
            traces=[trace.id for trace in carried if trace.id is not None],
            tests=None,
            variables=self.engine.variable_digests().by_name,
            stream="",
        )
        with transaction(self.db):
            self.db.checkouts.put(self.commit.sha, self.commit.checkout.beside, unfinished=True)
            return interrupted.begin(self.db, self._folder("streams"), running)

    def _totals(self, plan: _Plan, traces: list[Trace], texts: BlobTexts) -> list[FileTotal]:
        """The totals of every file that counts: those that hold, and the others worked out."""
        reusable = self._reusable_totals(plan, traces)
        hits = reusable.hits if reusable else distinct_hits(traces)
        executed = unite_hits(hits, self.blobs, texts)
        counted = self.project.counted(executed.keys() & self.blobs.keys())
        if reusable:
            counted = [path for path in counted if path in reusable.changed]
        new = assemble(
            self.db, self.engine, executed, self.blobs, environment=self.environment, paths=counted
        )
        reused = list(reusable.by_path.values()) if reusable else []
        return reused + [FileTotal.of(total) for total in new]

    def _reusable_totals(self, plan: _Plan, traces: list[Trace]) -> ReusableTotals | None:
        if plan.base is None:
            return None
        return find_reusable_totals(
            self.db,
            plan.base,
            traces,
            old=plan.old_blobs,
            new=self.blobs,
            project=self.project,
        )

    def _folder(self, name: str) -> Path:
        """A folder of the desk that the tests may write to: guarded ones have their own."""
        return self.commit.repo.desk / name / ("guarded" if self.engine.guard else "plain")

    def _bytecode(self, *, fresh: bool) -> Path:
        """The folder of compiled modules: what guarded tests could write, no other run reads.

        Args:
            fresh: Begin with none, so that a full run rests on nothing that was there before.
        """
        folder = self._folder("bytecode")
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _measure(
        self,
        plan: _Plan,
        traces: list[Trace],
        totals: list[FileTotal],
        recording: Recording | None,
        seconds: float,
    ) -> Measure:
        """The measure in numbers."""
        outcomes = Counter(trace.outcome for trace in traces if trace.kind == "test")
        broken_files = sum(trace.kind == COLLECTION for trace in traces)
        total = Sum(
            executable=sum(file.sum.executable for file in totals),
            covered=sum(file.sum.covered for file in totals),
        )
        return Measure(
            sha=self.commit.sha,
            base=plan.base.sha if plan.base else None,
            reason=plan.reason,
            selected=len(recording.tests) if recording else 0,
            total=outcomes.total(),
            passed=outcomes["passed"] + outcomes["xfailed"] + outcomes["xpassed"],
            failed=outcomes["failed"] + outcomes["error"] + broken_files,
            skipped=outcomes["skipped"],
            executable=total.executable,
            covered=total.covered,
            percent=total.percent,
            seconds=seconds,
        )

    def _failed_tests(self, traces: list[Trace], recording: Recording | None) -> list[FailedTest]:
        """The tests that failed, beside how they went at the nearest measured ancestor."""
        former = measured_ancestor(self.commit, self.db)
        return find_failed_tests(
            traces, recording, load_map(self.db, former) if former else None, self.engine.tree
        )

    def _store(
        self,
        measure: Measure,
        traces: list[Trace],
        totals: list[FileTotal],
        failed_tests: list[FailedTest],
        texts: BlobTexts,
    ) -> None:
        """Write all that was found in one transaction."""
        sha = self.commit.sha
        # a submodule's tests are its own, and nobody tests what is generated
        tracked = self.commit.checkout.tracked
        unreached = [total.unreached for total in totals if total.unreached.path in tracked]
        changed = {path: change.lines for path, change in self.commit.changes.items()}
        version = ".".join(map(str, self.interpreter.version))
        with transaction(self.db):
            ids = add_traces(self.db, traces, self.environment.fingerprint)
            self._record_commit()
            self.db.jobs.done_by_hand("measure", sha)
            self.db.measures.add(
                measure,
                self.conditions,
                f"{self.interpreter.path} ({version})",
                traces=ids,
                totals=[total.id for total in totals],
            )
            self.db.failed_tests.replace(sha, failed_tests)
            self.db.checkouts.put(sha, self.commit.checkout.beside)
            record_gaps(self.db, sha, unreached, changed, texts.outline)
            interrupted.forget(self.db, sha, *([measure.base] if measure.base else []))
            texts.save()
            self._publish_policy()

    def _record_commit(self) -> None:
        info = self.commit.info
        parents = " ".join(info.parents)
        self.db.commits.record(
            [SeenCommit(info.sha, parents, info.author, info.date, info.subject)]
        )

    def _publish_policy(self) -> None:
        project = self.settings.project
        rules = {
            "fail_under": project.fail_under,
            "diff_fail_under": project.diff_fail_under,
            "tests_may_fail": config.tests_may_fail(
                project.tests_may_fail, self.settings.personal.failing_tests
            ),
        }
        self.db.measures.publish_policy(rules)
