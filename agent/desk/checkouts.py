"""What stood beside a commit's own files when it was measured."""

from __future__ import annotations

import json

from copydesk.agent.desk.connection import Connection
from copydesk.agent.records import Json, Sha


class Checkouts:
    """Reads and writes what a measure found beside the files of its commit.

    Args:
        db: The desk; the table is `checkouts`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def get(self, sha: Sha, *, unfinished: bool = False) -> Json:
        """What stood beside a commit's files, as `git.checkout` says it; empty for nothing.

        Args:
            sha: The commit.
            unfinished: As its measure found it that was cut short, or runs now.
        """
        row = self._db.execute(
            "SELECT beside FROM checkouts WHERE sha = ? AND unfinished = ?", (sha, int(unfinished))
        ).fetchone()
        beside: Json = {} if row is None else json.loads(row[0])
        return beside

    def put(self, sha: Sha, beside: Json, *, unfinished: bool = False) -> None:
        """Keep what stands beside a commit's files, in place of what was there."""
        key = (sha, int(unfinished))
        self._db.execute("DELETE FROM checkouts WHERE sha = ? AND unfinished = ?", key)
        if beside:
            row = (*key, json.dumps(beside, sort_keys=True))
            self._db.execute("INSERT INTO checkouts VALUES (?, ?, ?)", row)

    def blobs(self) -> set[str]:
        """The ids of all generated files that a measure has, or one that was cut short."""
        blobs = set[str]()
        for (text,) in self._db.execute("SELECT beside FROM checkouts"):
            for _, blob in json.loads(text).get("generated", {}).values():
                blobs.add(blob)
        return blobs
