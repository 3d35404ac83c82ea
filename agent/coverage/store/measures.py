"""One measured commit: what ran, how long it took, what the total is; a row of `measures`."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.records import Sha


class Measure(NamedTuple):
    """A measured commit. `percent` is of 100, `seconds` wall time."""

    sha: Sha
    base: Sha | None
    reason: str
    selected: int
    total: int
    passed: int
    failed: int
    skipped: int
    executable: int
    covered: int
    percent: float
    seconds: float


FIELDS = ", ".join(Measure._fields)


def stored(db: Database, sha: Sha) -> Measure | None:
    """The measure of a commit, or None when it was not measured."""
    row = db.execute(f"SELECT {FIELDS} FROM measures WHERE sha = ?", (sha,)).fetchone()
    return None if row is None else Measure(*row)
