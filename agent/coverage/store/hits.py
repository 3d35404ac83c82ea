"""What contexts executed of the versions of files: rows that very many traces share.

A map of 20,000 tests holds more of these than of anything else, and a small change asks for a
few of them. So a trace that was loaded knows the ids, and the rows are read when they are asked
for.
"""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, overload

from copydesk.agent.desk.database import Database

SIZE = array("i").itemsize
"""Bytes of an id as it is packed."""

LONE = 100
"""After how many lone questions a shelf reads all of its hits at once."""


class Hit(NamedTuple):
    """Lines (numbits) and arcs (as `pack_arcs` has them) executed in one version of a file."""

    path: str
    blob: str
    lines: bytes
    arcs: bytes = b""


def pack(numbers: Iterable[int]) -> bytes:
    """Integers as sorted little-endian int32."""
    values = array("i", sorted(numbers))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def unpack(packed: bytes) -> list[int]:
    """What `pack` packed."""
    values = array("i", packed)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


class Shelf:
    """The hits of some traces, by id, each read from the desk once it is asked for.

    Args:
        db: The desk.
        packed: The ids, as the traces have them.
    """

    def __init__(self, db: Database, packed: Collection[bytes]) -> None:
        self.db = db
        self._packed = packed
        self._known: dict[int, Hit] = {}
        self._asked = 0

    def of(self, packed: bytes) -> list[Hit]:
        """The hits with these ids."""
        ids = unpack(packed)
        try:
            return [self._known[identity] for identity in ids]
        except KeyError:
            self._asked += 1
            self.read(self._packed if self._asked > LONE else [packed])
        return [self._known[identity] for identity in ids]

    def holding(self, ids: Collection[int]) -> set[bytes]:
        """Those of the traces' packed ids that hold one of some."""
        packed = list(self._packed)
        ends = list(accumulate(map(len, packed)))
        flat = unpack(b"".join(packed))
        places = (place for place, identity in enumerate(flat) if identity in ids)
        return {packed[bisect_right(ends, place * SIZE)] for place in places}

    def read(self, packed: Iterable[bytes]) -> None:
        """Read the hits of many traces at once, given as packed ids."""
        wanted = set(unpack(b"".join(packed))) - self._known.keys()
        self._known.update(
            (identity, Hit(path, blob, lines, arcs))
            for identity, path, blob, lines, arcs in self.db.execute(
                "SELECT h.id, f.path, f.blob, h.lines, h.arcs"
                " FROM json_each(?) AS wanted JOIN hits AS h ON h.id = wanted.value"
                " JOIN files AS f ON f.id = h.file_id",
                (json.dumps(sorted(wanted)),),
            )
        )


class Stored(Sequence[Hit]):
    """The hits of one trace, on the desk."""

    __slots__ = ("packed", "shelf")

    def __init__(self, shelf: Shelf, packed: bytes) -> None:
        self.shelf = shelf
        self.packed = packed

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.shelf.of(self.packed))

    def __len__(self) -> int:
        return len(self.packed) // SIZE

    @overload
    def __getitem__(self, place: int) -> Hit: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...

    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        return self.shelf.of(self.packed)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def of_other_versions(db: Database, paths: Iterable[str], blobs: Mapping[str, str]) -> set[int]:
    """The ids of all hits on the desk of some files in other versions than a tree has.

    Args:
        db: The desk.
        paths: The files.
        blobs: The tree: blob by path.
    """
    rows = db.execute(
        "SELECT h.id, f.path, f.blob FROM json_each(?) AS wanted"
        " JOIN files AS f ON f.path = wanted.value JOIN hits AS h ON h.file_id = f.id",
        (json.dumps(sorted(paths)),),
    )
    return {identity for identity, path, blob in rows if blobs.get(path) != blob}


def on_paths(db: Database, paths: Iterable[str]) -> dict[int, Hit]:
    """All hits on the desk of any version of some files, by id."""
    return {
        identity: Hit(path, blob, lines, arcs)
        for identity, path, blob, lines, arcs in db.execute(
            "SELECT h.id, f.path, f.blob, h.lines, h.arcs FROM json_each(?) AS wanted"
            " JOIN files AS f ON f.path = wanted.value JOIN hits AS h ON h.file_id = f.id",
            (json.dumps(sorted(paths)),),
        )
    }


def paths_of(db: Database, ids: Iterable[int]) -> set[str]:
    """The files that some hits are of."""
    rows = db.execute(
        "SELECT DISTINCT f.path FROM json_each(?) AS wanted JOIN hits AS h ON h.id = wanted.value"
        " JOIN files AS f ON f.id = h.file_id",
        (json.dumps(sorted(ids)),),
    )
    return {path for (path,) in rows}
