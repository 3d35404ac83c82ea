"""A recording and what still holds, merged into the traces of a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from copydesk.agent.coverage.runner import Recording
from copydesk.agent.coverage.selection import Selection
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap, Hit, Trace

COLLECTION = "collection"
"""The kind of a trace that stands for a test file which could not be collected."""


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
    found: dict[tuple[str, str], Trace] = dict(selection.carried) if selection else {}
    if recording is None:
        return _used(found, selection)
    collected = set(recording.collected)
    looked_at = None if files is None else set(files)
    for kind, name in list(found):
        if kind != "test" or name in collected:
            continue
        if looked_at is None or file_of(name) in looked_at:
            del found[kind, name]
    for trace in _recorded(recording, blobs):
        key = (trace.kind, trace.name)
        former = found.get(key)
        if former and trace.kind in ("fixture", "session"):
            # other users of it, which did not run now, made it execute these
            trace = _united(former, trace)
        found[key] = trace
    return _used(found, selection)


def _recorded(recording: Recording, blobs: Mapping[str, str]) -> Iterable[Trace]:
    for name in recording.errors:  # kept, so that the file is collected again next time
        yield Trace(COLLECTION, name, "error", 0.0, ())
    contexts = {*recording.lines, *recording.needs, *(f"test:{name}" for name in recording.tests)}
    for context in sorted(contexts | {""}):
        kind, _, name = context.partition(":") if context else ("session", "", "")
        arcs = recording.arcs.get(context, {})
        hits = tuple(
            Hit(path, blobs[path], bits, arcs.get(path, b""))
            for path, bits in sorted(recording.lines.get(context, {}).items())
            if path in blobs
        )
        needs = {n for n in recording.needs.get(context, ()) if n != ("import", name)}
        outcome, seconds = "none", 0.0
        if kind == "test":
            test = recording.tests.get(name)
            if test is None:
                continue
            outcome, seconds = test.outcome, test.seconds
            needs |= {("fixture", f.partition(":")[2]) for f in test.fixtures} | {
                ("name", n) for n in test.names
            }
        yield Trace(kind, name, outcome, seconds, hits, frozenset(needs))


def _united(former: Trace, now: Trace) -> Trace:
    hits = {*former.hits, *now.hits}
    seen = {name.partition("=")[0] for name in now.needed("env")}
    kept = {n for n in former.needs if n[0] != "env" or n[1].partition("=")[0] not in seen}
    return Trace(
        now.kind, now.name, now.outcome, now.seconds, tuple(sorted(hits)), now.needs | kept
    )


def _used(found: dict[tuple[str, str], Trace], selection: Selection | None) -> list[Trace]:
    """Without fixtures that no test uses any more, and modules that nothing imports any more."""
    # many traces need the very same
    every = {trace.needs for trace in found.values()}
    modules = {name for needs in every for kind, name in needs if kind == "import"}
    unused = {key for key in found if key[0] == "fixture"}
    if unused:
        of_tests = {trace.needs for trace in found.values() if trace.kind == "test"}
        unused -= {need for needs in of_tests for need in needs}
    alone = {key[1] for key in found if key[0] == "import"} - modules
    if selection and alone:
        unused |= {("import", name) for name in alone - selection.reachable()}
    return [trace for key, trace in found.items() if key not in unused]
