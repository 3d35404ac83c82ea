"""One run of tests as several processes at once, each with a part of the test files.

A file is never taken apart, since its tests share module fixtures and what they leave in it. Files
stay together whose tests rest on each other, as earlier measures found, or share a session fixture
where that is not most of the suite. Each part runs in a copy of the tree and a sandbox of its own;
what they record is merged by the code that is tested to not depend on order or repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from copydesk.agent.coverage.measure.predecessors import FAILURES, QUICK_SUITE, culprits
from copydesk.agent.coverage.runner import Engine, Recording, RunOptions, merged, record_tests
from copydesk.agent.coverage.selection import AFTER, EVERY_FILE
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.progress import Progress
from copydesk.agent.records import TestId
from copydesk.agent.text import one_line

ATTEMPTS = 2
"""How often a part is run whose process was lost."""

UNKNOWN_SECONDS = 0.05
"""What a test is taken to last that was never run."""

SHARE_OF_FIXTURE = 0.5
"""Of one part's share of the suite: files that share a session fixture stay together up to that."""

SHOWN = 3

Recorder = Callable[[Engine, RunOptions], Recording]


def split(
    seconds: Mapping[str, float], groups: Iterable[Collection[str]], count: int
) -> list[list[str]]:
    """Test files in parts that last about equally long: the longest first, to the emptiest part.

    Graham, R. L. (1969), Bounds on multiprocessing timing anomalies: at most 4/3 of the best.

    Args:
        seconds: How long the tests of each file last, in the order in which the files run.
        groups: Files that stay together.
        count: How many parts at most.

    Returns:
        The parts, none empty, each in that order.
    """
    place = {path: number for number, path in enumerate(seconds)}
    loads = [0.0] * max(1, count)
    parts: list[list[str]] = [[] for _ in loads]
    units = [(sum(seconds[path] for path in unit), unit) for unit in _united(seconds, groups)]
    for load, unit in sorted(units, key=lambda item: (-item[0], place[item[1][0]])):
        emptiest = min(range(len(loads)), key=lambda number: (loads[number], number))
        loads[emptiest] += load
        parts[emptiest] += unit
    return [sorted(part, key=place.__getitem__) for part in parts if part]


def _united(files: Iterable[str], groups: Iterable[Collection[str]]) -> list[list[str]]:
    """The files in units that stay together: groups that share a file are one."""
    unit_of = {path: [path] for path in files}
    for group in groups:
        members = [path for path in group if path in unit_of]
        for path in members[1:]:
            first, other = unit_of[members[0]], unit_of[path]
            if first is not other:
                first += other
                unit_of.update(dict.fromkeys(other, first))
    return list({id(unit): unit for unit in unit_of.values()}.values())


def groups_of(base: CoverageMap, count: int) -> list[set[str]]:
    """The test files that stay together, as a map of a measured commit says.

    Args:
        base: The map.
        count: Into how many parts the suite is to be split.
    """
    tests = base.tests()
    groups = []
    of_fixture: dict[str, set[str]] = {}
    for name, trace in tests.items():
        resting = trace.needed(AFTER)
        if EVERY_FILE in resting:
            groups.append(set(map(file_of, tests)))
        elif resting:
            groups.append({file_of(name), *resting})
        for fixture in trace.needed("fixture"):
            if fixture.startswith("session:"):
                of_fixture.setdefault(fixture, set()).add(file_of(name))
    lasting: dict[str, float] = {}
    for name, trace in tests.items():
        lasting[file_of(name)] = lasting.get(file_of(name), 0.0) + trace.seconds
    most = SHARE_OF_FIXTURE * sum(lasting.values()) / max(1, count)
    small = (f for f in of_fixture.values() if sum(lasting[path] for path in f) <= most)
    return [*groups, *(files for files in small if len(files) > 1)]


@dataclass(slots=True)
class Shards:
    """Runs tests in several processes at once.

    Attributes:
        commit: The commit whose tests run.
        count: How many processes.
        say: Told what goes on.
        base: The map of a measured commit near it, once one is known.
        record: Runs one part.
        is_local: Whether it runs it here, so that each part needs a tree of its own.
        retries: Which parts were run again, and why.
        groups: Which tests rest on which files, as it was found now.
        unsettled: Tests that fail in a part, where a run in one process takes too long.
    """

    commit: Commit
    count: int
    say: Progress
    base: CoverageMap | None = None
    record: Recorder = record_tests
    is_local: bool = True
    retries: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    unsettled: list[TestId] = field(default_factory=list)

    def run(self, engine: Engine, options: RunOptions) -> Recording:
        """Run tests as `record_tests` does.

        Raises:
            CopydeskError: A part cannot be run, twice.
        """
        if self.count < 2 or options.collect_only:
            return self.record(engine, options)
        collected, options = self._collected(engine, options)
        groups = groups_of(self.base, self.count) if self.base else []
        parts = split(self._seconds(collected, options.skipped_tests), groups, self.count)
        if len(parts) < 2:
            return self.record(engine, options)
        self._describe(parts, groups)
        with ExitStack() as stack:
            engines = [engine] if self.is_local else [engine] * len(parts)
            for number in range(len(engines) + 1, len(parts) + 1):
                slot = f"measure-{number}"
                shot = stack.enter_context(
                    snapshot(
                        self.commit.repo, self.commit.sha, slot,
                        self.commit.checkout.files, asked_by_tests=True,
                    )
                )  # fmt: skip
                engines.append(replace(engine, tree=shot.path, objects=shot.objects))
            with ThreadPoolExecutor(len(parts)) as pool:
                jobs = [
                    pool.submit(self._part, number, each, options, part, engine)
                    for number, (each, part) in enumerate(zip(engines, parts, strict=True), 1)
                ]
                whole = merged([job.result() for job in jobs])
        return self._settled(engine, options, whole)

    def _settled(self, engine: Engine, options: RunOptions, whole: Recording) -> Recording:
        """Hold tests that fail in a part against a run in one process, up to the last of them.

        Those that pass there rest on what ran before them: they are marked with the files that
        they need, which stay with theirs from then on.
        """
        failed = self._newly_failed(whole)
        files = list(options.files or ())
        last = max((files.index(p) for p in map(file_of, failed) if p in files), default=-1)
        before = files[: last + 1]
        seconds = sum(t.seconds for name, t in whole.tests.items() if file_of(name) in before)
        if not failed or seconds > QUICK_SUITE:
            self.unsettled = sorted(failed)
            return whole
        self.say(f"{len(failed)} tests fail in a part: they run in one process, too")

        def run(paths: Sequence[str] | None, skipped: Collection[TestId]) -> Recording:
            more = replace(options, files=paths, skipped_tests=skipped, report=None)
            return self.record(engine, more)

        together = run(before, options.skipped_tests)
        resting = {}
        for name in sorted(failed & together.tests.keys()):
            if together.tests[name].outcome not in FAILURES:
                earlier = before[: before.index(file_of(name))]
                resting[name] = culprits(run, name, False, earlier)
                self.groups.append(f"{name} rests on {', '.join(resting[name])}")
        return _as_together(whole, together, resting)

    def _newly_failed(self, whole: Recording) -> set[TestId]:
        """The tests that fail in a recording, and did not in the map of the commit before."""
        base_tests = self.base.tests() if self.base else {}
        failed = {name for name, test in whole.tests.items() if test.outcome in FAILURES}
        return failed - {name for name, trace in base_tests.items() if trace.outcome in FAILURES}

    def describe(self) -> str:
        """What is to be said of the parts, as a piece of a measure's reason; empty for nothing."""
        pieces = [*self.groups, *(f"run again: {one}" for one in self.retries)]
        if self.unsettled:
            pieces.append(f"{len(self.unsettled)} tests fail in a part, not held against one run")
        return "; ".join(pieces)

    def _collected(
        self, engine: Engine, options: RunOptions
    ) -> tuple[Mapping[str, Sequence[TestId]], RunOptions]:
        """The tests of each file that is to be collected, and the options that name the files."""
        if options.files is not None:
            tests: dict[str, list[TestId]] = {path: [] for path in options.files}
            for name in self.base.tests() if self.base else ():
                if file_of(name) in tests:
                    tests[file_of(name)].append(name)
            return tests, options
        self.say("collecting the tests")
        collection = self.record(engine, replace(options, collect_only=True, report=None))
        by_file: dict[str, list[TestId]] = {path: [] for path in collection.errors}
        for name in collection.collected:
            by_file.setdefault(file_of(name), []).append(name)
        conftests = [p for p in self.commit.checkout.files if _concerns(p, by_file)]
        return by_file, replace(options, files=list(by_file), conftests=conftests)

    def _seconds(
        self, collected: Mapping[str, Sequence[TestId]], skipped: Collection[TestId]
    ) -> dict[str, float]:
        base_tests = self.base.tests() if self.base else {}
        left_out = set(skipped)
        seconds = {}
        for path, names in collected.items():
            lasting = [
                base_tests[name].seconds if name in base_tests else UNKNOWN_SECONDS
                for name in names
                if name not in left_out
            ]
            seconds[path] = UNKNOWN_SECONDS + sum(lasting)
        return seconds

    def _describe(self, parts: Sequence[Sequence[str]], groups: Sequence[Collection[str]]) -> None:
        where = "processes" if self.is_local else "parts, on workers"
        self.say(f"in {len(parts)} {where}, {', '.join(str(len(p)) for p in parts)} files")
        for group in groups[:SHOWN]:
            self.say(f"kept together: {', '.join(sorted(group)[:SHOWN])}")

    def _part(
        self, number: int, engine: Engine, options: RunOptions, files: list[str], first: Engine
    ) -> Recording:
        """Run one part; once more where its process is lost."""
        compiled = options.compiled_modules
        own = compiled.with_name(f"{compiled.name}-{number}") if compiled else None
        options = replace(options, files=files, report=None, compiled_modules=own)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _as_in(first, engine, self.record(engine, options))
            except CopydeskError as error:
                if attempt == ATTEMPTS or error.slug != "suite-broken":
                    raise
                self.retries.append(f"part {number}: {one_line(str(error))}")
                self.say(f"{self.retries[-1]}; it is run again")
        raise AssertionError("not reached")


def _as_together(
    whole: Recording, together: Recording, resting: Mapping[TestId, Sequence[str]]
) -> Recording:
    """A recording in which some tests are as they went in one process.

    Args:
        whole: The recording.
        together: That of the one process.
        resting: The files that each of the tests rests on.
    """
    tests, needs = dict(whole.tests), dict(whole.needs)
    lines, arcs = dict(whole.lines), dict(whole.arcs)
    for name, files in resting.items():
        context = f"test:{name}"
        tests[name] = together.tests[name]
        needs[context] = needs.get(context, frozenset()) | {(AFTER, path) for path in files}
        lines[context] = together.lines.get(context, {})
        arcs[context] = together.arcs.get(context, {})
    return replace(whole, tests=tests, needs=needs, lines=lines, arcs=arcs)


def _concerns(path: str, files: Collection[str]) -> bool:
    """Whether a file is a conftest above some test file."""
    pure = PurePosixPath(path)
    if pure.name != "conftest.py":
        return False
    return any(PurePosixPath(file).is_relative_to(pure.parent) for file in files)


def _as_in(first: Engine, engine: Engine, recording: Recording) -> Recording:
    """A recording as if it had been made in the first tree: variables name the tree."""
    ours, theirs = first.variable_digests(), engine.variable_digests()
    renamed = {
        ("env", f"{name}={digest}"): ("env", f"{name}={ours(name)}")
        for name, digest in theirs.by_name.items()
        if ours(name) != digest
    }
    if not renamed:
        return recording
    needs = {
        context: frozenset(renamed.get(pair, pair) for pair in pairs)
        for context, pairs in recording.needs.items()
    }
    return replace(recording, needs=needs)
