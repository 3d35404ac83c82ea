"""The totals of a measured commit that hold for the next one too.

What all tests together executed of a file is the same where the file is the same and the same hits
are there for it. So a commit's total is worked out anew for the few files whose hits differ, and
for the others it is a matter of which rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.runner import ProjectInfo
from copydesk.agent.coverage.source import is_script
from copydesk.agent.coverage.store import (
    CoverageMap,
    Hit,
    LazyHits,
    Sum,
    Total,
    Trace,
    Unreached,
    add_up,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.packed_ids import unpack_ids
from copydesk.agent.desk.traces import TotalSummary


class FileTotal(NamedTuple):
    """A stored total of one file: its id, what it adds to the sum, and what no test reaches."""

    id: int
    sum: Sum
    unreached: Unreached

    @classmethod
    def of(cls, total: Total) -> FileTotal:
        """The same of a total that was worked out now."""
        return cls(total.id, add_up([total.file_lines]), total.unreached)

    @classmethod
    def of_summary(cls, row: TotalSummary) -> FileTotal:
        """The same of a total that was read from the desk."""
        executable = int.from_bytes(row.statements, "little").bit_count() + row.branches
        unreached = Unreached(row.path, row.blob, row.missing, row.missing_arcs)
        return cls(row.id, Sum(executable, executable - row.lost), unreached)


class ReusableTotals(NamedTuple):
    """The totals that hold, by path; the files to work out; and all hits of these."""

    by_path: Mapping[str, FileTotal]
    changed: frozenset[str]
    hits: Sequence[Hit]


def find_reusable_totals(
    db: Database,
    base: CoverageMap,
    traces: Sequence[Trace],
    *,
    old: Mapping[str, str],
    new: Mapping[str, str],
    project: ProjectInfo,
) -> ReusableTotals | None:
    """What holds of the totals of a measured commit; None where nothing is known of them.

    Args:
        db: The desk.
        base: That commit's map.
        traces: The traces that make the commit to measure.
        old: The tree of the measured commit: blob by path.
        new: The tree of the one to measure.
        project: Which files count there.
    """
    ids = db.measures.total_ids(base.sha)
    if not base.complete or ids is None:
        return None
    old_hits, new_hits = _stored_hits(base.traces.values()), _stored_hits(traces)
    recorded = _recorded_hits(traces)
    changed = {path for path, _ in old.items() ^ new.items()}
    changed |= {hit.path for hit in recorded}
    changed |= db.traces.paths_of_hits(old_hits ^ new_hits)
    by_path = {}
    for row in db.totals.summaries(ids):
        if is_script(row.path):  # which of them count is asked anew
            changed.add(row.path)
        if row.path not in changed and _holds(row, new, project):
            by_path[row.path] = FileTotal.of_summary(row)
    changed |= (project.always | project.measurable) - by_path.keys()
    stored = db.traces.hits_on_paths(changed)
    hits = [hit for identity, hit in stored.items() if identity in new_hits]
    return ReusableTotals(by_path, frozenset(changed), hits + recorded)


def _holds(row: TotalSummary, new: Mapping[str, str], project: ProjectInfo) -> bool:
    """Whether the total of a file whose hits are the same holds for a new tree."""
    if new.get(row.path) != row.blob or row.environment != project.rules(row.path):
        return False
    # one that counts only where it was executed: asked anew when nothing of that is left
    is_executed = row.path in project.measurable and any(row.executed)
    return is_executed or row.path in project.always


def _recorded_hits(traces: Iterable[Trace]) -> list[Hit]:
    """The hits of those traces that were recorded now."""
    hits = list[Hit]()
    for trace in traces:
        if not isinstance(trace.hits, LazyHits):
            hits += trace.hits
    return hits


def _stored_hits(traces: Iterable[Trace]) -> set[int]:
    """The ids of the hits of those traces that are on the desk."""
    packed_ids = {trace.hits.packed_ids for trace in traces if isinstance(trace.hits, LazyHits)}
    return set(unpack_ids(b"".join(packed_ids)))
