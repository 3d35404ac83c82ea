"""What a measure that was cut short had recorded, as a map to start the next one from.

The run of the tests says what it records while it goes on. When it is ended before its time, by a
newer commit or by a SIGKILL, what the tests had shown that ended whole is worth as much as ever:
their traces, with those that were carried over, make a map of that commit in which the other tests
never ran. A test counts as ended only where nothing of it can be missing: not while a fixture of
wider scope that it uses has its tear-down before it, and not where it started programs, which say
what they did at the end. The last one that ended never counts, so that some test is left to run,
and with it what pytest's hooks do at the end of a run.
"""

from __future__ import annotations

import contextlib
import secrets
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.runner import Recording, parse_report, read_report
from copydesk.agent.coverage.selection import UNFINISHED, Selection
from copydesk.agent.coverage.store import CoverageMap, Trace, add_traces, load_traces
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Conditions, RunningMeasure
from copydesk.agent.records import Json, Sha, TestId

KEPT = 5
"""Of how many measures that were cut short the records are kept."""

GARBLED = (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error)
"""What reading a file raises that is no stream."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class InterruptedMeasure:
    """The map of a commit whose measure was cut short, and the commit that it had started from."""

    map: CoverageMap
    base: Sha | None


def begin(db: Database, folder: Path, measure: RunningMeasure) -> Path:
    """Note that tests are about to run, and get the file for what is recorded meanwhile.

    Args:
        db: The desk.
        folder: Where that file goes.
        measure: What is known before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stream = folder / f"{measure.sha}-{secrets.token_hex(4)}"
    with transaction(db):
        # what was known of it before is a part of what is carried over now
        forget(db, measure.sha)
        in_use = db.unfinished.streams()
        for path in folder.iterdir():  # of a run that nobody waited for
            if str(path) not in in_use:
                _delete(path)
        db.unfinished.add(measure._replace(stream=str(stream)))
    return stream


def forget(db: Database, *shas: Sha) -> None:
    """Forget what was recorded of some commits, which are measured to the end now."""
    with transaction(db):
        for sha in shas:
            for stream in db.unfinished.delete(sha):
                _delete(Path(stream or "/"))


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def load_interrupted(
    db: Database,
    conditions: Conditions,
    files: Callable[[Sha], Mapping[str, str] | None],
) -> dict[Sha, InterruptedMeasure]:
    """What measures that were cut short had recorded under some conditions, the newest first.

    Args:
        db: The desk.
        conditions: The conditions.
        files: The files of a commit, blob by path; None where it is gone.
    """
    measures: dict[Sha, InterruptedMeasure] = {}
    for row in db.unfinished.newest_first():
        tree = files(row.sha) if len(measures) < KEPT else None
        if tree is None:
            forget(db, row.sha)
        elif row.conditions == conditions:
            coverage_map = _load(db, row, tree)
            if coverage_map is None:
                forget(db, row.sha)
            else:
                measures[row.sha] = InterruptedMeasure(coverage_map, row.base)
    return measures


def _load(db: Database, row: RunningMeasure, blobs: Mapping[str, str]) -> CoverageMap | None:
    """The map of a measure that was cut short; None where it is worth nothing.

    Args:
        db: The desk.
        row: What is known of the measure.
        blobs: The files of its commit, blob by path.
    """
    stored = load_traces(db, row.traces)
    if len(stored) != len(row.traces):
        return None  # pruned
    if row.tests is not None:
        return _map(row, stored, row.tests)
    try:
        return _read_stream(db, row, stored, blobs)
    except GARBLED:  # the tests themselves could write to that file
        return None


def _read_stream(
    db: Database, row: RunningMeasure, carried_over: Iterable[Trace], blobs: Mapping[str, str]
) -> CoverageMap | None:
    """The map that a stream makes, put on the desk; None where it tells nothing."""
    report = read_report(Path(row.stream))
    if not report.get("collected"):
        return None
    carried = {(trace.kind, trace.name): trace for trace in carried_over}
    recording = complete_part(
        report, parse_report(report, 0.0, "", lambda name: row.variables.get(name, "-"))
    )
    if recording is None:
        return None
    imported = _imported(carried, recording)
    selection = Selection(carried, set(), {}, reachable=lambda: imported)
    merged = merge(None, selection, recording, blobs, row.files)
    ended = {trace.name for trace in merged if trace.kind == "test"}
    to_run = [name for name in recording.collected if name not in ended]
    with transaction(db):
        ids = add_traces(db, merged, row.conditions.environment)
        db.unfinished.set_read(row.sha, ids, to_run)
    _delete(Path(row.stream))
    stored = [trace._replace(id=i) for trace, i in zip(merged, ids, strict=True)]
    return _map(row, stored, to_run)


def _imported(carried: Iterable[tuple[str, str]], recording: Recording) -> frozenset[str]:
    """The modules that were imported, in the run or in what was carried over."""
    modules = {name for kind, name in carried if kind == "import"}
    for context in recording.needs:
        kind, _, name = context.partition(":")
        if kind == "import":
            modules.add(name)
    return frozenset(modules)


def _map(row: RunningMeasure, stored: Iterable[Trace], to_run: Iterable[TestId]) -> CoverageMap:
    """The map of some traces, and of tests that never ran."""
    coverage_map = CoverageMap(row.sha, *row.conditions)
    for trace in stored:
        coverage_map.traces[trace.kind, trace.name] = trace
    for name in to_run:
        coverage_map.traces["test", name] = Trace("test", name, UNFINISHED, 0.0, ())
    return coverage_map


def complete_part(report: Json, recording: Recording) -> Recording | None:
    """What of a recording that was cut short is complete; None where nothing can be relied on.

    Args:
        report: What the probe said, up to its last word.
        recording: The same, taken apart.
    """
    doubtful = set(report.get("doubtful", ()))
    if any(context.startswith(("import:", "?")) for context in doubtful):
        return None
    for context, needs in recording.needs.items():
        if ("process", "") in needs:
            doubtful.add(context)
    doubtful.update(report.get("open", ()))
    tests = {}
    for name in list(recording.tests)[:-1]:
        test = recording.tests[name]
        if doubtful.isdisjoint((f"test:{name}", *test.fixtures)):
            tests[name] = test

    def is_complete(context: str) -> bool:
        kind, _, name = context.partition(":")
        return name in tests if kind == "test" else context not in doubtful or not context

    def complete(by_context: Mapping[str, _Value]) -> dict[str, _Value]:
        return {context: v for context, v in by_context.items() if is_complete(context)}

    return replace(
        recording,
        tests=tests,
        lines=complete(recording.lines),
        arcs=complete(recording.arcs),
        needs=complete(recording.needs),
    )


class RunProgress(NamedTuple):
    """How far the tests of a commit are: those that ended, those to run, those that failed."""

    sha: Sha
    ended: int
    tests: int
    failed: tuple[TestId, ...]


def progress(db: Database) -> list[RunProgress]:
    """How far the tests are that run now, or that were cut short; the last begun first."""
    runs = []
    for row in db.unfinished.newest_first():
        run = _progress(db, row) if row.tests is None else None
        if run is not None:
            runs.append(run)
    return runs


def _progress(db: Database, row: RunningMeasure) -> RunProgress | None:
    """How far one run is; None where it tells nothing, or has no test to run."""
    try:
        report = read_report(Path(row.stream))
        outcomes = {name: test["outcome"] for name, test in report.get("tests", {}).items()}
    except GARBLED:
        return None
    to_run = set(report.get("collected", ())) - db.traces.test_names(row.traces)
    if not to_run:
        return None
    failed = (name for name, outcome in outcomes.items() if outcome in ("failed", "error"))
    return RunProgress(row.sha, len(outcomes), len(to_run), tuple(failed))
