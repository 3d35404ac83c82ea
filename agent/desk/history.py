"""What is known of the repository's history: the commits that were seen, what mining them found,
and what was predicted of them.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from copydesk.agent.desk.connection import Connection, transaction, write_many
from copydesk.agent.records import Json, LineNo, Sha, TestId


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

    def save_state(self, tip: Sha, commits: int, state: bytes) -> None:
        """Keep how far the history was read.

        Args:
            tip: The last commit that was read.
            commits: How many commits were read.
            state: The miner's state, as `packed_state` made it.
        """
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO history_state (id, tip, commits, state, mined_at)"
                " VALUES (1, ?, ?, ?, ?)",
                (tip, commits, state, time.time()),
            )

    def commits(self) -> set[Sha]:
        """The commits that were read."""
        return {sha for (sha,) in self._db.execute("SELECT sha FROM mined_commits")}

    def clear(self) -> None:
        """Forget the commits and functions; the state stays until the next is saved."""
        with transaction(self._db):
            self._db.execute("DELETE FROM changed_functions")
            self._db.execute("DELETE FROM mined_commits")

    def add_commits(self, commits: Iterable[Sha]) -> None:
        """Add commits that were read."""
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO mined_commits (sha) VALUES (?)", [(sha,) for sha in commits]
            )

    def add_functions(self, functions: Iterable[ChangedFunction]) -> None:
        """Add functions that commits changed, a few at a time."""
        write_many(
            self._db,
            "INSERT OR IGNORE INTO changed_functions (sha, path, function, first_line,"
            " last_line, committed_at, inputs) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((*function[:-1], json.dumps(function.inputs)) for function in functions),
        )

    def mark_fixed(self, lines: Iterable[FixedLine]) -> None:
        """Note which functions held a defect: when its first fix came, and which that was."""
        write_many(
            self._db,
            "UPDATE changed_functions SET fixed_at = ?, fixed_by = ?, joined = NULL"
            " WHERE sha = ? AND path = ?"
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
        rows = self._db.execute(
            "SELECT function, inputs, sha = ? FROM changed_functions WHERE path = ?"
            " ORDER BY sha = ?, committed_at",
            (sha, path, sha),
        )
        last_rows = {function: (inputs, by_commit) for function, inputs, by_commit in rows}
        return {
            function: LastChange(bool(by_commit), json.loads(inputs))
            for function, (inputs, by_commit) in last_rows.items()
        }

    def replace_inputs(self, functions: Iterable[ChangedFunction]) -> None:
        """Keep the inputs of functions in place of those that were kept before."""
        write_many(
            self._db,
            "UPDATE changed_functions SET inputs = ? WHERE sha = ? AND path = ? AND function = ?",
            [(json.dumps(f.inputs), f.sha, f.path, f.function) for f in functions],
        )


def packed_state(state: str) -> bytes:
    """The miner's state as `save_state` takes it, from JSON."""
    return zlib.compress(state.encode())


QUIET_SECONDS = 365 * 86_400.0
"""A changed function without a fix for so long counts as one without a defect."""

PredictionKind = Literal["function", "test", "draft"]
"""What a prediction is about: a changed function, an affected test, or a draft."""


class Prediction(NamedTuple):
    """One score of one subject.

    `subject` is "path::function", a test's id or a draft's id; `model` the SHA-256 of the model
    that gave the score, "" for a formula; `in_force` the name of that model.
    """

    subject: str
    score: float
    in_force: str
    model: str
    reasons: tuple[str, ...]
    features: Mapping[str, float | None]


_AT_ONCE = 500
"""Functions whose outcomes are written in one transaction."""

_FIXED = (
    "SELECT sha, path, function, first_line, 1, 'fixed by ' || fixed_by, fixed_at"
    " FROM changed_functions WHERE fixed_at IS NOT NULL AND joined IS NULL LIMIT :most"
)
_QUIET = (
    "SELECT sha, path, function, first_line, 0, 'no fix in a year', :now FROM changed_functions"
    " WHERE fixed_at IS NULL AND joined IS NULL AND committed_at < :before LIMIT :most"
)

_OF_COMMIT = ("subject", "score", "in_force", "model", "reasons", "features", "outcome")
_LATEST = (
    *("kind", "sha", "subject", "score", "in_force", "model", "reasons", "features"),
    *("made_at", "outcome", "outcome_why", "outcome_at"),
)


class Predictions:
    """Predictions as rows, one a kind, commit and subject.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def store(self, kind: PredictionKind, sha: Sha, predictions: Iterable[Prediction]) -> None:
        """Keep predictions for a commit; an earlier one is replaced while its outcome is open."""
        rows = [
            (
                *(kind, sha, p.subject, p.score, p.in_force, p.model),
                *(json.dumps(p.reasons), json.dumps(p.features), time.time()),
            )
            for p in predictions
        ]
        write_many(
            self._db,
            "INSERT INTO predictions (kind, sha, subject, score, in_force, model, reasons,"
            " features, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, sha, subject) DO UPDATE SET score = excluded.score,"
            " in_force = excluded.in_force, model = excluded.model,"
            " reasons = excluded.reasons, features = excluded.features,"
            " made_at = excluded.made_at"
            " WHERE predictions.outcome IS NULL",
            rows,
        )
        if kind == "function":  # what became of one may be known already
            with transaction(self._db):
                self._db.execute(
                    "UPDATE changed_functions SET joined = NULL WHERE sha = ? AND joined = 1",
                    (sha,),
                )

    def of_commit(self, kind: PredictionKind, sha: Sha) -> list[Json]:
        """The predictions for a commit's functions, tests or drafts, the highest score first."""
        rows = self._db.execute(
            f"SELECT {', '.join(_OF_COMMIT)} FROM predictions WHERE kind = ? AND sha = ?"
            " ORDER BY score DESC, subject",
            (kind, sha),
        )
        return [_as_json(_OF_COMMIT, row) for row in rows]

    def latest(self, limit: int) -> list[Json]:
        """The last predictions, the newest first, with their outcome where it is known.

        Args:
            limit: At most so many.
        """
        rows = self._db.execute(
            f"SELECT {', '.join(_LATEST)} FROM predictions ORDER BY made_at DESC, id DESC LIMIT ?",
            (limit,),
        )
        return [_as_json(_LATEST, row) for row in rows]

    def open_tests(self, sha: Sha) -> set[TestId]:
        """The tests of a commit with a prediction whose outcome is not known yet."""
        rows = self._db.execute(
            "SELECT subject FROM predictions WHERE kind = 'test' AND sha = ? AND outcome IS NULL",
            (sha,),
        )
        return {subject for (subject,) in rows}

    def settle_tests(self, sha: Sha, outcomes: Mapping[TestId, str]) -> None:
        """Write how the tests of a measured commit went.

        Args:
            sha: The commit.
            outcomes: pytest's outcome by test.
        """
        now = time.time()
        rows = [
            (float(outcome in ("failed", "error")), outcome, now, sha, test)
            for test, outcome in outcomes.items()
        ]
        write_many(
            self._db,
            "UPDATE predictions SET outcome = ?, outcome_why = ?, outcome_at = ?"
            " WHERE kind = 'test' AND sha = ? AND subject = ? AND outcome IS NULL",
            rows,
        )

    def join_outcomes(self, now: float | None = None) -> int:
        """Write the outcomes of functions and drafts that are known by now.

        A function's is 1 when a fix was traced to it, 0 when a year went by without one. A
        draft's is whether the editor accepted it.

        Args:
            now: The Unix time.

        Returns:
            How many were written.
        """
        now = time.time() if now is None else now
        written = self._join_functions(_FIXED, {}) + self._join_functions(
            _QUIET, {"now": now, "before": now - QUIET_SECONDS}
        )
        with transaction(self._db):
            return written + self._join_decisions(now)

    def _join_functions(self, query: str, parameters: Mapping[str, float]) -> int:
        """Write what became of functions, a few at a time, so that nobody waits long for the lock.

        Args:
            query: Selects the functions whose outcome is known and stands with no prediction yet:
                their key, the outcome, why and when.
            parameters: Those of the query.
        """
        written = 0
        while True:
            with transaction(self._db):
                rows = self._db.execute(query, {**parameters, "most": _AT_ONCE}).fetchall()
                # a fix that was traced later counts; "no fix in a year" never takes one back
                written += self._db.executemany(
                    "UPDATE predictions SET outcome = ?5, outcome_why = ?6, outcome_at = ?7"
                    " WHERE kind = 'function' AND sha = ?1 AND subject = ?2 || '::' || ?3"
                    " AND CASE ?5 WHEN 1 THEN outcome IS NOT 1 ELSE outcome IS NULL END",
                    rows,
                ).rowcount
                self._db.executemany(
                    "UPDATE changed_functions SET joined = 1 WHERE sha = ?1 AND path = ?2"
                    " AND function = ?3 AND first_line = ?4",
                    [row[:4] for row in rows],
                )
            if len(rows) < _AT_ONCE:
                return written

    def _join_decisions(self, now: float) -> int:
        return self._db.execute(
            "UPDATE predictions SET outcome = d.state = 'accepted', outcome_why = d.note,"
            " outcome_at = :now FROM drafts AS d"
            " WHERE predictions.kind = 'draft' AND predictions.outcome IS NULL"
            " AND d.id = CAST(predictions.subject AS INTEGER)"
            " AND d.state IN ('accepted', 'rejected')",
            {"now": now},
        ).rowcount


def _as_json(names: Sequence[str], row: Sequence[Any]) -> Json:
    prediction: Json = dict(zip(names, row, strict=True))
    prediction["reasons"] = json.loads(prediction["reasons"])
    prediction["features"] = json.loads(prediction["features"])
    return prediction
