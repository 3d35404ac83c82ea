"""What came of comparing the functions that commits changed with their parents'."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Json, Sha

ComparisonState = Literal["open", "tested", "fine"]
"""open: nobody has looked at it; tested: a test was drafted of it; fine: the editor says so."""

COMPARISONS = """
CREATE TABLE comparisons (
    -- A row per function that a commit changed, and what it does otherwise since.
    id INTEGER PRIMARY KEY,
    sha TEXT NOT NULL,
    base TEXT NOT NULL,                      -- the commit that it was compared with
    path TEXT NOT NULL,
    function TEXT NOT NULL,
    verdict TEXT NOT NULL,                   -- such as same, differs or signature
    announced TEXT NOT NULL DEFAULT '',      -- by what the commit announces a difference
    detail TEXT NOT NULL,                    -- JSON: inputs, differences, reasons
    state TEXT NOT NULL DEFAULT 'open',      -- open, tested or fine
    compared_at TEXT NOT NULL,               -- ISO 8601
    UNIQUE (sha, path, function)
);
CREATE INDEX comparisons_by_verdict ON comparisons (verdict, state);

CREATE VIEW suspect_changes AS
    -- Functions that do something else since a commit that does not say so.
    SELECT id, sha, path, function, state, compared_at
    FROM comparisons WHERE verdict = 'differs' AND announced = '' AND state = 'open' ORDER BY id;
"""


class ComparisonRow(NamedTuple):
    """A compared function as its table has it.

    Attributes:
        id: 0 before it is kept.
        sha: The commit.
        base: The commit that it was compared with.
        path: The function's file.
        function: Its qualified name.
        verdict: See agent/behaviour/records.py.
        announced: By what the commit announces a difference; "" for by nothing.
        detail: All that is known of it.
        state: What became of it.
        compared_at: When, ISO 8601.
    """

    id: int
    sha: Sha
    base: Sha
    path: str
    function: str
    verdict: str
    announced: str
    detail: Json
    state: ComparisonState = "open"
    compared_at: str = ""

    @property
    def name(self) -> str:
        """Path and function."""
        return f"{self.path}::{self.function}"

    @property
    def is_suspect(self) -> bool:
        """Whether it does something else since a commit that does not say so."""
        return self.verdict == "differs" and not self.announced


_FIELDS = ", ".join(ComparisonRow._fields)


class Comparisons:
    """Reads and writes what came of comparing functions.

    Args:
        db: The desk; the table is `comparisons`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def keep(self, row: ComparisonRow) -> ComparisonRow:
        """Keep a comparison in place of an earlier one of the same function and commit.

        Returns:
            The row as it is kept.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO comparisons (sha, base, path, function, verdict, announced, detail,"
                " compared_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (sha, path, function) DO UPDATE SET base = excluded.base,"
                " verdict = excluded.verdict, announced = excluded.announced,"
                " detail = excluded.detail, compared_at = excluded.compared_at",
                (*row[1:7], json.dumps(row.detail, sort_keys=True), timestamp()),
            )
        return next(r for r in self.of_commit(row.sha) if r.name == row.name)

    def of_commit(self, sha: Sha) -> list[ComparisonRow]:
        """What is kept of a commit, in the order in which it was compared."""
        return self._rows("WHERE sha = ? ORDER BY id", (sha,))

    def suspects(self) -> list[ComparisonRow]:
        """The differences that no commit announces and nobody has looked at, the newest first."""
        return self._rows(
            "WHERE verdict = 'differs' AND announced = '' AND state = 'open' ORDER BY id DESC", ()
        )

    def get(self, identity: int) -> ComparisonRow:
        """One comparison.

        Raises:
            CopydeskError: There is none of that number.
        """
        rows = self._rows("WHERE id = ?", (identity,))
        if not rows:
            raise CopydeskError(
                f"there is no comparison {identity}",
                slug="no-such-comparison",
                hint="`copydesk behaviour` lists those of a commit.",
            )
        return rows[0]

    def set_state(self, identity: int, state: ComparisonState) -> None:
        """Write what became of a comparison."""
        with transaction(self._db):
            self._db.execute("UPDATE comparisons SET state = ? WHERE id = ?", (state, identity))

    def _rows(self, condition: str, parameters: Sequence[Any]) -> list[ComparisonRow]:
        rows = self._db.execute(f"SELECT {_FIELDS} FROM comparisons {condition}", parameters)
        return [
            ComparisonRow._make([*row[:7], json.loads(row[7]), *row[8:]]) for row in rows.fetchall()
        ]
