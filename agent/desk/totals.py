"""The table of totals: what all tests together executed of one version of a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.desk.traces import Traces, delete_others


class TotalKey(NamedTuple):
    """What a total follows from: the file version, the environment, and what was executed."""

    path: str
    blob: str
    environment: str
    executed: bytes
    arcs: bytes


class Counted(NamedTuple):
    """What coverage.py counts in a file: sets of lines as numbits, what is missing as JSON."""

    statements: bytes
    excluded: bytes
    missing: str
    missing_arcs: str
    branches: int


class TotalRow(NamedTuple):
    """A stored total, its columns in the order of the table."""

    id: int
    path: str
    blob: str
    executed: bytes
    arcs: bytes
    statements: bytes
    excluded: bytes
    missing: str
    missing_arcs: str
    branches: int


class TotalSummary(NamedTuple):
    """A stored total without its sets of excluded lines and arcs.

    `lost` is how many lines and branches are missing.
    """

    id: int
    path: str
    blob: str
    environment: str
    executed: bytes
    statements: bytes
    missing: str
    missing_arcs: str
    lost: int
    branches: int


class MeasuredVersion(NamedTuple):
    """What the last total of a version of a file says of its lines."""

    blob: str
    statements: bytes
    missing: str
    missing_arcs: str


_COLUMNS = (
    "t.id, f.path, f.blob, t.executed, t.arcs, t.statements, t.excluded, t.missing,"
    " t.missing_arcs, t.branches FROM totals AS t JOIN files AS f ON f.id = t.file_id"
)


class Totals:
    """Reads and writes totals."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def find(self, key: TotalKey) -> TotalRow | None:
        """The total that follows from a key, or None when it was never worked out."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} WHERE f.path = ? AND f.blob = ? AND t.environment = ?"
            " AND t.executed = ? AND t.arcs = ?",
            key,
        ).fetchone()
        return None if row is None else TotalRow(*row)

    def add(self, key: TotalKey, counted: Counted) -> TotalRow:
        """Store a total; one that is stored already stays as it is."""
        with transaction(self._db):
            file = Traces(self._db).file_id(key.path, key.blob)
            self._db.execute(
                "INSERT OR IGNORE INTO totals (file_id, environment, executed, arcs, statements,"
                " excluded, missing, missing_arcs, branches) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (file, key.environment, key.executed, key.arcs, *counted),
            )
        stored = self.find(key)
        assert stored is not None
        return stored

    def load(self, ids: Iterable[int]) -> list[TotalRow]:
        """Some totals by their ids."""
        query = f"SELECT {_COLUMNS} WHERE t.id = ?"
        return [TotalRow(*self._db.execute(query, (identity,)).fetchone()) for identity in ids]

    def summaries(self, ids: Collection[int]) -> Iterator[TotalSummary]:
        """Some totals by their ids, without what takes long to read."""
        rows = self._db.execute(
            "SELECT t.id, f.path, f.blob, t.environment, t.executed, t.statements, t.missing,"
            " t.missing_arcs, json_array_length(t.missing) + json_array_length(t.missing_arcs),"
            " t.branches FROM json_each(?) AS ids JOIN totals AS t ON t.id = ids.value"
            " JOIN files AS f ON f.id = t.file_id",
            (json.dumps(list(ids)),),
        )
        return map(TotalSummary._make, rows)

    def measured_versions(self, path: str, first: str, limit: int) -> list[MeasuredVersion]:
        """The measured versions of a file, the last measured first.

        Args:
            path: The file.
            first: The blob of the version that comes before all others, where it was measured.
            limit: At most how many.
        """
        rows = self._db.execute(
            "SELECT f.blob, t.statements, t.missing, t.missing_arcs"
            " FROM totals AS t JOIN files AS f ON f.id = t.file_id WHERE f.path = ?"
            " AND t.id = (SELECT max(id) FROM totals WHERE file_id = f.id)"
            " ORDER BY f.blob = ? DESC, t.id DESC LIMIT ?",
            (path, first, limit),
        )
        return list(map(MeasuredVersion._make, rows))

    def delete_unused(self, used: Collection[int]) -> None:
        """Delete the totals but those with these ids."""
        with transaction(self._db):
            delete_others(self._db, "totals", set(used))
