"""The tables of measured commits, and of measures that were cut short."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.desk.packed_ids import compress_ids, decompress_ids
from copydesk.agent.records import Sha, TestId
from copydesk.hooks.doubts import broken_files, doubts_of


class Measure(NamedTuple):
    """A measured commit.

    `percent` is of 100, None where it says nothing (see `doubts`); `failed` counts the test files
    that could not be collected too; `seconds` is wall time.
    """

    sha: Sha
    base: Sha | None
    reason: str
    selected: int
    total: int
    passed: int
    failed: int
    skipped: int
    executable: int
    covered: int
    percent: float | None
    seconds: float

    @property
    def broken(self) -> int:
        """How many test files could not be collected."""
        return broken_files(self.total, self.passed, self.failed, self.skipped)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why its figures say nothing about the code, each in words; empty where they hold."""
        counts = (self.total, self.passed, self.failed, self.skipped, self.executable)
        return tuple(doubts_of(*counts))


class ProjectTotal(NamedTuple):
    """What a measure says of one project of a commit; counts as in `Measure`."""

    folder: str
    branch: bool
    total: int
    passed: int
    failed: int
    skipped: int
    executable: int
    covered: int
    percent: float | None

    @property
    def name(self) -> str:
        """What it is called: its folder."""
        return self.folder or "top folder"

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why its figures say nothing about the code, each in words; empty where they hold."""
        counts = (self.total, self.passed, self.failed, self.skipped, self.executable)
        return tuple(doubts_of(*counts))


class Conditions(NamedTuple):
    """Under what a commit was measured: fingerprint of the environment, and whether with arcs."""

    environment: str
    branch: bool


class StoredMap(NamedTuple):
    """The traces that make a measured commit, by their ids, and its conditions."""

    conditions: Conditions
    traces: list[int]


class MeasuredCommit(NamedTuple):
    """A measured commit in the history of the project's coverage."""

    sha: Sha
    authored_at: str
    subject: str
    percent: float | None


_FIELDS = ", ".join(Measure._fields)


class Measures:
    """Reads and writes measures of commits."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def get(self, sha: Sha) -> Measure | None:
        """The measure of a commit, or None when it was not measured."""
        row = self._db.execute(f"SELECT {_FIELDS} FROM measures WHERE sha = ?", (sha,)).fetchone()
        return None if row is None else Measure(*row)

    def measured_at(self, sha: Sha) -> str | None:
        """When a commit was measured, ISO 8601; None when it was not."""
        row = self._one("measured_at", sha)
        return None if row is None else str(row[0])

    def interpreter(self, sha: Sha) -> str:
        """The interpreter that ran a commit's tests, as "path (version)"; "" where none did."""
        row = self._one("interpreter", sha)
        return "" if row is None else str(row[0])

    def shas(self) -> list[Sha]:
        """The measured commits, the first measured first."""
        rows = self._db.execute("SELECT sha FROM measures ORDER BY measured_at, rowid")
        return [sha for (sha,) in rows]

    def conditions(self) -> dict[Sha, Conditions]:
        """Under what each commit was measured, the last measured first."""
        rows = self._db.execute(
            "SELECT sha, environment, branch FROM measures ORDER BY measured_at DESC, rowid DESC"
        )
        return {sha: Conditions(environment, bool(branch)) for sha, environment, branch in rows}

    def since_last_full_run(self) -> int:
        """How many commits were measured since the last one whose tests all ran."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM measures"
            " WHERE rowid > (SELECT coalesce(max(rowid), 0) FROM measures WHERE base IS NULL)"
        ).fetchone()
        return int(count)

    def history(self) -> list[MeasuredCommit]:
        """All measured commits, in no order."""
        rows = self._db.execute(
            "SELECT m.sha, coalesce(c.authored_at, ''), coalesce(c.subject, ''), m.percent"
            " FROM measures AS m LEFT JOIN commits AS c USING (sha)"
        )
        return list(map(MeasuredCommit._make, rows))

    def stored_map(self, sha: Sha) -> StoredMap | None:
        """The traces that make a commit, or None when it was not measured."""
        row = self._one("environment, branch, traces", sha)
        if row is None:
            return None
        environment, branch, traces = row
        return StoredMap(Conditions(str(environment), bool(branch)), decompress_ids(traces))

    def total_ids(self, sha: Sha) -> list[int] | None:
        """The ids of a commit's totals, or None when it was not measured."""
        row = self._one("totals", sha)
        return None if row is None else decompress_ids(row[0])

    def has_branches(self, sha: Sha) -> bool:
        """Whether a measured commit was measured with arcs."""
        row = self._one("branch", sha)
        return row is not None and bool(row[0])

    def _one(self, columns: str, sha: Sha) -> tuple[Any, ...] | None:
        row = self._db.execute(f"SELECT {columns} FROM measures WHERE sha = ?", (sha,)).fetchone()
        return None if row is None else tuple(row)

    def add(
        self,
        measure: Measure,
        conditions: Conditions,
        interpreter: str,
        *,
        traces: Iterable[int],
        totals: Iterable[int],
    ) -> None:
        """Write the measure of a commit, in place of an earlier one.

        Args:
            measure: The measure.
            conditions: Under what it was made.
            interpreter: The interpreter that ran the tests, in words.
            traces: The ids of the traces that make the commit.
            totals: The ids of its totals.
        """
        self._db.execute(
            f"INSERT OR REPLACE INTO measures ({_FIELDS}, environment, interpreter, branch,"
            f" traces, totals, measured_at) VALUES ({', '.join('?' * 18)})",
            (
                *measure,
                conditions.environment,
                interpreter,
                int(conditions.branch),
                compress_ids(traces),
                compress_ids(totals),
                timestamp(),
            ),
        )

    def projects(self, sha: Sha) -> list[ProjectTotal]:
        """The totals of a measured commit's projects; none where the repository is one project."""
        fields = ", ".join(ProjectTotal._fields)
        query = f"SELECT {fields} FROM project_totals WHERE sha = ? ORDER BY folder"
        return list(map(ProjectTotal._make, self._db.execute(query, (sha,))))

    def project_conditions(self, sha: Sha) -> dict[str, str]:
        """What the outcomes of a measured commit's projects depend on: fingerprints by folder."""
        query = "SELECT folder, conditions FROM project_totals WHERE sha = ? AND conditions <> ''"
        return dict(self._db.execute(query, (sha,)).fetchall())

    def set_projects(
        self, sha: Sha, projects: Iterable[ProjectTotal], conditions: Mapping[str, str]
    ) -> None:
        """Write the totals of a commit's projects, in place of what was there.

        Args:
            sha: The commit.
            projects: The totals.
            conditions: What each project's outcomes depend on, as a fingerprint by its folder.
        """
        fields = ", ".join(ProjectTotal._fields)
        marks = ", ".join("?" * (len(ProjectTotal._fields) + 2))
        with transaction(self._db):
            self._db.execute("DELETE FROM project_totals WHERE sha = ?", (sha,))
            self._db.executemany(
                f"INSERT INTO project_totals (sha, {fields}, conditions) VALUES ({marks})",
                [(sha, *one, conditions.get(one.folder, "")) for one in projects],
            )

    def delete(self, sha: Sha) -> None:
        """Delete the measure of a commit; traces, totals and gaps may serve others."""
        with transaction(self._db):
            for table in (
                *("commit_gaps", "failed_tests", "checkouts", "project_totals"),
                *("passed_over_in", "measures"),
            ):
                self._db.execute(f"DELETE FROM {table} WHERE sha = ?", (sha,))

    def delete_without_gaps(self) -> None:
        """Delete the measures whose gaps are lost: an empty list would say that there are none."""
        rows = self._db.execute("SELECT sha FROM measures EXCEPT SELECT sha FROM commit_gaps")
        for (sha,) in rows.fetchall():
            self.delete(sha)

    def used_traces(self) -> set[int]:
        """The ids of all traces that a measure has, or one that was cut short."""
        used = set[int]()
        for table in ("unfinished", "measures"):
            for (traces,) in self._db.execute(f"SELECT traces FROM {table}"):
                used.update(decompress_ids(traces))
        return used

    def used_totals(self) -> set[int]:
        """The ids of all totals that a measure has."""
        used = set[int]()
        for (totals,) in self._db.execute("SELECT totals FROM measures"):
            used.update(decompress_ids(totals))
        return used

    def counted_scripts(self) -> list[str]:
        """The files that counted in the last measure although their names do not end in .py."""
        row = self._db.execute("SELECT value FROM policy WHERE key = 'scripts'").fetchone()
        return [] if row is None else str(row[0]).split("\n") if row[0] else []

    def publish_policy(self, rules: Mapping[str, object]) -> None:
        """Write the rules of the gate where its hook reads them."""
        self._db.executemany(
            "INSERT OR REPLACE INTO policy (key, value) VALUES (?, ?)",
            [(key, str(value)) for key, value in rules.items()],
        )


class RunningMeasure(NamedTuple):
    """A measure that runs tests now, or was cut short: what is known of its commit.

    `base` is the commit that it had started from, `files` the test files that are collected
    (None: all), `traces` the ids of the traces that hold, `tests` those to run yet (None: its
    stream is not read), `variables` a digest of each variable that the tests see, and `stream`
    the file in which the run says what it records.
    """

    sha: Sha
    base: Sha | None
    conditions: Conditions
    files: list[str] | None
    traces: list[int]
    tests: list[TestId] | None
    variables: Mapping[str, str]
    stream: str


class UnfinishedMeasures:
    """Reads and writes the measures that run now or were cut short."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def shas(self) -> set[Sha]:
        """The commits."""
        return {sha for (sha,) in self._db.execute("SELECT sha FROM unfinished")}

    def streams(self) -> set[str]:
        """The files in which their runs say what they record."""
        return {stream for (stream,) in self._db.execute("SELECT stream FROM unfinished")}

    def newest_first(self) -> list[RunningMeasure]:
        """All of them, the last begun first."""
        rows = self._db.execute(
            "SELECT sha, base, environment, branch, files, traces, tests, variables, stream"
            " FROM unfinished ORDER BY begun_at DESC"
        )
        return [_running_measure(row) for row in rows]

    def add(self, measure: RunningMeasure) -> None:
        """Write that a measure begins now."""
        self._db.execute(
            "INSERT INTO unfinished (sha, base, environment, branch, files, traces, variables,"
            " stream, begun_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(measure.sha, measure.base),
                *(measure.conditions.environment, int(measure.conditions.branch)),
                None if measure.files is None else json.dumps(measure.files),
                compress_ids(measure.traces),
                json.dumps(measure.variables),
                *(measure.stream, time.time()),
            ),
        )

    def set_read(self, sha: Sha, traces: Iterable[int], tests: Iterable[TestId]) -> None:
        """Write what the stream of a measure has shown: its traces, and the tests to run yet."""
        self._db.execute(
            "UPDATE unfinished SET traces = ?, tests = ? WHERE sha = ?",
            (compress_ids(traces), json.dumps(list(tests)), sha),
        )

    def delete(self, sha: Sha) -> list[str]:
        """Delete what is known of a commit's measure.

        Returns:
            The stream that it had, if any.
        """
        rows = self._db.execute("SELECT stream FROM unfinished WHERE sha = ?", (sha,)).fetchall()
        self._db.execute("DELETE FROM unfinished WHERE sha = ?", (sha,))
        return [stream for (stream,) in rows]


def _running_measure(row: tuple[Any, ...]) -> RunningMeasure:
    sha, base, environment, branch, files, traces, tests, variables, stream = row
    return RunningMeasure(
        sha,
        base,
        Conditions(environment, bool(branch)),
        None if files is None else json.loads(files),
        decompress_ids(traces),
        None if tests is None else json.loads(tests),
        json.loads(variables),
        stream,
    )
