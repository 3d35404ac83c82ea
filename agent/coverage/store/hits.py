"""What contexts executed of the versions of files: rows that very many traces share.

A map of 20,000 tests holds more of these than of anything else, and a small change asks for a
few of them. So a trace that was loaded knows the ids, and the rows are read when they are asked
for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.packed_ids import ID_BYTES, unpack_ids
from copydesk.agent.desk.traces import Hit

LONE_READS = 100
"""After how many reads for one trace a cache reads the hits of all its traces at once."""


class HitCache:
    """The hits of some traces, by id, each read from the desk once it is asked for.

    Args:
        db: The desk.
        packed_ids: The ids of the hits of each trace, packed as its row has them.
    """

    def __init__(self, db: Database, packed_ids: Collection[bytes]) -> None:
        self.db = db
        self._packed_ids = packed_ids
        self._hits: dict[int, Hit] = {}
        self._lone_reads = 0

    def get(self, packed: bytes) -> list[Hit]:
        """The hits with these ids."""
        ids = unpack_ids(packed)
        try:
            return [self._hits[identity] for identity in ids]
        except KeyError:
            self._lone_reads += 1
            self.load(self._packed_ids if self._lone_reads > LONE_READS else [packed])
        return [self._hits[identity] for identity in ids]

    def traces_with(self, ids: Collection[int]) -> set[bytes]:
        """The traces that have one of some hits, each given by its packed ids."""
        packed_ids = list(self._packed_ids)
        ends = list(accumulate(map(len, packed_ids)))
        every_id = unpack_ids(b"".join(packed_ids))
        indexes = (index for index, identity in enumerate(every_id) if identity in ids)
        return {packed_ids[bisect_right(ends, index * ID_BYTES)] for index in indexes}

    def load(self, packed_ids: Iterable[bytes]) -> None:
        """Read the hits of many traces at once, given as packed ids."""
        unread = set(unpack_ids(b"".join(packed_ids))) - self._hits.keys()
        self._hits.update(self.db.traces.hits(unread))


class LazyHits(Sequence[Hit]):
    """The hits of one trace that is on the desk."""

    __slots__ = ("cache", "packed_ids")

    def __init__(self, cache: HitCache, packed_ids: bytes) -> None:
        self.cache = cache
        self.packed_ids = packed_ids

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.cache.get(self.packed_ids))

    def __len__(self) -> int:
        return len(self.packed_ids) // ID_BYTES

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...

    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.cache.get(self.packed_ids)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))
