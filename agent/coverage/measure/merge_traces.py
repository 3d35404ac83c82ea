"""A recording and what still holds, merged into the traces of a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from copydesk.agent.coverage.runner import Recording
from copydesk.agent.coverage.selection import Selection
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap, Hit, Trace

COLLECTION = "collection"
"""The kind of a trace that stands for a test file which could not be collected."""

_Traces = dict[tuple[str, str], Trace]


def merge(
    base: CoverageMap | None,
    selection: Selection | None,
    recording: Recording | None,
    blobs: Mapping[str, str],
    files: list[str] | None,
) -> list[Trace]:
    """The traces that make a commit.

    Args:
        base: The map that was carried over, if any.
        selection: What of it still holds.
        recording: What was run now, if anything.
        blobs: The commit's tree: blob by path.
        files: The test files that were collected; None for all.
    """
    traces: _Traces = dict(selection.carried) if selection else {}
    if recording is not None:
        _drop_uncollected(traces, recording, files)
        for trace in _recorded(recording, blobs):
            key = (trace.kind, trace.name)
            former = traces.get(key)
            if former and trace.kind in ("fixture", "session"):
                # other users of it, which did not run now, made it execute these
                trace = _united(former, trace)
            traces[key] = trace
    return _without_unused(traces, selection)


def _drop_uncollected(traces: _Traces, recording: Recording, files: list[str] | None) -> None:
    """Drop the traces of tests that were not found any more where tests were collected."""
    collected = set(recording.collected)
    searched = None if files is None else set(files)
    for kind, name in list(traces):
        is_gone = kind == "test" and name not in collected
        if is_gone and (searched is None or file_of(name) in searched):
            del traces[kind, name]


def _recorded(recording: Recording, blobs: Mapping[str, str]) -> Iterable[Trace]:
    """The traces of a recording."""
    for name in recording.errors:  # kept, so that the file is collected again next time
        yield Trace(COLLECTION, name, "error", 0.0, ())
    tests = (f"test:{name}" for name in recording.tests)
    contexts = {"", *recording.lines, *recording.needs, *tests}
    for context in sorted(contexts):
        kind, _, name = context.partition(":") if context else ("session", "", "")
        hits = _hits(recording, context, blobs)
        needs = frozenset(recording.needs.get(context, ())) - {("import", name)}
        if kind != "test":
            yield Trace(kind, name, "none", 0.0, hits, needs)
        elif name in recording.tests:
            test = recording.tests[name]
            needs |= {("fixture", fixture.partition(":")[2]) for fixture in test.fixtures}
            needs |= {("name", fixture) for fixture in test.names}
            yield Trace(kind, name, test.outcome, test.seconds, hits, needs)


def _hits(recording: Recording, context: str, blobs: Mapping[str, str]) -> tuple[Hit, ...]:
    """What a context executed of the commit's own files."""
    arcs = recording.arcs.get(context, {})
    lines = recording.lines.get(context, {})
    return tuple(
        Hit(path, blobs[path], lines[path], arcs.get(path, b""))
        for path in sorted(lines.keys() & blobs.keys())
    )


def _united(former: Trace, now: Trace) -> Trace:
    """One trace of what a context did in two runs; of a variable the last value counts."""
    variables = {need.partition("=")[0] for need in now.needed("env")}
    needs = set(now.needs)
    for kind, name in former.needs:
        if kind != "env" or name.partition("=")[0] not in variables:
            needs.add((kind, name))
    hits = tuple(sorted({*former.hits, *now.hits}))
    return Trace(now.kind, now.name, now.outcome, now.seconds, hits, frozenset(needs))


def _without_unused(traces: _Traces, selection: Selection | None) -> list[Trace]:
    """The traces but those of fixtures that no test uses any more, and of modules that nothing
    imports any more.
    """
    unused = _unused_fixtures(traces) | _unused_imports(traces, selection)
    return [trace for key, trace in traces.items() if key not in unused]


def _unused_fixtures(traces: _Traces) -> set[tuple[str, str]]:
    unused = {key for key in traces if key[0] == "fixture"}
    if unused:
        # many traces need the very same
        for needs in {trace.needs for trace in traces.values() if trace.kind == "test"}:
            unused -= needs
    return unused


def _unused_imports(traces: _Traces, selection: Selection | None) -> set[tuple[str, str]]:
    unused = {key for key in traces if key[0] == "import"}
    for needs in {trace.needs for trace in traces.values()}:
        unused -= needs
    if not selection or not unused:
        return set()
    reachable = selection.reachable()
    return {key for key in unused if key[1] not in reachable}
