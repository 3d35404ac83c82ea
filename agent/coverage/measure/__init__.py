"""Measures one commit incrementally.

In go a repository and a commit; out comes its measure: a nearby measured commit is the base, the
affected tests are run, and their traces are merged with those that still hold into a total that
equals a full run's.
"""

from copydesk.agent.coverage.measure import commit
from copydesk.agent.coverage.measure.collection import Collection, collect
from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.measure.interrupted import progress
from copydesk.agent.coverage.measure.on_dask import Cluster, connected

__all__ = [
    "Cluster",
    "Collection",
    "collect",
    "commit",
    "connected",
    "measure",
    "progress",
]
