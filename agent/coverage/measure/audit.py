"""A full run from time to time, held against what would have been carried over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.store import Trace, executed_lines
from copydesk.agent.desk.database import Database

SHOWN = 3
"""How many tests are named where more than these differ."""


def is_due(db: Database, every: float) -> bool:
    """Whether so many commits were measured since the last one whose tests all ran.

    Args:
        db: The desk.
        every: After how many measures to audit; 0 means never.
    """
    return 0 < every <= db.measures.since_last_full_run()


def find_drift(
    carried: Mapping[tuple[str, str], Trace],
    recorded: Iterable[Trace],
    blobs: Mapping[str, str],
    read: Callable[[str], str],
) -> list[str]:
    """The tests whose carried record is not what a run of all tests says, each in words.

    Args:
        carried: The traces that would have been carried over.
        recorded: Those of the full run.
        blobs: The commit's tree: blob by path.
        read: The text of a blob.
    """
    comparison = _Comparison(blobs, read)
    now = {trace.name: trace for trace in recorded if trace.kind == "test"}
    differences = []
    for (kind, name), former in sorted(carried.items()):
        if kind == "test":
            difference = comparison.difference(former, now.get(name))
            if difference:
                differences.append(f"{name} {difference}")
    return differences


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares two records of a test in the tree of a commit."""

    blobs: Mapping[str, str]
    read: Callable[[str], str]

    def difference(self, former: Trace, now: Trace | None) -> str:
        """How a test's record differs from the former one, in words; empty where it does not."""
        if now is None:
            return "is gone"
        if now.outcome != former.outcome:
            return f"was {former.outcome}, is {now.outcome}"
        before = executed_lines([former], self.blobs, self.read)
        after = executed_lines([now], self.blobs, self.read)
        paths = before.keys() | after.keys()
        differing = sorted(path for path in paths if before.get(path) != after.get(path))
        return f"executes other lines of {', '.join(differing)}" if differing else ""


def describe(differences: list[str]) -> str:
    """What an audit found, as a part of a measure's reason."""
    if not differences:
        return "the map holds"
    count = len(differences) - SHOWN
    more = f" and {count} more" if count > 0 else ""
    return f"the map had drifted: {'; '.join(differences[:SHOWN])}{more}"
