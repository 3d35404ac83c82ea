"""What tests executed: the tables `files`, `hits`, `contexts`, `traces` and `totals`.

A trace is one recorded execution of a context (a test, a fixture, the import of a module). It has
hits: sets of lines of one version of a file, which very many traces share. A total is what all
tests together executed of one version of a file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.desk.packed_ids import unpack_ids
from copydesk.agent.records import TestId


class Hit(NamedTuple):
    """Lines (numbits) and arcs (pairs of int32, sorted) executed in one version of a file."""

    path: str
    blob: str
    lines: bytes
    arcs: bytes = b""


class TraceRow(NamedTuple):
    """A stored trace. `hits` are packed ids; `needs` is JSON: pairs of kind and name."""

    kind: str
    name: str
    outcome: str
    seconds: float
    hits: bytes
    needs: str
    id: int


class NewTrace(NamedTuple):
    """A trace to store; the columns as in `TraceRow`.

    `repeats` is the id of the run before, where nothing that one depended on had changed since.
    """

    kind: str
    name: str
    environment: str
    outcome: str
    seconds: float
    hits: bytes
    needs: str
    repeats: int | None


class FlakyTest(NamedTuple):
    """A test, how often it was run, and how often its outcome changed for no change at all."""

    name: str
    runs: int
    flips: int


class TestRun(NamedTuple):
    """One run of a test: how it went, when (Unix time), and its hits as packed ids.

    A failure that was chance, as the run after it showed, has the outcome of that one.
    """

    name: TestId
    outcome: str
    recorded_at: float
    hits: bytes


class Traces:
    """Reads and writes traces, their contexts, and the hits and file versions they are of."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    # --- writing ---

    def file_id(self, path: str, blob: str) -> int:
        """The id of a file version, made where it is new."""
        return self._row_id("files", {"path": path, "blob": blob})

    def blobs(self) -> set[str]:
        """The ids of the contents of all files that a trace or a total speaks of."""
        return {blob for (blob,) in self._db.execute("SELECT blob FROM files")}

    def hit_id(self, file: int, hit: Hit) -> int:
        """The id of a hit in a file version (given by its id), made where it is new."""
        return self._row_id("hits", {"file_id": file, "lines": hit.lines, "arcs": hit.arcs})

    def add(self, trace: NewTrace) -> int:
        """Store a trace, recorded now.

        Returns:
            Its id.
        """
        context = self._row_id("contexts", {"kind": trace.kind, "name": trace.name})
        cursor = self._db.execute(
            "INSERT INTO traces (context_id, environment, outcome, seconds, hits, needs,"
            " recorded_at, repeats) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(context, trace.environment, trace.outcome, trace.seconds, trace.hits),
                *(trace.needs, time.time(), trace.repeats),
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _row_id(self, table: str, values: Mapping[str, object]) -> int:
        """The id of the row with these values, which are unique in the table; made where new."""
        where, columns = " AND ".join(f"{name} = ?" for name in values), ", ".join(values)
        parameters = tuple(values.values())
        row = self._db.execute(f"SELECT id FROM {table} WHERE {where}", parameters).fetchone()
        if row is not None:
            return int(row[0])
        marks = ", ".join("?" * len(parameters))
        cursor = self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", parameters)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    # --- traces ---

    def load(self, ids: Iterable[int]) -> list[TraceRow]:
        """Some traces by their ids; those that are gone are left out."""
        rows = self._db.execute(
            "SELECT c.kind, c.name, t.outcome, t.seconds, t.hits, t.needs, t.id"
            " FROM json_each(?) AS ids JOIN traces AS t ON t.id = ids.value"
            " JOIN contexts AS c ON c.id = t.context_id",
            (json.dumps(sorted(ids)),),
        )
        return list(map(TraceRow._make, rows))

    def test_names(self, ids: Iterable[int]) -> set[TestId]:
        """The tests among some traces, given by their ids."""
        rows = self._db.execute(
            "SELECT c.name FROM json_each(?) AS ids JOIN traces AS t ON t.id = ids.value"
            " JOIN contexts AS c ON c.id = t.context_id WHERE c.kind = 'test'",
            (json.dumps(list(ids)),),
        )
        return {name for (name,) in rows}

    def test_runs(self) -> Iterator[TestRun]:
        """All recorded runs of tests, the oldest first."""
        rows = self._db.execute(
            "SELECT c.name, coalesce(f.became, t.outcome), t.recorded_at, t.hits"
            " FROM contexts AS c JOIN traces AS t ON t.context_id = c.id"
            " LEFT JOIN outcome_flips AS f ON f.before = t.id"
            " WHERE c.kind = 'test' ORDER BY t.id"
        )
        return map(TestRun._make, rows)

    def last_outcomes(self, test: TestId, limit: int) -> list[str]:
        """The outcomes of a test's last runs, the newest last."""
        rows = self._db.execute(
            "SELECT t.outcome FROM contexts AS c JOIN traces AS t ON t.context_id = c.id"
            " WHERE c.kind = 'test' AND c.name = ? ORDER BY t.id DESC LIMIT ?",
            (test, limit),
        ).fetchall()
        return [outcome for (outcome,) in reversed(rows)]

    def flaky_tests(self) -> list[FlakyTest]:
        """The tests whose outcome changed for no change, those with the most such runs first."""
        rows = self._db.execute("SELECT name, runs, flips FROM tests_flaky")
        return list(map(FlakyTest._make, rows))

    # --- hits and file versions ---

    def has_file(self, path: str, blob: str) -> bool:
        """Whether a version of a file was executed or counted in any measure."""
        query = "SELECT 1 FROM files WHERE path = ? AND blob = ?"
        return self._db.execute(query, (path, blob)).fetchone() is not None

    def executed_scripts(self) -> list[str]:
        """The files whose names do not end in .py that were executed or counted in any measure."""
        query = "SELECT DISTINCT path FROM files WHERE path NOT LIKE '%.py' ORDER BY path"
        return [path for (path,) in self._db.execute(query)]

    def hits(self, ids: Iterable[int]) -> dict[int, Hit]:
        """Some hits, by id."""
        rows = self._db.execute(
            "SELECT h.id, f.path, f.blob, h.lines, h.arcs"
            " FROM json_each(?) AS ids JOIN hits AS h ON h.id = ids.value"
            " JOIN files AS f ON f.id = h.file_id",
            (json.dumps(sorted(ids)),),
        )
        return {
            identity: Hit(path, blob, lines, arcs) for identity, path, blob, lines, arcs in rows
        }

    def hits_on_paths(self, paths: Iterable[str]) -> dict[int, Hit]:
        """All hits of any version of some files, by id."""
        rows = self._db.execute(
            "SELECT h.id, f.path, f.blob, h.lines, h.arcs FROM json_each(?) AS paths"
            " JOIN files AS f ON f.path = paths.value JOIN hits AS h ON h.file_id = f.id",
            (json.dumps(sorted(paths)),),
        )
        return {
            identity: Hit(path, blob, lines, arcs) for identity, path, blob, lines, arcs in rows
        }

    def hits_of_version(self, path: str, blob: str) -> Iterator[tuple[int, bytes]]:
        """All hits of one version of a file: the id and the lines of each."""
        return self._db.execute(
            "SELECT h.id, h.lines FROM hits AS h JOIN files AS f ON f.id = h.file_id"
            " WHERE f.path = ? AND f.blob = ?",
            (path, blob),
        )

    def hits_of_other_versions(self, paths: Iterable[str], blobs: Mapping[str, str]) -> set[int]:
        """The ids of all hits of some files in other versions than a tree has.

        Args:
            paths: The files.
            blobs: The tree: blob by path.
        """
        rows = self._db.execute(
            "SELECT h.id, f.path, f.blob FROM json_each(?) AS paths"
            " JOIN files AS f ON f.path = paths.value JOIN hits AS h ON h.file_id = f.id",
            (json.dumps(sorted(paths)),),
        )
        return {identity for identity, path, blob in rows if blobs.get(path) != blob}

    def paths_of_hits(self, ids: Iterable[int]) -> set[str]:
        """The files that some hits are of."""
        rows = self._db.execute(
            "SELECT DISTINCT f.path FROM json_each(?) AS ids JOIN hits AS h ON h.id = ids.value"
            " JOIN files AS f ON f.id = h.file_id",
            (json.dumps(sorted(ids)),),
        )
        return {path for (path,) in rows}

    # --- pruning ---

    def delete_unused(self, used: Collection[int]) -> None:
        """Delete the traces that are not used, and all that only they had.

        Those that show that a test is flaky stay: few are, and each takes two rows.

        Args:
            used: The ids of the traces that measures have.
        """
        with transaction(self._db):
            keep = set(used)
            for pair in self._db.execute("SELECT run, before FROM outcome_flips").fetchall():
                keep.update(pair)
            delete_others(self._db, "traces", keep)
            self._db.execute(
                "UPDATE traces SET repeats = NULL"
                " WHERE repeats IS NOT NULL AND repeats NOT IN (SELECT id FROM traces)"
            )
            hits = set[int]()
            for (packed,) in self._db.execute("SELECT hits FROM traces"):
                hits.update(unpack_ids(packed))
            delete_others(self._db, "hits", hits)
            self._db.execute("DELETE FROM contexts WHERE id NOT IN (SELECT context_id FROM traces)")
            self._db.execute(
                "DELETE FROM files WHERE id NOT IN (SELECT file_id FROM hits)"
                " AND id NOT IN (SELECT file_id FROM totals)"
            )


def delete_others(db: Connection, table: str, keep: set[int]) -> None:
    """Delete the rows of a table but those with these ids."""
    stored = {int(identity) for (identity,) in db.execute(f"SELECT id FROM {table}")}
    unused = sorted(stored - keep)
    db.executemany(f"DELETE FROM {table} WHERE id = ?", [(identity,) for identity in unused])


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


class Undescribed(NamedTuple):
    """A total with missing lines, of which nothing is kept for the hook yet."""

    id: int
    blob: str
    statements: bytes
    missing: str


class MissingText(NamedTuple):
    """What the hook knows of a total's missing lines; see the table `missing_texts`."""

    total: int
    digests: str
    lone_cr: bool


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

    def undescribed(self, newest: int) -> list[Undescribed]:
        """The totals with missing lines that came after the last one that was described.

        Args:
            newest: At most so many totals, the last ones, are looked at.
        """
        rows = self._db.execute(
            "SELECT t.id, f.blob, t.statements, t.missing"
            " FROM totals AS t JOIN files AS f ON f.id = t.file_id WHERE t.missing != '[]'"
            " AND t.id > (SELECT ifnull(max(total_id), 0) FROM missing_texts)"
            " AND t.id > (SELECT ifnull(max(id), 0) FROM totals) - ? ORDER BY t.id",
            (newest,),
        )
        return list(map(Undescribed._make, rows))

    def describe(self, texts: Collection[MissingText]) -> None:
        """Store what the hook is to know of missing lines."""
        with transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO missing_texts VALUES (?, ?, ?)", texts)

    def delete_unused(self, used: Collection[int]) -> None:
        """Delete the totals but those with these ids."""
        with transaction(self._db):
            delete_others(self._db, "totals", set(used))
