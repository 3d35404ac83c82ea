"""A full run from time to time, held against what would have been carried over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from copydesk.agent.coverage.store import Trace, executed
from copydesk.agent.desk.database import Database

SHOWN = 3
"""How many tests are named where more than these differ."""


def due(db: Database, every: float) -> bool:
    """Whether so many commits were measured since the last one whose tests all ran.

    Args:
        db: The desk.
        every: After how many measures to audit; 0 means never.
    """
    return 0 < every <= db.measures.since_last_full_run()


def drift(
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
    now = {trace.name: trace for trace in recorded if trace.kind == "test"}
    found = []
    for (kind, name), former in sorted(carried.items()):
        if kind != "test":
            continue
        if name not in now:
            found.append(f"{name} is gone")
        elif now[name].outcome != former.outcome:
            found.append(f"{name} was {former.outcome}, is {now[name].outcome}")
        else:
            before, after = (executed([t], blobs, read) for t in (former, now[name]))
            paths = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
            found += [f"{name} executes other lines of {', '.join(paths)}"] if paths else []
    return found


def in_words(found: list[str]) -> str:
    """What an audit found, as a part of a measure's reason."""
    if not found:
        return "the map holds"
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"the map had drifted: {'; '.join(found[:SHOWN])}{more}"
