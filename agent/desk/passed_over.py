"""The files of measured commits that coverage.py says nothing of, each with the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Sha


class PassedOver:
    """Reads and writes which files coverage.py passed over.

    Args:
        db: The desk; the tables are `passed_over` and `passed_over_in`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def of_commit(self, sha: Sha) -> dict[str, str]:
        """The files that were passed over in a measured commit: reason by path."""
        rows = self._db.execute(
            "SELECT p.path, p.reason FROM passed_over_in AS i JOIN passed_over AS p USING (digest)"
            " WHERE i.sha = ? ORDER BY p.path",
            (sha,),
        )
        return dict(rows.fetchall())

    def replace(self, sha: Sha, reasons: Mapping[str, str]) -> None:
        """Write the files that were passed over in a commit, in place of what was there.

        Args:
            sha: The commit.
            reasons: Why, in words, by path.
        """
        with transaction(self._db):
            self._db.execute("DELETE FROM passed_over_in WHERE sha = ?", (sha,))
            if not reasons:
                return
            raw = json.dumps(sorted(reasons.items())).encode()
            digest = hashlib.sha256(raw).hexdigest()
            self._db.execute("INSERT INTO passed_over_in VALUES (?, ?)", (sha, digest))
            self._db.executemany(
                "INSERT OR IGNORE INTO passed_over VALUES (?, ?, ?)",
                [(digest, path, reason) for path, reason in sorted(reasons.items())],
            )

    def delete_unused(self) -> None:
        """Delete the sets of files that no measured commit has any more."""
        self._db.execute(
            "DELETE FROM passed_over WHERE digest NOT IN (SELECT digest FROM passed_over_in)"
        )
