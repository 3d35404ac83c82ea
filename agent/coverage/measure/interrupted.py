"""What a measure that was cut short had learned, as a map to start the next one from.

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.runner import Recording, parse_report, read_report
from copydesk.agent.coverage.selection import UNFINISHED, Selection
from copydesk.agent.coverage.store import CoverageMap, Trace
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Conditions, RunningMeasure
from copydesk.agent.records import Json, Sha, TestId

KEPT = 5
"""Of how many measures that were cut short is kept what they had learned."""


GARBLED = (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error)
"""What reading a file raises that is no stream."""


class Begun(NamedTuple):
    """A measure about to run tests. `variables` has a digest of each variable that they see."""

    sha: Sha
    base: Sha | None
    environment: str
    branch: bool
    files: list[str] | None
    carried: list[int]
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Learned:
    """The map of a commit whose measure was cut short, and the map that it had started from."""

    map: CoverageMap
    base: Sha | None


def begin(db: Database, folder: Path, begun: Begun) -> Path:
    """Note that tests are about to run, and get the file for what is recorded meanwhile.

    Args:
        db: The desk.
        folder: Where that file goes.
        begun: What is known before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stream = folder / f"{begun.sha}-{secrets.token_hex(4)}"
    with transaction(db):
        # what was known of it before is a part of what is carried over now
        forget(db, begun.sha)
        wanted = db.unfinished.streams()
        for path in folder.iterdir():  # of a run that nobody waited for
            if str(path) not in wanted:
                with contextlib.suppress(OSError):
                    path.unlink()
        db.unfinished.add(
            RunningMeasure(
                begun.sha,
                begun.base,
                Conditions(begun.environment, begun.branch),
                files=begun.files,
                traces=begun.carried,
                tests=None,
                variables=begun.variables,
                stream=str(stream),
            )
        )
    return stream


def forget(db: Database, *shas: Sha) -> None:
    """Forget what was learned of some commits, which are measured to the end now."""
    with transaction(db):
        for sha in shas:
            for stream in db.unfinished.delete(sha):
                with contextlib.suppress(OSError):
                    Path(stream or "/").unlink()


def known(
    db: Database,
    environment: str,
    branch: bool,
    blobs: Callable[[Sha], Mapping[str, str] | None],
) -> dict[Sha, Learned]:
    """What measures that were cut short had learned in an environment, the newest first.

    Args:
        db: The desk.
        environment: The fingerprint of the environment.
        branch: Whether arcs are wanted.
        blobs: The files of a commit, blob by path; None where it is gone.
    """
    found: dict[Sha, Learned] = {}
    for row in db.unfinished.newest_first():
        sha = row.sha
        tree = blobs(sha) if len(found) < KEPT else None
        if tree is None:
            forget(db, sha)
        elif row.conditions == (environment, branch):
            try:
                learned = _taken_in(db, row, tree) if row.tests is None else _loaded(db, row)
            except GARBLED:  # the tests themselves could write to that file
                learned = None
            if learned is None:
                forget(db, sha)
            else:
                found[sha] = Learned(learned, row.base)
    return found


def _taken_in(db: Database, row: RunningMeasure, blobs: Mapping[str, str]) -> CoverageMap | None:
    """The map that a stream makes, put on the desk; None where it tells nothing."""
    told = read_report(Path(row.stream))
    carried = {(t.kind, t.name): t for t in coverage_map.load_traces(db, row.traces)}
    if not told.get("collected") or len(carried) != len(row.traces):
        return None
    recording = whole(told, parse_report(told, 0.0, "", lambda name: row.variables.get(name, "-")))
    if recording is None:
        return None
    modules = frozenset(
        context.partition(":")[2] for context in recording.needs if context.startswith("import:")
    )
    reachable = modules | {name for kind, name in carried if kind == "import"}
    selection = Selection(carried, set(), {}, reachable=lambda: reachable)
    traces = merge(None, selection, recording, blobs, row.files)
    ended = {trace.name for trace in traces if trace.kind == "test"}
    left = [name for name in recording.collected if name not in ended]
    with transaction(db):
        ids = coverage_map.add_traces(db, traces, row.conditions.environment)
        db.unfinished.set_read(row.sha, ids, left)
    with contextlib.suppress(OSError):
        Path(row.stream).unlink()
    traces = [trace._replace(id=i) for trace, i in zip(traces, ids, strict=True)]
    return _map(row, traces, left)


def _loaded(db: Database, row: RunningMeasure) -> CoverageMap | None:
    traces = coverage_map.load_traces(db, row.traces)
    if len(traces) != len(row.traces):
        return None  # pruned
    return _map(row, traces, row.tests or [])


def _map(row: RunningMeasure, traces: list[Trace], left: list[TestId]) -> CoverageMap:
    found = CoverageMap(row.sha, *row.conditions)
    found.traces = {(t.kind, t.name): t for t in traces}
    for name in left:
        found.traces["test", name] = Trace("test", name, UNFINISHED, 0.0, ())
    return found


def whole(told: Json, recording: Recording) -> Recording | None:
    """What of a recording that was cut short is whole; None where nothing can be relied on.

    Args:
        told: What the probe said, up to its last word.
        recording: The same, taken apart.
    """
    programs = set(told.get("doubtful", ()))
    if any(context.startswith(("import:", "?")) for context in programs):
        return None
    programs |= {c for c, needs in recording.needs.items() if ("process", "") in needs}
    doubtful = {*told.get("open", ()), *programs}
    names = list(recording.tests)[:-1]
    tests = {
        name: recording.tests[name]
        for name in names
        if doubtful.isdisjoint((f"test:{name}", *recording.tests[name].fixtures))
    }

    def stays(context: str) -> bool:
        kind, _, name = context.partition(":")
        return name in tests if kind == "test" else context not in doubtful or not context

    return replace(
        recording,
        tests=tests,
        lines={c: found for c, found in recording.lines.items() if stays(c)},
        arcs={c: found for c, found in recording.arcs.items() if stays(c)},
        needs={c: found for c, found in recording.needs.items() if stays(c)},
    )


class Progress(NamedTuple):
    """How far the tests of a commit are: those that ended, those to run, those that failed."""

    sha: Sha
    ended: int
    tests: int
    failed: tuple[TestId, ...]


def progress(db: Database) -> list[Progress]:
    """How far the tests are that run now, or that were cut short; the last begun first."""
    found = []
    for row in db.unfinished.newest_first():
        if row.tests is not None:
            continue
        try:
            told = read_report(Path(row.stream))
            ended = {name: test["outcome"] for name, test in told.get("tests", {}).items()}
        except GARBLED:
            continue
        to_run = set(told.get("collected", ())) - db.traces.test_names(row.traces)
        failed = (name for name, outcome in ended.items() if outcome in ("failed", "error"))
        if to_run:
            found.append(Progress(row.sha, len(ended), len(to_run), tuple(failed)))
    return found
