"""From traces to totals: what all tests together executed of each file of a commit."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from copydesk.agent.coverage.source import moved_lines, parse
from copydesk.agent.coverage.store.file_lines import FileLines
from copydesk.agent.coverage.store.gaps import Unreached
from copydesk.agent.coverage.store.numbits import numbits_to_nums, nums_to_numbits
from copydesk.agent.coverage.store.traces import Trace, pack_arcs, unpack_arcs
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.traces import Counted, Hit, TotalKey, TotalRow
from copydesk.agent.records import Arc, Sha

if TYPE_CHECKING:
    from copydesk.agent.coverage.runner import Analysis, Engine, Environment


class Executed(NamedTuple):
    """Lines and arcs of one file that some test executed."""

    lines: frozenset[int]
    arcs: frozenset[Arc]

    def union(self, other: Executed) -> Executed:
        """What is executed here or there."""
        return Executed(self.lines | other.lines, self.arcs | other.arcs)

    def moved(self, new_lines: Mapping[int, int]) -> Executed:
        """The same in another version of the file; what does not stand there is left out.

        Args:
            new_lines: Where each line stands there, for the blocks that did not change.
        """
        lines = frozenset(new_lines[line] for line in self.lines if line in new_lines)
        arcs = set()
        for start, end in self.arcs:
            if abs(start) in new_lines and abs(end) in new_lines:
                arcs.add((_moved_end(start, new_lines), _moved_end(end, new_lines)))
        return Executed(lines, frozenset(arcs))


NOTHING = Executed(frozenset(), frozenset())


def _moved_end(line: int, new_lines: Mapping[int, int]) -> int:
    """The end of an arc in another version: entries and exits of blocks are negative lines."""
    return -new_lines[-line] if line < 0 else new_lines[line]


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
        lines, arcs = json.dumps(self.missing), json.dumps(self.missing_branches)
        return Unreached(self.path, self.blob, lines, arcs)

    @property
    def file_lines(self) -> FileLines:
        """Its lines, as every report has them."""
        missing = frozenset(self.missing)
        branching = frozenset(abs(start) for start, _ in self.missing_branches)
        return FileLines(
            frozenset(self.statements),
            missing,
            partial=branching - missing,
            branches=self.branches,
            missing_branches=len(self.missing_branches),
        )


class Assembled(NamedTuple):
    """The totals of files by path, and why there are none of others that count, in words."""

    totals: list[Total]
    reasons: dict[str, str]


def executed_lines(
    traces: Iterable[Trace], blobs: Mapping[str, str], read: Callable[[str], str]
) -> dict[str, Executed]:
    """The union of the traces' lines and arcs, in the lines of the commit's own versions.

    Args:
        traces: The traces that make the commit.
        blobs: The commit's tree: blob by path.
        read: The text of a blob.
    """
    return unite_hits(distinct_hits(traces), blobs, read)


def distinct_hits(traces: Iterable[Trace]) -> Collection[Hit]:
    """The hits of some traces, each once."""
    # a map that was loaded shares its hits, and which one it is shows quicker than what is in it
    return {id(hit): hit for trace in traces for hit in trace.hits}.values()


def unite_hits(
    hits: Iterable[Hit], blobs: Mapping[str, str], read: Callable[[str], str]
) -> dict[str, Executed]:
    """The union of some hits, as `executed_lines` has that of all hits of some traces."""
    lines: dict[tuple[str, str], int] = {}
    arcs: dict[tuple[str, str], set[int]] = {}
    for hit in hits:
        key = (hit.path, hit.blob)
        lines[key] = lines.get(key, 0) | int.from_bytes(hit.lines, "little")
        if hit.arcs:
            arcs.setdefault(key, set()).update(_arcs_as_integers(hit.arcs))
    executed: dict[str, Executed] = {}
    for (path, blob), bits in lines.items():
        new_blob = blobs.get(path)
        if new_blob is None:
            continue
        version = _unpack_executed(bits, arcs.get((path, blob), ()))
        if new_blob != blob:
            version = version.moved(moved_lines(parse(read(blob)), parse(read(new_blob))))
        executed[path] = executed[path].union(version) if path in executed else version
    return executed


def _arcs_as_integers(packed: bytes) -> array[int]:
    """Packed arcs, each as one integer: they are united without being looked into."""
    integers = array("q")
    integers.frombytes(packed)
    return integers


def _unpack_executed(bits: int, arcs: Iterable[int]) -> Executed:
    """What was executed of one file version.

    Args:
        bits: Its lines: a set of numbers as one integer.
        arcs: Its arcs, each as one integer.
    """
    lines = numbits_to_nums(bits.to_bytes((bits.bit_length() + 7) // 8, "little"))
    return Executed(frozenset(lines), frozenset(unpack_arcs(array("q", arcs).tobytes())))


def assemble(
    db: Database,
    engine: Engine,
    executed: Mapping[str, Executed],
    blobs: Mapping[str, str],
    *,
    environment: Environment,
    paths: Iterable[str],
) -> Assembled:
    """The totals of files that count; only what is new is analysed.

    Args:
        db: The desk.
        engine: coverage.py for the commit's tree.
        executed: What was executed.
        blobs: The commit's tree.
        environment: What the results depend on besides the code.
        paths: The files.
    """
    totals: dict[str, Total] = {}
    new: dict[str, TotalKey] = {}
    to_analyse: dict[str, Sequence[int] | Sequence[Arc]] = {}
    for path in paths:
        if path not in blobs:
            continue  # made while the tests ran; no part of the commit
        file = executed.get(path, NOTHING)
        key = _key(path, blobs[path], environment.rules, file)
        row = db.totals.find(key)
        if row is not None:
            totals[path] = _total(row)
            continue
        new[path] = key
        to_analyse[path] = sorted(file.arcs) if environment.branch else sorted(file.lines)
    analyses = engine.analyse(to_analyse, branch=environment.branch)
    for path, analysis in analyses.files.items():
        if path in new:
            totals[path] = _total(db.totals.add(new[path], _counted(analysis)))
    return Assembled([totals[path] for path in sorted(totals)], analyses.reasons)


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


def load_totals(db: Database, sha: Sha) -> list[Total] | None:
    """The totals of a measured commit, by path; None when it was not measured."""
    ids = db.measures.total_ids(sha)
    if ids is None:
        return None
    totals = [_total(row) for row in db.totals.load(ids)]
    return sorted(totals, key=lambda total: total.path)
