"""The hits of file versions that a changed tree no longer has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.store import Hit, LazyHits, Trace


@dataclass(slots=True)
class OutdatedHits:
    """Tells which hits are of files that differ between a measured commit and a tree.

    A trace of the commit that executed none of them still holds in the tree. It may have executed
    an older version of another file, but then it was found to hold for the commit's own version
    when it was carried over to that commit.

    Args:
        paths: The files that changed.
        blobs: The new tree: blob by path.
    """

    paths: Collection[str]
    blobs: Mapping[str, str]
    _outdated: dict[int, set[bytes]] = field(default_factory=dict)
    """By the identity of a cache of hits: the packed ids of the traces with an outdated hit."""

    def is_outdated(self, hit: Hit) -> bool:
        """Whether a hit is of a file that changed, in another version than it has now."""
        return hit.path in self.paths and self.blobs.get(hit.path) != hit.blob

    def executed_by(self, trace: Trace) -> bool:
        """Whether a trace has an outdated hit.

        For a trace that is on the desk that is known by ids alone, without reading the rows.
        """
        hits = trace.hits
        if not isinstance(hits, LazyHits):
            return any(map(self.is_outdated, hits))
        cache = hits.cache
        if id(cache) not in self._outdated:
            ids = cache.db.traces.hits_of_other_versions(self.paths, self.blobs)
            self._outdated[id(cache)] = cache.traces_with(ids)
            cache.load(self._outdated[id(cache)])  # all of them will be looked at
        return hits.packed_ids in self._outdated[id(cache)]
