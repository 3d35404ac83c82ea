"""Measuring a commit: snapshot, selection, run, map, total, gaps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.coverage.measure import audit
from copydesk.agent.coverage.measure import baseline as bases
from copydesk.agent.coverage.measure import flaky as repeats
from copydesk.agent.coverage.measure import interrupted as learned
from copydesk.agent.coverage.measure.blob_texts import Blobs, files_of
from copydesk.agent.coverage.measure.gc_off import uncollected
from copydesk.agent.coverage.measure.merge_traces import COLLECTION, merge
from copydesk.agent.coverage.measure.reusable_totals import Row, Standing, row_of, standing
from copydesk.agent.coverage.runner import (
    Engine,
    Environment,
    ProjectInfo,
    Recording,
    RunOptions,
    cached_probe,
    project_info,
    record_tests,
)
from copydesk.agent.coverage.selection import (
    Selection,
    collection_order,
    describe,
    select,
    test_file_check,
)
from copydesk.agent.coverage.source import Tree, file_of
from copydesk.agent.coverage.store import Measure, Sum, assemble, different, united
from copydesk.agent.coverage.store import gaps as gap_rows
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.history import SeenCommit
from copydesk.agent.desk.measures import Conditions
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Interpreter, Sha, TestId
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

Order = Callable[[Sequence[str], Collection[TestId]], list[str]]
"""What puts test files in order, given the tests that are affected."""


@uncollected
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
    with snapshot(repo, commit.sha, entries=commit.tree) as shot:
        guard, why = sandbox_for_own_tests(settings.personal, interpreter, repo.worktree, shot.path)
        if guard is None:
            say(f"the tests run without a sandbox: {why}")
        engine = Engine(shot.path, interpreter, guard, cached_probe(repo.desk, interpreter))
        blobs = files_of(commit.tree)
        project = project_info(engine, db, settings.project.tests, blobs)
        work = _Work(db, commit, engine, project, blobs, interpreter, settings, say, order)
        return work.run(full, started)


@dataclass(slots=True)
class _Work:
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
    def repo(self) -> Repository:
        return self.commit.repo

    @property
    def sha(self) -> Sha:
        return self.commit.sha

    @property
    def environment(self) -> Environment:
        return self.project.environment

    def run(self, full: bool, started: float) -> Measure:
        base, reason = bases.find(self.repo, self.db, self.sha, self.environment, self._entries)
        blobs = self.blobs
        old_blobs = files_of(self.commit.tree_of(base.sha)) if base else {}
        read = Blobs.of(self.repo, self.db, blobs, *([old_blobs] if base else []))
        selection, files, audited, before, held = None, None, False, base, None
        if base is not None:
            old, new = Tree(old_blobs, read, read.imported), self._tree(read)
            selection = held = select(base, old, new, test_file_check(base))
            selection.carried = coverage_map.kept(self.db, selection.carried, base.environment)
            files = collection_order(selection, old_blobs, blobs, base)
            if self.order and files and not full:
                files = self.order(files, selection.affected)
            reason = describe(selection)
            audited = not full and audit.due(self.db, self.settings.personal.audit_measures)
            if full or audited:
                base, selection, files = None, None, None
        if full:
            reason = "every test, as asked"
        recording = self._collect(base, selection, files)
        traces = merge(base, selection, recording, blobs, files)
        if before is not None and held is not None:
            traces = repeats.marked(traces, before, held, same_files=old_blobs == blobs)
        if audited and held is not None:
            said = audit.in_words(audit.drift(held.carried, traces, blobs, read))
            reason = f"every test: an audit of the map; {said}"
        stands = standing(
            self.db, base, traces, old=old_blobs, new=blobs, project=self.project
        ) if base else None  # fmt: skip
        totals = self._totals(traces, stands, read)
        return self._store(base, reason, traces, totals, recording, read, started)

    def _totals(
        self, traces: list[coverage_map.Trace], stands: Standing | None, read: Blobs
    ) -> list[Row]:
        """The totals of every file that counts: those that stand, and the others worked out."""
        hits = stands.hits if stands else different(traces)
        found = united(hits, self.blobs, read)
        counted = self.project.counted(found.keys() & self.blobs.keys())
        rows = assemble(
            self.db, self.engine, found, self.blobs,
            environment=self.environment.rules, branch=self.environment.branch,
            counted=[path for path in counted if stands is None or path in stands.open],
        )  # fmt: skip
        return [*(stands.rows.values() if stands else ()), *map(row_of, rows)]

    def _tree(self, read: Blobs) -> Tree:
        return Tree(self.blobs, read, read.imported, self.engine.variable_digests())

    def _entries(self, sha: Sha) -> dict[str, str]:
        return files_of(self.commit.tree_of(sha))

    def _collect(
        self,
        base: coverage_map.CoverageMap | None,
        selection: Selection | None,
        files: list[str] | None,
    ) -> Recording | None:
        if selection is not None and files == []:
            self.say("no test is affected")
            return None
        held = selection.carried if selection else {}
        count = f"{len(selection.affected)} affected" if selection else "all"
        self.say(f"running {count} tests")
        wanted = None if files is None else set(files)
        tests = [name for kind, name in held if kind == "test"]
        begun = learned.Begun(
            self.sha, base.sha if base else None, *self.environment[:2], files,
            [trace.id for trace in held.values() if trace.id is not None],
            self.engine.variable_digests().by_name,
        )  # fmt: skip
        options = RunOptions(
            files=files,
            skipped_tests=[n for n in tests if wanted is None or file_of(n) in wanted],
            branch=self.environment.branch,
            compiled_modules=self._bytecode(fresh=selection is None),
            tests=self.settings.project.tests,
            timeout=self.settings.personal.measure_seconds,
            report=learned.begin(self.db, self._folder("streams"), begun),
        )
        return record_tests(self.engine, options)

    def _folder(self, name: str) -> Path:
        """A folder of the desk that the tests may write to: guarded ones have their own."""
        return self.repo.desk / name / ("guarded" if self.engine.guard else "plain")

    def _bytecode(self, *, fresh: bool) -> Path:
        """The folder of compiled modules: what guarded tests could write, no other run reads.

        Args:
            fresh: Begin with none, so that a full run rests on nothing that was there before.
        """
        folder = self._folder("bytecode")
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _store(
        self,
        base: coverage_map.CoverageMap | None,
        reason: str,
        traces: list[coverage_map.Trace],
        totals: list[Row],
        recording: Recording | None,
        read: Blobs,
        started: float,
    ) -> Measure:
        tests = [t for t in traces if t.kind == "test"]
        outcomes = [t.outcome for t in tests]
        failed = sum(o in ("failed", "error") for o in outcomes)
        failed += sum(t.kind == COLLECTION for t in traces)
        total = Sum(sum(t.sum.executable for t in totals), sum(t.sum.covered for t in totals))
        changed = {path: change.lines for path, change in self.commit.changes.items()}
        done = Measure(
            self.sha, base.sha if base else None, reason,
            len(recording.tests) if recording else 0, len(tests),
            sum(o in ("passed", "xfailed", "xpassed") for o in outcomes), failed,
            sum(o == "skipped" for o in outcomes),
            total.executable, total.covered, total.percent, time.monotonic() - started,
        )  # fmt: skip
        with transaction(self.db):
            ids = coverage_map.add_traces(self.db, traces, self.environment.fingerprint)
            self._remember(self.commit.info)
            self.db.measures.add(
                done,
                Conditions(self.environment.fingerprint, self.environment.branch),
                f"{self.interpreter.path} ({'.'.join(map(str, self.interpreter.version))})",
                traces=ids,
                totals=[row.id for row in totals],
            )
            unreached = [row.unreached for row in totals]
            gap_rows.record(self.db, self.sha, unreached, changed, read.outlined)
            learned.forget(self.db, self.sha, *([base.sha] if base else []))
            read.save()
            self._publish_policy()
        return done

    def _remember(self, info: git.CommitInfo) -> None:
        parents = " ".join(info.parents)
        self.db.commits.record(
            [SeenCommit(info.sha, parents, info.author, info.date, info.subject)]
        )

    def _publish_policy(self) -> None:
        project = self.settings.project
        rules = {
            "fail_under": project.fail_under,
            "diff_fail_under": project.diff_fail_under,
        }
        self.db.measures.publish_policy(rules)
