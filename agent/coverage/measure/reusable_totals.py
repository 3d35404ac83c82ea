"""The totals of a measured commit that stand for the next one too.

What all tests together executed of a file is the same where the file is the same and the same hits
are there for it. So a commit's total is worked out anew for the few files whose hits differ, and
for the rest it is a matter of which rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.runner import ProjectInfo
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


class Row(NamedTuple):
    """A stored total of one file: its id, what it adds to the sum, and what no test reaches."""

    id: int
    sum: Sum
    unreached: Unreached


def row_of(total: Total) -> Row:
    """The row of a total that was worked out now."""
    return Row(total.id, add_up([total]), total.unreached)


class Standing(NamedTuple):
    """The totals that stand, by path; the files to work out; and all hits of these."""

    rows: Mapping[str, Row]
    open: frozenset[str]
    hits: Sequence[Hit]


def standing(
    db: Database,
    base: CoverageMap,
    traces: Sequence[Trace],
    *,
    old: Mapping[str, str],
    new: Mapping[str, str],
    project: ProjectInfo,
) -> Standing | None:
    """What stands of the totals of a measured commit; None where nothing is known of them.

    Args:
        db: The desk.
        base: That commit's map.
        traces: The traces that make the commit to measure.
        old: The tree of the measured commit: blob by path.
        new: The tree of the one to measure.
        project: Which files count there.
    """
    ids = db.measures.total_ids(base.sha)
    if not base.whole or ids is None:
        return None
    before, after = _on_the_desk(base.traces.values()), _on_the_desk(traces)
    fresh = [hit for t in traces if not isinstance(t.hits, LazyHits) for hit in t.hits]
    changed = {path for path, _ in old.items() ^ new.items()} | {hit.path for hit in fresh}
    changed |= db.traces.paths_of_hits(before ^ after)
    counted = project.always | project.measurable
    rows = {
        path: one
        for path, blob, rules, executed, one in _rows(db, ids)
        if path in counted
        and path not in changed
        and new.get(path) == blob
        and rules == project.environment.rules
        # one that counts only where it was executed: asked anew when nothing of that is left
        and (path in project.always or any(executed))
    }
    left = frozenset(changed | (counted - rows.keys()))
    hits = [hit for identity, hit in db.traces.hits_on_paths(left).items() if identity in after]
    return Standing(rows, left, [*hits, *fresh])


def _on_the_desk(traces: Iterable[Trace]) -> set[int]:
    """The ids of what some traces executed, as far as that is known by ids."""
    stored = {trace.hits.packed_ids for trace in traces if isinstance(trace.hits, LazyHits)}
    return set(unpack_ids(b"".join(stored)))


def _rows(db: Database, ids: Sequence[int]) -> Iterator[tuple[str, str, str, bytes, Row]]:
    for row in db.totals.summaries(ids):
        executable = int.from_bytes(row.statements, "little").bit_count() + row.branches
        unreached = Unreached(row.path, row.blob, row.missing, row.missing_arcs)
        total = Row(row.id, Sum(executable, executable - row.lost), unreached)
        yield row.path, row.blob, row.environment, row.executed, total
