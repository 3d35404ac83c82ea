"""Runs that repeat an earlier one, so that another outcome can only be chance.

What a test executes may differ between a run that fails and one that passes, so two records cannot
be compared with each other. A run repeats the one before it when nothing that the earlier one
executed, read, imported or had set up has changed since: then a test that depends on nothing else
goes the same way again.
"""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.coverage.selection import Selection
from copydesk.agent.coverage.store import CoverageMap, Trace


def mark_repeats(
    traces: Iterable[Trace], base: CoverageMap, selection: Selection, *, same_files: bool
) -> list[Trace]:
    """Mark the traces of tests that were run again although nothing they depend on had changed.

    Args:
        traces: The traces of a commit; those without an id were recorded now.
        base: The map of the measured commit before.
        selection: What of that holds for this one.
        same_files: Whether both commits hold the same files.

    Returns:
        All traces; the marked ones name the run that they repeat.
    """
    marked = []
    for trace in traces:
        former = _repeated_run(trace, base, selection, same_files=same_files)
        marked.append(trace if former is None else trace._replace(repeats=former.id))
    return marked


def _repeated_run(
    trace: Trace, base: CoverageMap, selection: Selection, *, same_files: bool
) -> Trace | None:
    """The run that a trace repeats, if any."""
    if trace.id is not None or trace.kind != "test":
        return None
    key = (trace.kind, trace.name)
    former = base.traces.get(key)
    if former is None:
        return None
    if key not in selection.carried and trace.name not in selection.only_failed:
        return None
    # a program may read anything, data that no Python opens too
    may_differ = not same_files and bool(former.needed("process"))
    return None if may_differ else former
