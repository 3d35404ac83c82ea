"""The gaps of measured commits. Commits share the gaps of the files that are alike in them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Gap, Sha


class GapRow(NamedTuple):
    """A gap as its table has it, without its commit; lists are JSON."""

    path: str
    function: str
    first_line: int
    last_line: int
    lines: str
    branches: str
    risk: float
    reasons: str
    changed: int

    @classmethod
    def of(cls, gap: Gap) -> GapRow:
        """The row of a gap."""
        return cls(
            gap.path,
            gap.function,
            gap.first_line,
            gap.last_line,
            json.dumps(gap.lines),
            json.dumps(gap.branches),
            gap.risk,
            json.dumps(gap.reasons),
            int(gap.changed),
        )

    def gap(self, sha: Sha) -> Gap:
        """The gap of a commit that this is the row of."""
        return Gap(
            sha,
            self.path,
            self.function,
            self.first_line,
            self.last_line,
            tuple(json.loads(self.lines)),
            tuple((start, end) for start, end in json.loads(self.branches)),
            self.risk,
            tuple(json.loads(self.reasons)),
            bool(self.changed),
        )


_AT_ONCE = 500
"""Rows that are written in one transaction, at least a file's."""

FileGaps = Mapping[str, Sequence[GapRow]]
"""The gaps of one state of a file, by the key of that state."""


class Rank(NamedTuple):
    """Another risk for a gap, with the reasons for it."""

    gap: Gap
    risk: float
    reasons: Sequence[str]


class Weight(NamedTuple):
    """The highest risk of a function's gaps, and whether the commit changed it."""

    risk: float = 0.0
    changed: bool = False


class Gaps:
    """Reads and writes the gaps of measured commits.

    Args:
        db: The open desk; the tables are `gap_files`, `gap_rows` and `commit_gaps`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def of_commit(self, sha: Sha) -> list[Gap]:
        """The gaps of a measured commit: changed functions first, then the riskiest.

        Before both come gaps of the highest risk there is: a reported traceback goes through them.
        """
        rows = self._db.execute(
            f"SELECT {', '.join(GapRow._fields)}"
            " FROM gaps WHERE sha = ?"
            " ORDER BY risk >= 1 DESC, changed DESC, risk DESC, path, first_line",
            (sha,),
        )
        return [GapRow(*row).gap(sha) for row in rows]

    def weights(self, sha: Sha) -> dict[tuple[str, str], Weight]:
        """The risk of each function of a measured commit that has a gap, by path and name."""
        rows = self._db.execute(
            "SELECT path, function, max(risk), max(changed) FROM gaps WHERE sha = ?"
            " GROUP BY path, function",
            (sha,),
        )
        return {
            (path, function): Weight(risk, bool(changed)) for path, function, risk, changed in rows
        }

    def count(self, sha: Sha | None) -> int:
        """How many gaps a commit has."""
        query = "SELECT count(*) FROM gaps WHERE sha = ?"
        return int(self._db.execute(query, (sha,)).fetchone()[0])

    def prepare(self, rows: Iterable[GapRow]) -> FileGaps:
        """Write what no commit had before of some gaps, a few at a time.

        So that the transaction in which a commit gets them has next to nothing to write.

        Args:
            rows: All gaps of a commit.

        Returns:
            What `replace` takes.
        """
        file_gaps = _by_key(rows)
        missing = self._missing(file_gaps)
        batch: list[str] = []
        size = 0
        for key in missing:
            batch.append(key)
            size += len(file_gaps[key])
            if size >= _AT_ONCE:
                self._insert(file_gaps, batch)
                batch, size = [], 0
        self._insert(file_gaps, batch)
        return file_gaps

    def replace(self, sha: Sha, file_gaps: FileGaps) -> None:
        """Give a measured commit its gaps, in place of those it had.

        Args:
            sha: The commit.
            file_gaps: What `prepare` returned for all of them.
        """
        with transaction(self._db):
            self._insert(file_gaps, self._missing(file_gaps))  # a pruning may have come between
            self._db.execute(
                "INSERT OR REPLACE INTO commit_gaps (sha, files)"
                " SELECT ?, json_group_array(id) FROM (SELECT g.id FROM json_each(?) AS k"
                " JOIN gap_files AS g ON g.key = k.value ORDER BY g.id)",
                (sha, json.dumps(list(file_gaps))),
            )

    def rank(self, sha: Sha, ranks: Iterable[Rank]) -> None:
        """Write other risks for some gaps of a commit; no other commit's are touched."""
        by_place = {(rank.gap.path, rank.gap.function, rank.gap.first_line): rank for rank in ranks}
        if not by_place:
            return
        fields = ", ".join(GapRow._fields)
        rows = []
        for values in self._db.execute(f"SELECT {fields} FROM gaps WHERE sha = ?", (sha,)):
            row = GapRow(*values)
            rank = by_place.get((row.path, row.function, row.first_line))
            if rank is not None:
                row = row._replace(risk=rank.risk, reasons=json.dumps(list(rank.reasons)))
            rows.append(row)
        self.replace(sha, self.prepare(rows))

    def delete_unused(self) -> None:
        """Delete what no commit has any more."""
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM gap_files WHERE id NOT IN"
                " (SELECT f.value FROM commit_gaps, json_each(commit_gaps.files) AS f)"
            )
            self._db.execute("DELETE FROM gap_rows WHERE file_id NOT IN (SELECT id FROM gap_files)")

    def _missing(self, file_gaps: FileGaps) -> list[str]:
        """The keys of states that are not on the desk."""
        rows = self._db.execute(
            "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT key FROM gap_files)",
            (json.dumps(list(file_gaps)),),
        )
        return [key for (key,) in rows]

    def _insert(self, file_gaps: FileGaps, keys: Iterable[str]) -> None:
        with transaction(self._db):
            for key in keys:
                rows = file_gaps[key]
                file_id = self._db.execute(
                    "INSERT INTO gap_files (key, path) VALUES (?, ?)"
                    " ON CONFLICT (key) DO NOTHING RETURNING id",
                    (key, rows[0].path),
                ).fetchone()
                if file_id is None:  # another process was quicker
                    continue
                self._db.executemany(
                    "INSERT INTO gap_rows (file_id, function, first_line, last_line, lines,"
                    " branches, risk, reasons, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [(*file_id, *row[1:]) for row in rows],
                )


def _by_key(rows: Iterable[GapRow]) -> dict[str, list[GapRow]]:
    by_path: dict[str, list[GapRow]] = defaultdict(list)
    for row in rows:
        by_path[row.path].append(row)
    return {key_of(file_rows): file_rows for file_rows in map(sorted, by_path.values())}


def key_of(rows: Sequence[GapRow]) -> str:
    """A name for one state of the gaps of a file.

    Args:
        rows: All gaps of the file, sorted.
    """
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]
