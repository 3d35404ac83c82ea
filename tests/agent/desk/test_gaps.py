"""Commits share the gaps of files that are alike in them, and each reads back its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.desk import gaps
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.gaps import GapRow, Rank
from copydesk.agent.desk.migrations import migrations
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk

MEASURE = (
    "INSERT INTO measures (sha, reason, environment, interpreter, branch, selected, total, passed,"
    " failed, skipped, executable, covered, percent, seconds, traces, totals, measured_at)"
    " VALUES (?, '', 'e', '', 0, 1, 1, 1, 0, 0, 1, 1, 100, 1, ?, ?, '2026')"
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as database:
        for sha in "abcdef":
            database.execute(MEASURE, (sha, compress_ids([]), compress_ids([])))
        yield database


def row(path: str, function: str, risk: float = 0.5, line: int = 1) -> GapRow:
    return GapRow(path, function, line, line + 3, f"[{line}]", "[]", risk, '["long"]', 0)


def record(db: Database, sha: str, rows: list[GapRow]) -> None:
    db.gaps.replace(sha, db.gaps.prepare(rows))


def count(db: Database, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_commit_adds_only_the_files_that_are_not_as_before(db: Database) -> None:
    record(db, "a", [row("m.py", "f"), row("m.py", "g", line=9), row("n.py", "h")])
    before = count(db, "gap_rows")
    record(db, "b", [row("m.py", "f"), row("m.py", "g", line=9), row("n.py", "h", risk=0.7)])
    assert (before, count(db, "gap_rows")) == (3, 4)
    assert [gap.risk for gap in db.gaps.of_commit("b")] == [0.7, 0.5, 0.5]
    assert [gap.risk for gap in db.gaps.of_commit("a")] == [0.5, 0.5, 0.5]
    assert (db.gaps.count("a"), db.gaps.count("c"), db.gaps.count(None)) == (3, 0, 0)


def test_another_rank_is_that_commits_alone(db: Database) -> None:
    for sha in "ab":
        record(db, sha, [row("m.py", "f"), row("m.py", "g", line=9)])
    gap = db.gaps.of_commit("b")[1]
    db.gaps.rank("b", [Rank(gap, 0.9, ["named by a reader"])])
    ranked = db.gaps.of_commit("b")[0]
    assert (ranked.function, ranked.risk, ranked.reasons) == ("g", 0.9, ("named by a reader",))
    assert {gap.risk for gap in db.gaps.of_commit("a")} == {0.5}
    record(db, "b", [])
    assert db.gaps.of_commit("b") == []


def test_what_no_commit_has_is_deleted_and_what_was_deleted_is_written_again(
    db: Database,
) -> None:
    record(db, "a", [row("m.py", "f")])
    prepared = db.gaps.prepare([row("m.py", "g")])
    db.gaps.delete_unused()
    assert (count(db, "gap_files"), count(db, "gap_rows")) == (1, 1)
    db.gaps.replace("b", prepared)
    assert [gap.function for gap in db.gaps.of_commit("b")] == ["g"]
    with transaction(db):
        db.measures.delete("a")
    db.gaps.delete_unused()
    assert (count(db, "gap_files"), count(db, "gaps")) == (1, 1)


ROWS = st.lists(
    st.builds(
        row, st.sampled_from(["a.py", "b.py"]), st.sampled_from("fgh"), st.sampled_from([0.1, 0.2])
    ),
    unique_by=lambda gap: (gap.path, gap.function),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), ROWS), max_size=8))
def test_every_commit_reads_back_what_was_written_for_it_last(
    db: Database, writes: list[tuple[str, list[GapRow]]]
) -> None:
    last: dict[str, list[GapRow]] = {}
    gaps._AT_ONCE, at_once = 2, gaps._AT_ONCE
    try:
        for sha, rows in writes:
            record(db, sha, rows)
            last[sha] = rows
    finally:
        gaps._AT_ONCE = at_once
    db.gaps.delete_unused()
    for sha, rows in last.items():
        assert sorted(map(GapRow.of, db.gaps.of_commit(sha))) == sorted(rows)


def test_the_gaps_of_an_older_desk_are_taken_over(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    migrations.apply(sqlite_utils.Database(connection), stop_before="m026_shared_gaps")
    for sha in "abc":
        connection.execute(MEASURE, (sha, compress_ids([]), compress_ids([])))
    rows = [row("m.py", "f"), row("n.py", "g", risk=0.25)]
    for sha in "ab":
        connection.executemany(
            f"INSERT INTO gaps VALUES ('{sha}', ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
    connection.execute("PRAGMA user_version = 25")
    connection.close()
    with open_desk(tmp_path) as db:
        for sha in "ab":
            assert list(map(GapRow.of, db.gaps.of_commit(sha))) == rows
        assert (count(db, "gap_rows"), count(db, "commit_gaps")) == (2, 3)
        ranked = db.execute("SELECT function, lines FROM gaps_ranked WHERE sha = 'a'").fetchall()
        assert ranked == [("f", 1), ("g", 1)]


def test_a_measure_whose_gaps_are_lost_does_not_say_that_there_are_none(db: Database) -> None:
    record(db, "a", [])
    db.measures.delete_without_gaps()
    assert db.execute("SELECT sha FROM measures").fetchall() == [("a",)]
