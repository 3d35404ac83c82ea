"""Measuring a commit: snapshot, selection, run, map, total, gaps."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from copydesk.agent import config
from copydesk.agent.coverage.measure import audit
from copydesk.agent.coverage.measure import baseline as bases
from copydesk.agent.coverage.measure import flaky as repeats
from copydesk.agent.coverage.measure import interrupted as learned
from copydesk.agent.coverage.measure.gc_off import uncollected
from copydesk.agent.coverage.measure.merge_traces import COLLECTION, merge
from copydesk.agent.coverage.measure.reusable_totals import Row, Standing, row_of, standing
from copydesk.agent.coverage.runner.coverage_py import Engine, Environment
from copydesk.agent.coverage.runner.environment import Survey, survey
from copydesk.agent.coverage.runner.probe_cache import probe
from copydesk.agent.coverage.runner.run_tests import Recording, collect
from copydesk.agent.coverage.selection.affected import Selection, select
from copydesk.agent.coverage.selection.test_files_to_collect import (
    in_words,
    test_file_check,
    to_collect,
)
from copydesk.agent.coverage.source.import_graph import Import, imports_of
from copydesk.agent.coverage.source.tree_diff import Tree, file_of
from copydesk.agent.coverage.store import gaps as gap_rows
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.coverage.store.file_lines import Sum
from copydesk.agent.coverage.store.totals import assemble, different, united
from copydesk.agent.desk.drafts import now
from copydesk.agent.desk.known import Known
from copydesk.agent.desk.store import transaction
from copydesk.agent.git import repository as git
from copydesk.agent.git.command import GitFailed
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.records import Interpreter, Sha, TestId
from copydesk.agent.sandbox.suite import own_tests

Order = Callable[[Sequence[str], Collection[TestId]], list[str]]
"""What puts test files in order, given the tests that are affected."""


class Measure(NamedTuple):
    """A measured commit. `percent` is of 100, `seconds` wall time."""

    sha: Sha
    base: Sha | None
    reason: str
    selected: int
    total: int
    passed: int
    failed: int
    skipped: int
    executable: int
    covered: int
    percent: float
    seconds: float


_FIELDS = ", ".join(Measure._fields)


def stored(db: sqlite3.Connection, sha: Sha) -> Measure | None:
    """The measure of a commit, or None when it was not measured."""
    row = db.execute(f"SELECT {_FIELDS} FROM measures WHERE sha = ?", (sha,)).fetchone()
    return None if row is None else Measure(*row)


@dataclass(slots=True)
class Blobs:
    """Texts of blobs, read in bulk and kept, and what was worked out from them before.

    `later` are blobs that are read all together once one of them is asked for.
    """

    repo: Repository
    texts: dict[str, str] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    imports: Known | None = None
    outlines: Known | None = None
    _unasked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, repo: Repository, db: sqlite3.Connection, *trees: Mapping[str, str]) -> Blobs:
        """Be ready to read every Python file of some trees, given as blob by path.

        Read at once are those that differ between the trees.
        """
        mine = cls(repo)

        def outline(blob: str) -> gap_rows.Outline:
            return gap_rows.Outline.of(mine(blob))

        language = f"{sys.version_info[0]}.{sys.version_info[1]}"
        mine.imports = Known(db, f"imports/1/{language}", lambda blob: imports_of(mine(blob)))
        mine.outlines = Known(db, f"outline/2/{language}", outline)
        python = [{b for p, b in tree.items() if p.endswith(".py")} for tree in trees]
        every = set[str]().union(*python)
        differing = {blob for blob in every if not all(blob in tree for tree in python)}
        mine.later, mine._unasked = every - differing, every
        mine.read(differing)
        return mine

    def read(self, blobs: set[str]) -> None:
        """Read some at once."""
        self.texts |= {b: _text(raw) for b, raw in git.read_blobs(self.repo, blobs).items()}

    def __call__(self, blob: str) -> str:
        """The text of a blob."""
        if blob in self.later:
            self.read(self.later)
            self.later = set()
        if blob not in self.texts:
            self.texts[blob] = _text(git.read_blob(self.repo, blob))
        return self.texts[blob]

    def imported(self, blob: str) -> list[Import]:
        """The imports of a blob."""
        if self.imports and self._unasked:
            self.imports.fetch(self._unasked)  # who asks for one asks for most of them
            self._unasked = set()
        found = self.imports(blob) if self.imports else imports_of(self(blob))
        return [Import(name, tuple(names), level, lazy) for name, names, level, lazy in found]

    def outlined(self, blob: str) -> gap_rows.Outline:
        """The functions of a blob."""
        if self.outlines is None:
            return gap_rows.Outline.of(self(blob))
        return gap_rows.Outline.from_json(self.outlines(blob))

    def save(self) -> None:
        """Keep what was worked out."""
        for known in (self.imports, self.outlines):
            if known:
                known.save()


def files_of(entries: Mapping[str, git.Entry]) -> dict[str, str]:
    """The blob of every path of a tree that is a file."""
    return {path: entry.blob for path, entry in entries.items() if entry.mode != "120000"}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n").removeprefix("\ufeff")


@uncollected
def measure(
    repo: Repository,
    db: sqlite3.Connection,
    sha: Sha,
    *,
    say: Callable[[str], None] = lambda _: None,
    full: bool = False,
    interpreter: Interpreter | None = None,
    order: Order | None = None,
) -> Measure:
    """Measure a commit and put everything about it on the desk.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit.
        say: Told what is going on, a line at a time.
        full: Run every test, whatever is known.
        interpreter: What runs the tests; found by the repository's settings when left out.
        order: Puts the test files to run in order, given the tests that are affected.

    Raises:
        CopydeskError: It cannot be measured: no interpreter, no pytest, a broken suite.
    """
    started = time.monotonic()
    interpreter = interpreter or ready(repo)
    settings = config.load(repo, sha)
    entries = git.tree(repo, sha)
    with snapshot(repo, sha, entries=entries) as shot:
        guard, why = own_tests(settings.personal, interpreter, repo.worktree, shot.path)
        if guard is None:
            say(f"the tests run without a sandbox: {why}")
        engine = Engine(shot.path, interpreter, guard, probe(repo.desk, interpreter))
        blobs = files_of(entries)
        seen = survey(engine, db, settings.project.tests, blobs)
        work = _Work(repo, db, sha, engine, seen, blobs, interpreter, settings, say, order)
        return work.run(full, started)


@dataclass(slots=True)
class _Work:
    repo: Repository
    db: sqlite3.Connection
    sha: Sha
    engine: Engine
    survey: Survey
    blobs: dict[str, str]
    interpreter: Interpreter
    settings: config.Config
    say: Callable[[str], None]
    order: Order | None = None

    @property
    def environment(self) -> Environment:
        return self.survey.environment

    def run(self, full: bool, started: float) -> Measure:
        base, reason = bases.find(self.repo, self.db, self.sha, self.environment, self._entries)
        blobs = self.blobs
        old_blobs = files_of(git.tree(self.repo, base.sha)) if base else {}
        read = Blobs.of(self.repo, self.db, blobs, *([old_blobs] if base else []))
        selection, files, audited, before, held = None, None, False, base, None
        if base is not None:
            old, new = Tree(old_blobs, read, read.imported), self._tree(read)
            selection = held = select(base, old, new, test_file_check(base))
            selection.carried = coverage_map.kept(self.db, selection.carried, base.environment)
            files = to_collect(selection, old_blobs, blobs, base)
            if self.order and files and not full:
                files = self.order(files, selection.affected)
            reason = in_words(selection)
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
            self.db, base, traces, old=old_blobs, new=blobs, survey=self.survey
        ) if base else None  # fmt: skip
        totals = self._totals(traces, stands, read)
        return self._store(base, reason, traces, totals, recording, read, started)

    def _totals(
        self, traces: list[coverage_map.Trace], stands: Standing | None, read: Blobs
    ) -> list[Row]:
        """The totals of every file that counts: those that stand, and the others worked out."""
        hits = stands.hits if stands else different(traces)
        found = united(hits, self.blobs, read)
        counted = self.survey.counted(found.keys() & self.blobs.keys())
        rows = assemble(
            self.db, self.engine, found, self.blobs,
            environment=self.environment.rules, branch=self.environment.branch,
            counted=[path for path in counted if stands is None or path in stands.open],
        )  # fmt: skip
        return [*(stands.rows.values() if stands else ()), *map(row_of, rows)]

    def _tree(self, read: Blobs) -> Tree:
        return Tree(self.blobs, read, read.imported, self.engine.variables())

    def _entries(self, sha: Sha) -> dict[str, str]:
        return self.blobs if sha == self.sha else files_of(git.tree(self.repo, sha))

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
            [trace.id for trace in held.values() if trace.id is not None], self.engine.digests(),
        )  # fmt: skip
        return collect(
            self.engine,
            files=files,
            carried=[n for n in tests if wanted is None or file_of(n) in wanted],
            branch=self.environment.branch,
            bytecode=self._bytecode(fresh=selection is None),
            tests=self.settings.project.tests,
            timeout=self.settings.personal.measure_seconds,
            stream=learned.begin(self.db, self._folder("streams"), begun),
        )

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
        info = git.commit_info(self.repo, self.sha)
        parent = info.parents[0] if info.parents else None
        changed = {path: change.lines for path, change in self._changes(parent).items()}
        done = Measure(
            self.sha, base.sha if base else None, reason,
            len(recording.tests) if recording else 0, len(tests),
            sum(o in ("passed", "xfailed", "xpassed") for o in outcomes), failed,
            sum(o == "skipped" for o in outcomes),
            total.executable, total.covered, total.percent, time.monotonic() - started,
        )  # fmt: skip
        with transaction(self.db):
            ids = coverage_map.add_traces(self.db, traces, self.environment.fingerprint)
            self._remember(info)
            self.db.execute(
                f"INSERT OR REPLACE INTO measures ({_FIELDS}, environment, interpreter, branch,"
                f" traces, totals, measured_at) VALUES ({', '.join('?' * 18)})",
                (
                    *done,
                    self.environment.fingerprint,
                    f"{self.interpreter.path} ({'.'.join(map(str, self.interpreter.version))})",
                    int(self.environment.branch),
                    coverage_map.pack_ids(ids),
                    coverage_map.pack_ids(t.id for t in totals),
                    now(),
                ),
            )
            unreached = [row.unreached for row in totals]
            gap_rows.record(self.db, self.sha, unreached, changed, read.outlined)
            learned.forget(self.db, self.sha, *([base.sha] if base else []))
            read.save()
            self._publish_policy()
        return done

    def _changes(self, parent: Sha | None) -> dict[str, git.FileChange]:
        try:
            return git.changes(self.repo, parent, self.sha)
        except GitFailed:
            if parent is None or git.exists(self.repo, [parent]):
                raise
            return git.changes(self.repo, None, self.sha)  # a shallow clone, perhaps

    def _remember(self, info: git.CommitInfo) -> None:
        self.db.execute(
            "INSERT OR IGNORE INTO commits (sha, parents, author, authored_at, subject, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (info.sha, " ".join(info.parents), info.author, info.date, info.subject, time.time()),
        )

    def _publish_policy(self) -> None:
        project = self.settings.project
        for key in ("fail_under", "diff_fail_under"):
            self.db.execute(
                "INSERT OR REPLACE INTO policy (key, value) VALUES (?, ?)",
                (key, str(getattr(project, key))),
            )
