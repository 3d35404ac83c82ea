"""The facts that a story rests on: the table `facts`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Fact, Sha


class StoryFacts:
    """Facts as rows, by the commit whose story they were gathered for.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def replace(self, sha: Sha, facts: Iterable[Fact]) -> None:
        """Keep the facts of a commit in place of those that were kept before."""
        rows = [(sha, f.id, f.kind, f.text, json.dumps(dict(f.values))) for f in facts]
        with transaction(self._db):
            self._db.execute("DELETE FROM facts WHERE sha = ?", (sha,))
            self._db.executemany(
                "INSERT INTO facts (sha, id, kind, text, data) VALUES (?, ?, ?, ?, ?)", rows
            )
