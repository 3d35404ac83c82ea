"""Which traces a change concerns at all, seen without looking at what they executed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.store import Hit, LazyHits, Trace


@dataclass(slots=True)
class Concern:
    """A change as the map of the measured commit before sees it.

    What holds for that commit holds wherever a file is the same as there: of an older version
    then, perhaps, but that was looked at when it was carried over to that commit.

    Args:
        paths: The files that changed.
        blobs: The new tree: blob by path.
    """

    paths: Collection[str]
    blobs: Mapping[str, str]
    _packed: dict[int, set[bytes]] = field(default_factory=dict)

    def hit(self, hit: Hit) -> bool:
        """Whether a hit is of a file that changed, in another version than it has now."""
        return hit.path in self.paths and self.blobs.get(hit.path) != hit.blob

    def trace(self, trace: Trace) -> bool:
        """Whether it executed such a file.

        For what is on the desk that is known by ids alone, without reading the rows.
        """
        hits = trace.hits
        if not isinstance(hits, LazyHits):
            return any(map(self.hit, hits))
        cache = hits.cache
        if id(cache) not in self._packed:
            older = cache.db.traces.hits_of_other_versions(self.paths, self.blobs)
            self._packed[id(cache)] = cache.traces_with(older)
            cache.load(self._packed[id(cache)])  # all of them will be looked at
        return hits.packed_ids in self._packed[id(cache)]
