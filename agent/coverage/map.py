"""The coverage map: traces, as rows.

A trace is one recorded execution of a context (a test, a fixture of wider scope, the import of
a module). It names the versions of the files it executed, so it stays true wherever those
blocks are the same: on another branch, after a revert, on another machine. A commit is a set of
traces, and its total their union.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import time
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.desk.store import transaction
from copydesk.agent.records import Arc, Sha


class Hit(NamedTuple):
    """Lines (numbits) and arcs executed in one version of a file."""

    path: str
    blob: str
    lines: bytes
    arcs: tuple[Arc, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded execution. `needs` holds (kind, name) pairs: what else it depends on.

    Kinds: import (a module it was the first to import), file, folder, process, fixture (a
    context), name (a fixture asked for by that name).
    """

    kind: str
    name: str
    outcome: str
    seconds: float
    hits: tuple[Hit, ...]
    needs: frozenset[tuple[str, str]] = frozenset()
    id: int | None = None

    def needed(self, kind: str) -> set[str]:
        """The names of what it depends on, of one kind."""
        return {name for k, name in self.needs if k == kind}


@dataclass(slots=True)
class CoverageMap:
    """The traces that make a measured commit, by (kind, name)."""

    sha: Sha
    environment: str
    branch: bool
    traces: dict[tuple[str, str], Trace] = field(default_factory=dict)

    def tests(self) -> dict[str, Trace]:
        """The traces of tests, by node id."""
        return {name: t for (kind, name), t in self.traces.items() if kind == "test"}


def pack(numbers: Iterable[int]) -> bytes:
    """Integers as sorted little-endian int32."""
    values = array("i", sorted(numbers))
    if struct.pack("=i", 1) != struct.pack("<i", 1):
        values.byteswap()
    return values.tobytes()


def unpack(packed: bytes) -> list[int]:
    """What `pack` packed."""
    values = array("i")
    values.frombytes(packed)
    if struct.pack("=i", 1) != struct.pack("<i", 1):
        values.byteswap()
    return values.tolist()


def pack_arcs(arcs: Iterable[Arc]) -> bytes:
    """Arcs as pairs of int32, sorted."""
    flat = [n for arc in sorted(arcs) for n in arc]
    return struct.pack(f"<{len(flat)}i", *flat)


def unpack_arcs(packed: bytes) -> tuple[Arc, ...]:
    """What `pack_arcs` packed."""
    flat = struct.unpack(f"<{len(packed) // 4}i", packed)
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def file_id(db: sqlite3.Connection, path: str, blob: str) -> int:
    """The row of a file version, made where it is new."""
    db.execute("INSERT OR IGNORE INTO files (path, blob) VALUES (?, ?)", (path, blob))
    (row,) = db.execute("SELECT id FROM files WHERE path = ? AND blob = ?", (path, blob)).fetchone()
    return int(row)


def add_traces(db: sqlite3.Connection, traces: Iterable[Trace], environment: str) -> list[int]:
    """Store traces.

    Returns:
        Their ids, in order; a trace that is stored already keeps its id.
    """
    files: dict[tuple[str, str], int] = {}
    found: list[int] = []
    with transaction(db):
        for trace in traces:
            if trace.id is not None:
                found.append(trace.id)
                continue
            hits = []
            for hit in trace.hits:
                key = (hit.path, hit.blob)
                if key not in files:
                    files[key] = file_id(db, *key)
                hits.append(_hit_id(db, files[key], hit))
            found.append(_trace_id(db, trace, environment, hits))
    return found


def _hit_id(db: sqlite3.Connection, file: int, hit: Hit) -> int:
    values = (file, hit.lines, pack_arcs(hit.arcs))
    db.execute("INSERT OR IGNORE INTO hits (file_id, lines, arcs) VALUES (?, ?, ?)", values)
    (row,) = db.execute(
        "SELECT id FROM hits WHERE file_id = ? AND lines = ? AND arcs = ?", values
    ).fetchone()
    return int(row)


def _trace_id(db: sqlite3.Connection, trace: Trace, environment: str, hits: list[int]) -> int:
    db.execute(
        "INSERT OR IGNORE INTO contexts (kind, name) VALUES (?, ?)", (trace.kind, trace.name)
    )
    cursor = db.execute(
        "INSERT INTO traces (context_id, environment, outcome, seconds, hits, needs, recorded_at)"
        " SELECT id, ?, ?, ?, ?, ?, ? FROM contexts WHERE kind = ? AND name = ?",
        (
            *(environment, trace.outcome, trace.seconds, pack(hits)),
            *(json.dumps(sorted(trace.needs)), time.time(), trace.kind, trace.name),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def load(db: sqlite3.Connection, sha: Sha) -> CoverageMap | None:
    """The map of a commit, or None when it was not measured."""
    row = db.execute(
        "SELECT environment, branch, traces FROM measures WHERE sha = ?", (sha,)
    ).fetchone()
    if row is None:
        return None
    environment, branch, packed = row
    wanted = set(unpack(zlib.decompress(packed)))
    hits = _load_hits(db)
    found = CoverageMap(sha, environment, bool(branch))
    for identity, kind, name, outcome, seconds, hit_ids, needs in db.execute(
        "SELECT t.id, c.kind, c.name, t.outcome, t.seconds, t.hits, t.needs"
        " FROM traces AS t JOIN contexts AS c ON c.id = t.context_id"
    ):
        if identity in wanted:
            found.traces[kind, name] = Trace(
                kind, name, outcome, seconds,
                tuple(hits[i] for i in unpack(hit_ids)),
                frozenset((k, n) for k, n in json.loads(needs)), identity,
            )  # fmt: skip
    return found


def _load_hits(db: sqlite3.Connection) -> Mapping[int, Hit]:
    return {
        identity: Hit(path, blob, lines, unpack_arcs(arcs))
        for identity, path, blob, lines, arcs in db.execute(
            "SELECT h.id, f.path, f.blob, h.lines, h.arcs FROM hits AS h"
            " JOIN files AS f ON f.id = h.file_id"
        )
    }


def pack_ids(numbers: Iterable[int]) -> bytes:
    """Ids as the `measures` table keeps them."""
    return zlib.compress(pack(numbers))


def unpack_ids(packed: bytes) -> list[int]:
    """What `pack_ids` packed."""
    return unpack(zlib.decompress(packed))
