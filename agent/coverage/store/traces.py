"""The coverage map: traces, as rows.

A trace is one recorded execution of a context (a test, a fixture of wider scope, the import of
a module). It names the versions of the files it executed, so it stays true wherever those
blocks are the same: on another branch, after a revert, on another machine. A commit is a set of
traces, and its total their union.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from copydesk.agent.coverage.store.hits import HitCache, LazyHits
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.packed_ids import pack_ids
from copydesk.agent.desk.traces import Hit, NewTrace
from copydesk.agent.records import Arc, Sha


class Trace(NamedTuple):
    """One recorded execution. `needs` holds (kind, name) pairs: what else it depends on.

    Kinds: import (a module it was the first to import), file, folder, process, env (a variable
    and a digest of its value), fixture (a context), name (a fixture asked for by that name).
    `repeats` is the id of the run before, where nothing that one depended on had changed since.
    """

    kind: str
    name: str
    outcome: str
    seconds: float
    hits: Sequence[Hit]
    needs: frozenset[tuple[str, str]] = frozenset()
    id: int | None = None
    repeats: int | None = None

    def needed(self, kind: str) -> set[str]:
        """The names of what it depends on, of one kind."""
        return {name for k, name in self.needs if k == kind}


@dataclass
class CoverageMap:
    """The traces that make a measured commit, by (kind, name).

    `complete` says that they are those of a measure that came to its end; `foreign` whose measure
    that was, in words, where it was somebody else's.
    """

    sha: Sha
    environment: str
    branch: bool
    traces: dict[tuple[str, str], Trace] = field(default_factory=dict)
    complete: bool = False
    foreign: str = ""

    def tests(self) -> dict[str, Trace]:
        """The traces of tests, by node id."""
        return {name: t for (kind, name), t in self.traces.items() if kind == "test"}

    @cached_property
    def test_files(self) -> frozenset[str]:
        """The files that its tests stand in."""
        return frozenset(name.partition("::")[0] for kind, name in self.traces if kind == "test")


def pack_arcs(arcs: Iterable[Arc]) -> bytes:
    """Arcs as pairs of int32, sorted."""
    flat = [n for arc in sorted(arcs) for n in arc]
    return struct.pack(f"<{len(flat)}i", *flat)


def unpack_arcs(packed: bytes) -> tuple[Arc, ...]:
    """What `pack_arcs` packed."""
    flat = struct.unpack(f"<{len(packed) // 4}i", packed)
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def add_traces(db: Database, traces: Iterable[Trace], environment: str) -> list[int]:
    """Store traces.

    Returns:
        Their ids, in order; a trace that is stored already keeps its id.
    """
    files: dict[tuple[str, str], int] = {}
    hits: dict[Hit, int] = {}
    ids: list[int] = []
    with transaction(db):
        for trace in traces:
            if trace.id is not None:
                ids.append(trace.id)
                continue
            for hit in trace.hits:
                if hit not in hits:
                    key = (hit.path, hit.blob)
                    if key not in files:
                        files[key] = db.traces.file_id(*key)
                    hits[hit] = db.traces.hit_id(files[key], hit)
            ids.append(db.traces.add(_new_trace(trace, environment, hits)))
    return ids


def _new_trace(trace: Trace, environment: str, hits: Mapping[Hit, int]) -> NewTrace:
    """The row of a trace, given the ids of hits."""
    return NewTrace(
        kind=trace.kind,
        name=trace.name,
        environment=environment,
        outcome=trace.outcome,
        seconds=trace.seconds,
        hits=pack_ids(hits[hit] for hit in trace.hits),
        needs=json.dumps(sorted(trace.needs)),
        repeats=trace.repeats,
    )


def store_new_traces(
    db: Database, traces: dict[tuple[str, str], Trace], environment: str
) -> dict[tuple[str, str], Trace]:
    """Store those traces that are not stored yet.

    Returns:
        All of them, with their ids.
    """
    new = {key: trace for key, trace in traces.items() if trace.id is None}
    if not new:
        return traces
    ids = add_traces(db, new.values(), environment)
    for key, identity in zip(list(new), ids, strict=True):
        new[key] = new[key]._replace(id=identity)
    return traces | new


def load_map(db: Database, sha: Sha) -> CoverageMap | None:
    """The map of a commit, or None when it was not measured."""
    stored = db.measures.stored_map(sha)
    if stored is None:
        return None
    traces = load_traces(db, stored.traces)
    by_key = {(trace.kind, trace.name): trace for trace in traces}
    return CoverageMap(
        sha, *stored.conditions, traces=by_key, complete=len(by_key) == len(stored.traces)
    )


def load_traces(db: Database, ids: Iterable[int]) -> list[Trace]:
    """Some traces by their ids; those that are not there any more are left out.

    What they executed is read once it is asked for, from the same connection.
    """
    rows = db.traces.load(ids)
    cache = HitCache(db, {row.hits for row in rows})
    # many traces need the very same, and it is shared between them
    needs_of = {text: _needs(text) for text in {row.needs for row in rows}}
    return [
        Trace(kind, name, outcome, seconds, LazyHits(cache, hits), needs_of[needs], identity)
        for kind, name, outcome, seconds, hits, needs, identity in rows
    ]


def _needs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((kind, name) for kind, name in json.loads(text))
