"""From traces to totals: what all tests together executed of each file of a commit."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from copydesk.agent.coverage.source import moved_lines, parse
from copydesk.agent.coverage.store.file_lines import FileLines, Sum
from copydesk.agent.coverage.store.gaps import Unreached
from copydesk.agent.coverage.store.numbits import numbits_to_nums, nums_to_numbits
from copydesk.agent.coverage.store.traces import Trace, pack_arcs, unpack_arcs
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.traces import Counted, Hit, TotalKey, TotalRow
from copydesk.agent.records import Arc, Sha

if TYPE_CHECKING:
    from copydesk.agent.coverage.runner import Analysis, Engine


class Executed(NamedTuple):
    """Lines and arcs of one file that some test executed."""

    lines: frozenset[int]
    arcs: frozenset[Arc]


class Total(NamedTuple):
    """One file's share of a commit's total. `id` is its row; the rest as in Analysis."""

    id: int
    path: str
    blob: str
    executed: frozenset[int]
    arcs: frozenset[Arc]
    statements: tuple[int, ...]
    excluded: tuple[int, ...]
    missing: tuple[int, ...]
    missing_branches: tuple[Arc, ...]
    branches: int

    @property
    def unreached(self) -> Unreached:
        """What no test reaches of it."""
        lost = json.dumps(self.missing), json.dumps(self.missing_branches)
        return Unreached(self.path, self.blob, *lost)


def executed(
    traces: Iterable[Trace], blobs: Mapping[str, str], read: Callable[[str], str]
) -> dict[str, Executed]:
    """The union of the traces' lines and arcs, in the lines of the commit's own versions.

    Args:
        traces: The traces that make the commit.
        blobs: The commit's tree: blob by path.
        read: The text of a blob.
    """
    return united(different(traces), blobs, read)


def different(traces: Iterable[Trace]) -> Collection[Hit]:
    """The hits of some traces, each once."""
    # a map that was loaded shares its hits, and which one it is shows quicker than what is in it
    return {id(hit): hit for trace in traces for hit in trace.hits}.values()


def united(
    hits: Iterable[Hit], blobs: Mapping[str, str], read: Callable[[str], str]
) -> dict[str, Executed]:
    """The union of some hits, as `executed` has that of all hits of some traces."""
    lines: dict[tuple[str, str], int] = {}
    arcs: dict[tuple[str, str], set[int]] = {}
    for hit in hits:
        key = (hit.path, hit.blob)
        lines[key] = lines.get(key, 0) | int.from_bytes(hit.lines, "little")
        if hit.arcs:
            arcs.setdefault(key, set()).update(_whole(hit.arcs))
    found: dict[str, tuple[set[int], set[Arc]]] = {}
    for (path, blob), bits in lines.items():
        now = blobs.get(path)
        if now is None:
            continue
        numbers = numbits_to_nums(bits.to_bytes((bits.bit_length() + 7) // 8, "little"))
        pairs: Iterable[Arc] = unpack_arcs(array("q", arcs.get((path, blob), ())).tobytes())
        if now != blob:
            there = moved_lines(parse(read(blob)), parse(read(now)))
            numbers = [there[n] for n in numbers if n in there]
            pairs = [
                (_moved_end(a, there), _moved_end(b, there))
                for a, b in pairs
                if abs(a) in there and abs(b) in there
            ]
        into = found.setdefault(path, (set(), set()))
        into[0].update(numbers)
        into[1].update(pairs)
    return {p: Executed(frozenset(ls), frozenset(pairs)) for p, (ls, pairs) in found.items()}


def _whole(packed: bytes) -> array[int]:
    """Packed arcs, each as one integer: they are united without being looked into."""
    whole = array("q")
    whole.frombytes(packed)
    return whole


def _moved_end(line: int, there: Mapping[int, int]) -> int:
    return -there[-line] if line < 0 else there[line]


def assemble(
    db: Database,
    engine: Engine,
    found: Mapping[str, Executed],
    blobs: Mapping[str, str],
    *,
    environment: str,
    branch: bool,
    counted: Iterable[str],
) -> list[Total]:
    """The totals of files that count; only what is new is analysed.

    Args:
        db: The desk.
        engine: coverage.py for the commit's tree.
        found: What was executed.
        blobs: The commit's tree.
        environment: The fingerprint under which results may be reused.
        branch: Whether arcs count.
        counted: The files.
    """
    nothing = Executed(frozenset(), frozenset())
    totals: dict[str, Total] = {}
    new: dict[str, Executed] = {}
    for path in counted:
        if path not in blobs:
            continue  # made while the tests ran; no part of the commit
        what = found.get(path, nothing)
        row = db.totals.find(_key(path, blobs[path], environment, what))
        if row is None:
            new[path] = what
        else:
            totals[path] = _total(row)
    request = {p: sorted(w.arcs) if branch else sorted(w.lines) for p, w in new.items()}
    for path, analysis in engine.analyse(request, branch=branch).items():
        if path in new:
            key = _key(path, blobs[path], environment, new[path])
            totals[path] = _total(db.totals.add(key, _counted(analysis)))
    return [totals[path] for path in sorted(totals)]


def _key(path: str, blob: str, environment: str, executed: Executed) -> TotalKey:
    lines, arcs = nums_to_numbits(executed.lines), pack_arcs(executed.arcs)
    return TotalKey(path, blob, environment, lines, arcs)


def _counted(analysis: Analysis) -> Counted:
    return Counted(
        statements=nums_to_numbits(analysis.statements),
        excluded=nums_to_numbits(analysis.excluded),
        missing=json.dumps(analysis.missing),
        missing_arcs=json.dumps(analysis.missing_branches),
        branches=analysis.branches,
    )


def _total(row: TotalRow) -> Total:
    return Total(
        id=row.id,
        path=row.path,
        blob=row.blob,
        executed=frozenset(numbits_to_nums(row.executed)),
        arcs=frozenset(unpack_arcs(row.arcs)),
        statements=tuple(numbits_to_nums(row.statements)),
        excluded=tuple(numbits_to_nums(row.excluded)),
        missing=tuple(json.loads(row.missing)),
        missing_branches=tuple((start, end) for start, end in json.loads(row.missing_arcs)),
        branches=row.branches,
    )


def of_commit(db: Database, sha: Sha) -> list[Total] | None:
    """The totals of a measured commit, by path; None when it was not measured."""
    ids = db.measures.total_ids(sha)
    if ids is None:
        return None
    totals = [_total(row) for row in db.totals.load(ids)]
    return sorted(totals, key=lambda total: total.path)


def add_up(totals: Iterable[Total]) -> Sum:
    """The sum over files."""
    executable = covered = 0
    for total in totals:
        executable += len(total.statements) + total.branches
        covered += len(total.statements) - len(total.missing)
        covered += total.branches - len(total.missing_branches)
    return Sum(executable, covered)


def of_total(total: Total) -> FileLines:
    """The lines of one file of a measured commit."""
    missing = frozenset(total.missing)
    starts = frozenset(abs(first) for first, _ in total.missing_branches)
    return FileLines(
        frozenset(total.statements),
        missing,
        starts - missing,
        total.branches,
        len(total.missing_branches),
    )
