"""The coverage map: traces, as rows.

A trace is one recorded execution of a context (a test, a fixture of wider scope, the import of
a module). It names the versions of the files it executed, so it stays true wherever those
blocks are the same: on another branch, after a revert, on another machine. A commit is a set of
traces, and its total their union.
"""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from copydesk.agent.coverage.store.hits import Hit, Shelf, Stored, pack, unpack
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
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

    `whole` says that they are those of a measure that came to its end.
    """

    sha: Sha
    environment: str
    branch: bool
    traces: dict[tuple[str, str], Trace] = field(default_factory=dict)
    whole: bool = False

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


def file_id(db: Database, path: str, blob: str) -> int:
    """The row of a file version, made where it is new."""
    return _row(db, "files", {"path": path, "blob": blob})


def _row(db: Database, table: str, values: Mapping[str, object]) -> int:
    """The id of the row with these values, which are unique in the table; made where it is new."""
    where, names = " AND ".join(f"{n} = ?" for n in values), ", ".join(values)
    given = tuple(values.values())
    found = db.execute(f"SELECT id FROM {table} WHERE {where}", given).fetchone()
    if found is not None:
        return int(found[0])
    marks = ", ".join("?" * len(given))
    cursor = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", given)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def add_traces(db: Database, traces: Iterable[Trace], environment: str) -> list[int]:
    """Store traces.

    Returns:
        Their ids, in order; a trace that is stored already keeps its id.
    """
    files: dict[tuple[str, str], int] = {}
    hits: dict[Hit, int] = {}
    found: list[int] = []
    with transaction(db):
        for trace in traces:
            if trace.id is not None:
                found.append(trace.id)
                continue
            for hit in trace.hits:
                if hit not in hits:
                    key = (hit.path, hit.blob)
                    if key not in files:
                        files[key] = file_id(db, *key)
                    hits[hit] = _hit_id(db, files[key], hit)
            found.append(_trace_id(db, trace, environment, [hits[hit] for hit in trace.hits]))
    return found


def kept(
    db: Database, traces: dict[tuple[str, str], Trace], environment: str
) -> dict[tuple[str, str], Trace]:
    """Traces, of which those are stored now that were not yet."""
    new = {key: trace for key, trace in traces.items() if trace.id is None}
    if not new:
        return traces
    ids = add_traces(db, new.values(), environment)
    return traces | {k: t._replace(id=i) for (k, t), i in zip(new.items(), ids, strict=True)}


def _hit_id(db: Database, file: int, hit: Hit) -> int:
    return _row(db, "hits", {"file_id": file, "lines": hit.lines, "arcs": hit.arcs})


def _trace_id(db: Database, trace: Trace, environment: str, hits: list[int]) -> int:
    context = _row(db, "contexts", {"kind": trace.kind, "name": trace.name})
    cursor = db.execute(
        "INSERT INTO traces (context_id, environment, outcome, seconds, hits, needs, recorded_at,"
        " repeats) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(context, environment, trace.outcome, trace.seconds, pack(hits)),
            *(json.dumps(sorted(trace.needs)), time.time(), trace.repeats),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def load(db: Database, sha: Sha) -> CoverageMap | None:
    """The map of a commit, or None when it was not measured."""
    row = db.execute(
        "SELECT environment, branch, traces FROM measures WHERE sha = ?", (sha,)
    ).fetchone()
    if row is None:
        return None
    environment, branch, packed = row
    ids = unpack_ids(packed)
    found = load_traces(db, ids)
    by_key = {(t.kind, t.name): t for t in found}
    return CoverageMap(sha, environment, bool(branch), by_key, whole=len(by_key) == len(ids))


def _pair(need: list[str]) -> tuple[str, str]:
    kind, name = need
    return kind, name


def load_traces(db: Database, ids: Iterable[int]) -> list[Trace]:
    """Some traces by their ids; those that are not there any more are left out.

    What they executed is read once it is asked for, from the same connection.
    """
    rows = db.execute(
        "SELECT c.kind, c.name, t.outcome, t.seconds, t.hits, t.needs, t.id"
        " FROM json_each(?) AS wanted JOIN traces AS t ON t.id = wanted.value"
        " JOIN contexts AS c ON c.id = t.context_id",
        (json.dumps(sorted(ids)),),
    ).fetchall()
    shelf = Shelf(db, {row[4] for row in rows})
    needs = {text: frozenset(map(_pair, json.loads(text))) for text in {row[5] for row in rows}}
    return [
        Trace(kind, name, outcome, seconds, Stored(shelf, packed), needs[text], identity)
        for kind, name, outcome, seconds, packed, text, identity in rows
    ]


def pack_ids(numbers: Iterable[int]) -> bytes:
    """Ids as the `measures` table keeps them."""
    return zlib.compress(pack(numbers), 1)


def unpack_ids(packed: bytes) -> list[int]:
    """What `pack_ids` packed."""
    return unpack(zlib.decompress(packed))
