"""What has been seen of git."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Sha


class SeenCommit(NamedTuple):
    """What a commit says of itself.

    `parents` are separated by spaces; `authored_at` is ISO 8601 with zone.
    """

    sha: Sha
    parents: str
    author: str
    authored_at: str
    subject: str


class Commits:
    """The commits that copydesk has seen, and the tips up to which it has seen them all.

    Args:
        db: The desk; the tables are `commits` and `tips`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def record(self, commits: Iterable[SeenCommit]) -> None:
        """Keep commits; those that are on the desk stay as they are."""
        now = time.time()
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO commits (sha, parents, author, authored_at, subject,"
                " seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                [(*commit, now) for commit in commits],
            )

    def tips(self) -> set[Sha]:
        """The tips of branches and worktrees up to which every commit has been seen."""
        return {str(sha) for (sha,) in self._db.execute("SELECT sha FROM tips")}

    def replace_tips(self, tips: Iterable[Sha]) -> None:
        """Say anew up to which tips every commit has been seen."""
        with transaction(self._db):
            self._db.execute("DELETE FROM tips")
            rows = [(sha,) for sha in sorted(tips)]
            self._db.executemany("INSERT INTO tips (sha) VALUES (?)", rows)
