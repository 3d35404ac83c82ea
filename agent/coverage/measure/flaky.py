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


def marked(
    traces: Iterable[Trace], base: CoverageMap, selection: Selection, *, same_files: bool
) -> list[Trace]:
    """Traces, those of tests that were run again for no change marked as such.

    Args:
        traces: The traces of a commit; those without an id were recorded now.
        base: The map of the measured commit before.
        selection: What of that holds for this one.
        same_files: Whether both commits hold the same files.
    """

    def former_of(trace: Trace) -> Trace | None:
        if trace.id is not None or trace.kind != "test":
            return None
        key = (trace.kind, trace.name)
        former = base.traces.get(key)
        if former is None:
            return None
        if key not in selection.carried and trace.name not in selection.only_failed:
            return None
        # a program may read anything, data that no Python opens too
        return former if same_files or not former.needed("process") else None

    return [
        trace if (former := former_of(trace)) is None else trace._replace(repeats=former.id)
        for trace in traces
    ]
