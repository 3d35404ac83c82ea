"""Test drafts that are being verified, and the finished runs of each: `climbs`, `climb_runs`.

The verdict on a draft follows from its text and from the outcomes of its runs alone. Both are kept
here until the draft is on the desk, so that a crash costs one run at most.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.records import Candidate, Gap, Sha


@dataclass(frozen=True, slots=True)
class Verification:
    """A draft that is being verified. `calls` are the numbers of the model's calls behind it."""

    id: int
    candidate: Candidate
    calls: tuple[int, ...]


class Verifications:
    """The verifications of a desk, as `Database.verifications` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def begin(self, candidate: Candidate, calls: Sequence[int] = ()) -> Verification:
        """Keep a candidate, in the place of the former one of its commit, function and writer.

        Args:
            candidate: The draft as written.
            calls: The numbers of the model's calls behind it.
        """
        key = _key(candidate.gap, candidate.origin)
        fields = {
            "content": candidate.content,
            "tests": candidate.tests,
            "recorded": candidate.recorded,
            "notes": candidate.notes,
            "calls": list(calls),
        }
        with transaction(self._db):
            self._forget(key)
            (identity,) = self._db.execute(
                "INSERT INTO climbs (sha, path, function, origin, candidate, begun_at)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (*key, json.dumps(fields), timestamp()),
            ).fetchone()
        return Verification(int(identity), candidate, tuple(calls))

    def unfinished(self, gap: Gap, origin: str) -> Verification | None:
        """The verification of a writer's draft for a gap that was cut short, if any."""
        row = self._db.execute(
            "SELECT id, candidate FROM climbs"
            " WHERE sha = ? AND path = ? AND function = ? AND origin = ?",
            _key(gap, origin),
        ).fetchone()
        if row is None:
            return None
        fields = json.loads(row[1])
        lists = {name: tuple(fields[name]) for name in ("tests", "recorded", "notes")}
        candidate = Candidate(gap, origin, fields["content"], **lists)
        return Verification(int(row[0]), candidate, tuple(fields["calls"]))

    def end(self, gap: Gap, origin: str) -> None:
        """Forget the verification of a draft that is on the desk now."""
        with transaction(self._db):
            self._forget(_key(gap, origin))

    def end_all(self, sha: Sha) -> None:
        """Forget a commit's verifications: its gaps are done, or wanted no longer."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE sha = ?)",
                (sha,),
            )
            self._db.execute("DELETE FROM climbs WHERE sha = ?", (sha,))

    def _forget(self, key: tuple[str, str, str, str]) -> None:
        where = "sha = ? AND path = ? AND function = ? AND origin = ?"
        self._db.execute(
            f"DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE {where})", key
        )
        self._db.execute(f"DELETE FROM climbs WHERE {where}", key)

    def outcome(self, verification: int, request: str) -> bytes | None:
        """What came of a run before, as `add_run` was given it; None when it has not ended.

        Args:
            verification: The verification's id.
            request: SHA-256 of what was run.
        """
        row = self._db.execute(
            "SELECT outcome FROM climb_runs WHERE climb = ? AND request = ?",
            (verification, request),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def count_runs(self, verification: int) -> int:
        """How many runs of a verification have ended."""
        row = self._db.execute(
            "SELECT count(*) FROM climb_runs WHERE climb = ?", (verification,)
        ).fetchone()
        return int(row[0])

    def add_run(self, verification: int, request: str, outcome: bytes) -> None:
        """Keep what came of a run; see `outcome`."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO climb_runs (climb, request, outcome) VALUES (?, ?, ?)",
                (verification, request, outcome),
            )


def _key(gap: Gap, origin: str) -> tuple[str, str, str, str]:
    return gap.commit, gap.path, gap.function, origin
