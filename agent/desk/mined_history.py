"""The repository's mined history: `changed_functions`, `mined_commits` and `history_state`."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import LineNo, Sha

Inputs = dict[str, float | None]
"""What was known of a changed function, by name; None where it is not known."""


class ChangedFunction(NamedTuple):
    """A function as a commit left it. Lines count from 1, both ends included."""

    sha: Sha
    path: str
    function: str
    first_line: LineNo
    last_line: LineNo
    committed_at: int
    inputs: Inputs


class FixedLine(NamedTuple):
    """A line that a fix took away: the commit that wrote it, where, and the fix."""

    sha: Sha
    path: str
    line: LineNo
    fix: Sha
    fixed_at: int


class LabelledFunction(NamedTuple):
    """A changed function as a model learns from it; times are Unix times."""

    committed_at: int
    inputs: Inputs
    fixed_at: int | None


class LastChange(NamedTuple):
    """A function's last change: whether the commit asked about made it, and its inputs."""

    by_commit: bool
    inputs: Inputs


class MinedUpTo(NamedTuple):
    """How far the history was read: the last commit, how many, and when (Unix time)."""

    tip: Sha
    commits: int
    mined_at: float


class MinedHistory:
    """What mining the history found, as rows.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def up_to(self) -> MinedUpTo | None:
        """How far the history was read; None when it never was."""
        row = self._db.execute("SELECT tip, commits, mined_at FROM history_state").fetchone()
        return None if row is None else MinedUpTo(*row)

    def state(self) -> str:
        """The miner's state after the last commit that was read, as the JSON that was saved.

        The history must have been read before; see `up_to`.
        """
        (packed,) = self._db.execute("SELECT state FROM history_state").fetchone()
        return zlib.decompress(packed).decode()

    def save_state(self, tip: Sha, commits: int, state: str) -> None:
        """Keep how far the history was read.

        Args:
            tip: The last commit that was read.
            commits: How many commits were read.
            state: The miner's state as JSON.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO history_state (id, tip, commits, state, mined_at)"
                " VALUES (1, ?, ?, ?, ?)",
                (tip, commits, zlib.compress(state.encode()), time.time()),
            )

    def commits(self) -> set[Sha]:
        """The commits that were read."""
        return {sha for (sha,) in self._db.execute("SELECT sha FROM mined_commits")}

    def clear(self) -> None:
        """Forget the commits and functions; the state stays until the next is saved."""
        with transaction(self._db):
            self._db.execute("DELETE FROM changed_functions")
            self._db.execute("DELETE FROM mined_commits")

    def add(self, commits: Iterable[Sha], functions: Iterable[ChangedFunction]) -> None:
        """Add commits that were read, and the functions that they changed."""
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO mined_commits (sha) VALUES (?)", [(sha,) for sha in commits]
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO changed_functions (sha, path, function, first_line,"
                " last_line, committed_at, inputs) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((*function[:-1], json.dumps(function.inputs)) for function in functions),
            )

    def mark_fixed(self, lines: Iterable[FixedLine]) -> None:
        """Note which functions held a defect: when its first fix came, and which that was."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE changed_functions SET fixed_at = ?, fixed_by = ? WHERE sha = ? AND path = ?"
                " AND ? BETWEEN first_line AND last_line AND committed_at < ?"
                " AND (fixed_at IS NULL OR fixed_at > ?)",
                (
                    (
                        *(line.fixed_at, line.fix, line.sha, line.path, line.line),
                        *(line.fixed_at, line.fixed_at),
                    )
                    for line in lines
                ),
            )

    def fixed_count(self) -> int:
        """How many changed functions held a defect, as far as is known."""
        row = self._db.execute("SELECT count(fixed_at) FROM changed_functions").fetchone()
        return int(row[0])

    def labelled(self) -> list[LabelledFunction]:
        """Every changed function with its fix, in order of time."""
        rows = self._db.execute(
            "SELECT committed_at, inputs, fixed_at FROM changed_functions ORDER BY committed_at"
        )
        return [LabelledFunction(at, json.loads(inputs), fixed_at) for at, inputs, fixed_at in rows]

    def functions_of(self, sha: Sha) -> list[ChangedFunction]:
        """The functions that a commit changed, by path and line."""
        rows = self._db.execute(
            "SELECT sha, path, function, first_line, last_line, committed_at, inputs"
            " FROM changed_functions WHERE sha = ? ORDER BY path, first_line",
            (sha,),
        )
        return [ChangedFunction(*row)._replace(inputs=json.loads(row[-1])) for row in rows]

    def last_changes(self, sha: Sha, path: str) -> dict[str, LastChange]:
        """The last change of each function of a file, by function.

        The commit's own change counts where there is one, else the latest.
        """
        changes: dict[str, LastChange] = {}
        for function, inputs, by_commit in self._db.execute(
            "SELECT function, inputs, sha = ? FROM changed_functions WHERE path = ?"
            " ORDER BY sha = ?, committed_at",
            (sha, path, sha),
        ):
            changes[function] = LastChange(bool(by_commit), json.loads(inputs))
        return changes

    def replace_inputs(self, functions: Iterable[ChangedFunction]) -> None:
        """Keep the inputs of functions in place of those that were kept before."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE changed_functions SET inputs = ?"
                " WHERE sha = ? AND path = ? AND function = ?",
                [(json.dumps(f.inputs), f.sha, f.path, f.function) for f in functions],
            )
