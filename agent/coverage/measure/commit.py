"""Measuring a commit: snapshot, selection, run, map, total, gaps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.coverage.measure import (
    audit,
    flaky,
    foreign_records,
    interrupted,
    predecessors,
)
from copydesk.agent.coverage.measure.baseline import find_base, measured_ancestor
from copydesk.agent.coverage.measure.blob_texts import BlobTexts, files_of
from copydesk.agent.coverage.measure.failed_tests import find_failed_tests
from copydesk.agent.coverage.measure.figures import figures
from copydesk.agent.coverage.measure.garbage_collection import without_garbage_collection
from copydesk.agent.coverage.measure.gate_rules import gate_rules
from copydesk.agent.coverage.measure.isolated_children import explained, worktree_remark
from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.measure.not_there import with_reasons
from copydesk.agent.coverage.measure.on_dask import Cluster
from copydesk.agent.coverage.measure.passed_over import never_run
from copydesk.agent.coverage.measure.plan import Plan
from copydesk.agent.coverage.measure.projects import ReadyProject, ReadyProjects, ready_projects
from copydesk.agent.coverage.measure.reusable_totals import (
    FileTotal,
    ReusableTotals,
    find_reusable_totals,
)
from copydesk.agent.coverage.measure.scripts import counted_scripts, known_scripts, published
from copydesk.agent.coverage.measure.shards import Shards
from copydesk.agent.coverage.measure.shipped import Shipping
from copydesk.agent.coverage.runner import (
    Environment,
    Recording,
    RunOptions,
    united,
)
from copydesk.agent.coverage.selection import (
    after_predecessors,
    collection_order,
    conftests_for_all,
    describe,
    select,
    test_file_check,
)
from copydesk.agent.coverage.source import GIT_HEAD, Tree, file_of
from copydesk.agent.coverage.store import (
    CoverageMap,
    Measure,
    Trace,
    add_traces,
    assemble,
    describe_missing,
    distinct_hits,
    load_map,
    prepare_gaps,
    store_new_traces,
    unite_hits,
)
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.desk.history import SeenCommit
from copydesk.agent.desk.measures import Conditions, RunningMeasure
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Interpreter, TestId

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
    workers: int = 1,
    cluster: Cluster | None = None,
) -> Measure:
    """Measure a commit and put everything about it on the desk.

    Args:
        db: The repository's desk.
        commit: The commit.
        say: Told what is going on, a line at a time.
        full: Run every test, whatever is known.
        interpreter: What runs the tests; found by the repository's settings when left out.
        order: Puts the test files to run in order, given the tests that are affected.
        workers: How many processes run them.
        cluster: Runs them instead of processes here.

    Raises:
        CopydeskError: It cannot be measured: no interpreter, no pytest, a broken suite.
    """
    started = time.monotonic()
    repo = commit.repo
    personal = config.load_personal(repo)[0]
    files = commit.checkout.files
    with snapshot(repo, commit.sha, entries=files, asked_by_tests=True) as shot:
        projects = ready_projects(db, commit, shot, interpreter, say)
        blobs = files_of(files)
        shards = Shards(commit, cluster.parts if cluster else workers, say)
        if cluster:
            shards.is_local = False
            shards.record = Shipping(commit, cluster.send, say, shards.retries)
        measurement = _Measurement(db, commit, projects, blobs, personal, say, shards, order)
        measurement.absent = {**commit.checkout.absent, **shot.unconverted}
        return measurement.run("every test, as asked" if full else "", started)


@dataclass(slots=True)
class _Measurement:
    """The measuring of one commit, whose files are on the disk.

    `whole` are the folders of projects of which all tests are run, whichever are selected.
    """

    db: Database
    commit: Commit
    projects: ReadyProjects
    blobs: dict[str, str]
    personal: config.Personal
    say: Progress
    shards: Shards
    order: Order | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    whole: Collection[str] = ()

    @property
    def environment(self) -> Environment:
        return self.projects.environment

    @property
    def conditions(self) -> Conditions:
        return Conditions(self.environment.fingerprint, self.environment.branch)

    def run(self, full: str, started: float) -> Measure:
        """Measure the commit.

        Args:
            full: Why to run every test, whatever is known; empty to run those that are affected.
            started: When the measure began, by the monotonic clock.
        """
        self.db.foreign_maps.put_environment(self.environment.fingerprint, self.environment.parts)
        nearest, reason, old_blobs = self._base()
        old_blobs = self._with_git_head(nearest, old_blobs)
        self.shards.base = nearest
        trees = [self.blobs, old_blobs] if nearest else [self.blobs]
        texts = BlobTexts.of(self.commit.repo, self.db, *trees)
        plan = Plan(reason, nearest, old_blobs, run_all=bool(full))
        if nearest is not None:
            self._select(plan, nearest, texts)
        if full:
            plan.reason = full
        recording = self._collect(plan)
        traces = merge(plan.base, plan.selection, recording, self.blobs, plan.files)
        traces, recording = self._settled(plan, traces, recording)
        if plan.sampled and (wrong := self._disproved(plan, traces, texts)):
            return self.run(f"every test: {wrong}", started)
        if nearest is not None and plan.candidate is not None:
            traces = flaky.mark_repeats(
                traces, nearest, plan.candidate, same_files=old_blobs == self.blobs
            )
            if plan.audited:
                drift = audit.find_drift(plan.candidate.carried, traces, self.blobs, texts)
                plan.reason = f"every test: an audit of the map; {audit.describe(drift)}"
        remark = worktree_remark(traces, self.projects)
        parts = self.shards.describe()
        plan.reason = "; ".join(filter(None, [plan.reason, remark, parts]))
        totals = self._totals(plan, traces, texts)
        measure = figures(
            self.commit.sha, plan, traces, totals, recording, time.monotonic() - started
        )
        failed_tests = self._failed_tests(traces, recording) if measure.failed else []
        self._store(measure, traces, totals, failed_tests, texts)
        if nearest is not None:  # what a measure that was cut short had learned is in this one
            interrupted.forget(self.db, nearest.sha)
        describe_missing(self.db, self.commit.repo)
        return measure

    def _base(self) -> tuple[CoverageMap | None, str, Mapping[str, str]]:
        """The map to start from, if any, or why there is none; and the files it is of."""
        base = find_base(self.commit, self.db, self.conditions, self.projects.conditions)
        if base.map is None or not base.reconfigured:
            return base.map, base.why, base.files
        self.whole = base.reconfigured
        return self.projects.reconfigured(base.map, base.reconfigured), base.why, base.files

    def _with_git_head(
        self, nearest: CoverageMap | None, old_blobs: Mapping[str, str]
    ) -> Mapping[str, str]:
        """The files of the map to start from; what git says differs with each commit."""
        if not self.projects.first.engine.objects:
            return old_blobs
        self.blobs = {**self.blobs, GIT_HEAD: self.commit.sha}
        return {**old_blobs, GIT_HEAD: nearest.sha} if nearest else {}

    def _select(self, plan: Plan, base: CoverageMap, texts: BlobTexts) -> None:
        """Select what is to be run, given the map of a measured commit."""
        roots = self.projects.roots
        scripts = known_scripts(self.db, [plan.old_blobs, self.blobs], texts)
        old = Tree(plan.old_blobs, texts, texts.imports, roots=roots, scripts=scripts)
        variables = self.projects.first.engine.variable_digests()
        new = Tree(self.blobs, texts, texts.imports, variables, roots, scripts)
        selection = select(base, old, new, test_file_check(base))
        selection.carried = store_new_traces(self.db, selection.carried, base.environment)
        plan.candidate = selection
        plan.reason = describe(selection)
        full = plan.run_all
        plan.audited = not full and audit.is_due(self.db, self.personal.audit_measures)
        plan.run_all = full or plan.audited
        files = collection_order(selection, plan.old_blobs, self.blobs, base)
        if self.order and files and not full:
            # an order is worth less than the measure
            with self.db.failed_items.contained("measure", self.commit.sha, "the order of tests"):
                files = after_predecessors(self.order(files, selection.affected), base)
        if plan.run_all:
            return
        plan.sampled = foreign_records.take_sample(self.db, selection, self.commit.sha)
        plan.reason = describe(selection)
        if base.foreign:  # every file is collected: a test that others left out would never run
            plan.reason = f"{plan.reason}; starts from the map of {base.foreign}"
        else:
            plan.files = foreign_records.with_files_of(files, plan.sampled)
            plan.conftests = conftests_for_all(base, self.blobs, texts) if plan.files else ()

    def _disproved(self, plan: Plan, traces: list[Trace], texts: BlobTexts) -> str:
        """What is wrong with records of others that were made again; empty where they hold."""

        def again(tests: Collection[TestId]) -> list[Trace]:
            files = sorted(set(map(file_of, tests)))
            recorded = self._record_all(self._options(plan, files, ()))
            return merge(None, None, recorded, self.blobs, files)

        return foreign_records.disproved(
            self.db, foreign_records.Sample(plan.sampled, self.blobs, texts), traces, again
        )

    def _collect(self, plan: Plan) -> Recording | None:
        """Run the tests; None where there is none to run."""
        selection, files = plan.selection, plan.files
        if selection is not None and files == [] and not self.whole:
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
        if self.projects.is_plain:  # what several runs record does not fit into one stream
            options = replace(options, report=self._begin(plan, carried.values()))
        return self._record_all(options)

    def _options(
        self,
        plan: Plan,
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
            timeout=self.personal.measure_seconds,
        )

    def _settled(
        self, plan: Plan, traces: list[Trace], recording: Recording | None
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
            return self._record_all(self._options(plan, files, skipped))

        selected = predecessors.SelectedRun(
            plan.base, plan.selection, recording, self.blobs, plan.files, run, self.say
        )
        settled = selected.settled(traces)
        plan.reason = "; ".join(filter(None, [plan.reason, settled.describe()]))
        plan.run_all = plan.run_all or settled.ran_all
        return settled.traces, settled.recording

    def _record_all(self, options: RunOptions) -> Recording:
        """Run tests of all projects."""
        if self.projects.is_plain:
            return self._record(self.projects.first, options)
        return united(self._record_each(options))

    def _record_each(self, options: RunOptions) -> Iterator[Recording]:
        """Run the tests of each project that has some to run."""
        whole, self.whole = self.whole, ()  # once; what is run again is some tests
        for project in self.projects.each:
            files = None if project.folder in whole else options.files
            if files is not None:
                files = [path for path in files if project.holds(path)]
            if files == []:
                continue
            self.say(f"in {project.folder or 'the top folder'}:")
            tests = [name for name in options.skipped_tests if project.holds(name)]
            yield self._record(project, replace(options, files=files, skipped_tests=tests))

    def _record(self, project: ReadyProject, options: RunOptions) -> Recording:
        """Run the tests of one project.

        Raises:
            CopydeskError: They cannot be run; where there are several projects, it names the one.
        """
        options = replace(options, tests=project.settings.tests, ignored=project.nested)
        try:
            return self.shards.run(project.engine, options)
        except CopydeskError as error:
            if self.projects.is_plain:
                raise
            place = project.folder or "the top folder"
            raise CopydeskError(f"in {place}: {error}", slug=error.slug, hint=error.hint) from error

    def _begin(self, plan: Plan, carried: Iterable[Trace]) -> Path:
        """Note that tests are about to run, and get the file for what is recorded meanwhile."""
        running = RunningMeasure(
            self.commit.sha,
            plan.base.sha if plan.base else None,
            self.conditions,
            files=plan.files,
            traces=[trace.id for trace in carried if trace.id is not None],
            tests=None,
            variables=self.projects.first.engine.variable_digests().by_name,
            stream="",
        )
        with transaction(self.db):
            self.db.checkouts.put(self.commit.sha, self.commit.checkout.beside, unfinished=True)
            return interrupted.begin(self.db, self._folder("streams"), running)

    def _totals(self, plan: Plan, traces: list[Trace], texts: BlobTexts) -> list[FileTotal]:
        """The totals of every file that counts: those that hold, and the others worked out."""
        reusable = self._reusable_totals(plan, traces)
        hits = reusable.hits if reusable else distinct_hits(traces)
        executed = unite_hits(hits, self.blobs, texts)
        totals = list(reusable.by_path.values()) if reusable else []
        for project in self.projects.each:
            counted = project.info.counted(executed.keys() & self.blobs.keys())
            counted += counted_scripts(project, executed, self.blobs, texts)
            if reusable:
                counted = [path for path in counted if path in reusable.changed]
            environment = project.info.environment
            assembled = assemble(
                self.db, project.engine, executed, self.blobs,
                environment=environment, paths=counted,
            )  # fmt: skip
            totals += [FileTotal.of(total) for total in assembled.totals]
            is_reached = executed.keys() | {total.unreached.path for total in totals}
            reasons = {**never_run(project.info, is_reached), **assembled.reasons}
            self._pass_over(reasons)
        return totals

    def _pass_over(self, reasons: Mapping[str, str]) -> None:
        """Note files that coverage.py says nothing of; others' are not the commit's."""
        tracked = self.commit.checkout.tracked
        self.passed_over.update({p: why for p, why in reasons.items() if p in tracked})

    def _reusable_totals(self, plan: Plan, traces: list[Trace]) -> ReusableTotals | None:
        if plan.base is None:
            return None
        return find_reusable_totals(
            self.db,
            plan.base,
            traces,
            old=plan.old_blobs,
            new=self.blobs,
            project=self.projects.info,
        )

    def _folder(self, name: str) -> Path:
        """A folder of the desk that the tests may write to: guarded ones have their own."""
        return (
            self.commit.repo.desk
            / name
            / ("guarded" if self.projects.first.engine.guard else "plain")
        )

    def _bytecode(self, *, fresh: bool) -> Path:
        """The folder of compiled modules: what guarded tests could write, no other run reads.

        Args:
            fresh: Begin with none, so that a full run rests on nothing that was there before.
        """
        folder = self._folder("bytecode")
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _failed_tests(self, traces: list[Trace], recording: Recording | None) -> list[FailedTest]:
        """The tests that failed, beside how they went at the nearest measured ancestor."""
        former = measured_ancestor(self.commit, self.db)
        tests = find_failed_tests(
            traces,
            recording,
            load_map(self.db, former) if former else None,
            self.projects.first.engine.tree,
        )
        return explained(with_reasons(tests, self.absent), traces, self.projects)

    def _store(
        self,
        measure: Measure,
        traces: list[Trace],
        totals: list[FileTotal],
        failed_tests: list[FailedTest],
        texts: BlobTexts,
    ) -> None:
        """Write all that was found in one transaction, most of it before: nobody waits for that."""
        sha = self.commit.sha
        # a submodule's tests are its own, and nobody tests what is generated
        tracked = self.commit.checkout.tracked
        unreached = [total.unreached for total in totals if total.unreached.path in tracked]
        changed = {path: change.lines for path, change in self.commit.changes.items()}
        interpreters = {project.interpreter for project in self.projects.each}
        python = "; ".join(sorted(map(_in_words, interpreters)))
        file_gaps = prepare_gaps(self.db, sha, unreached, changed, texts.outline)
        texts.save()
        with transaction(self.db):
            ids = add_traces(self.db, traces, self.environment.fingerprint)
            self._record_commit()
            self.db.jobs.done_by_hand("measure", sha)
            self.db.measures.add(
                measure,
                self.conditions,
                python,
                traces=ids,
                totals=[total.id for total in totals],
            )
            self.db.foreign_maps.note_use(sha, ids)
            self.db.failed_tests.replace(sha, failed_tests)
            self.db.checkouts.put(sha, self.commit.checkout.beside)
            self.db.passed_over.replace(sha, self.passed_over)
            each = self.projects.totals(traces, totals)
            self.db.measures.set_projects(sha, each, self.projects.conditions)
            self.db.gaps.replace(sha, file_gaps)
            interrupted.forget(self.db, sha)
            scripts = published(total.unreached.path for total in totals)
            self.db.measures.publish_policy(gate_rules(self.projects, self.personal, scripts))

    def _record_commit(self) -> None:
        info = self.commit.info
        parents = " ".join(info.parents)
        self.db.commits.record(
            [SeenCommit(info.sha, parents, info.author, info.date, info.subject)]
        )


def _in_words(interpreter: Interpreter) -> str:
    return f"{interpreter.path} ({'.'.join(map(str, interpreter.version))})"
