from __future__ import annotations

import contextlib
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from copydesk.agent.desk.migrations import STEPS, migrations
from copydesk.agent.desk.store import SCHEMA, open_desk, transaction
from copydesk.agent.errors import CopydeskError


def test_a_new_desk_has_every_step_and_is_private(tmp_path: Path) -> None:
    with open_desk(tmp_path / "desk") as db:
        assert [s.name for s in migrations.applied(Database(db))] == [s.__name__ for s in STEPS]
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,) == (len(STEPS),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    mode = stat.S_IMODE((tmp_path / "desk" / "desk.db").stat().st_mode)
    assert (mode, stat.S_IMODE((tmp_path / "desk").stat().st_mode)) == (0o600, 0o700)


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        before = Database(db).schema
    with open_desk(tmp_path) as db:
        assert Database(db).schema == before


def test_every_table_and_view_says_what_a_row_is(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        for name, sql in db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE '%sqlite%' AND name NOT IN"
            " (SELECT name FROM pragma_table_list WHERE type IN ('virtual', 'shadow'))"
        ):
            assert sql.splitlines()[1].strip().startswith("-- "), name


def test_a_newer_desk_is_refused_and_untouched(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    before = (tmp_path / "desk.db").read_bytes()
    with pytest.raises(CopydeskError, match="newer copydesk"), open_desk(tmp_path):
        pass
    assert (tmp_path / "desk.db").read_bytes() == before


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_text("not a database " * 100)
    with pytest.raises(CopydeskError, match="file is not a database"), open_desk(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CopydeskError, match="can't open"), open_desk(tmp_path / "file" / "desk"):
        pass


def test_a_fault_while_working_is_a_clear_error_and_a_bug_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(CopydeskError, match="can't use"), open_desk(tmp_path) as db:
        db.execute("SELECT * FROM nowhere")
    with pytest.raises(sqlite3.IntegrityError), open_desk(tmp_path) as db:
        db.execute("INSERT INTO drafts (id) VALUES (1)")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        with contextlib.suppress(KeyError), transaction(db):
            db.execute("INSERT INTO tips VALUES ('a')")
            raise KeyError
        assert db.execute("SELECT count(*) FROM tips").fetchone() == (0,)
        with transaction(db), transaction(db):
            db.execute("INSERT INTO tips VALUES ('a')")
        assert db.execute("SELECT count(*) FROM tips").fetchone() == (1,)


WRITER = """
import sys
from pathlib import Path
from copydesk.agent.desk.store import open_desk, transaction
with open_desk(Path(sys.argv[1])) as db:
    for i in range(60):
        with transaction(db):
            (n,) = db.execute("SELECT count(*) FROM tips").fetchone()
            db.execute("INSERT INTO tips VALUES (?)", (f"{sys.argv[2]}-{i}-{n}",))
"""


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(4)
    ]
    assert [w.wait(120) for w in writers] == [0] * 4
    with open_desk(tmp_path) as db:
        assert db.execute("SELECT count(*) FROM tips").fetchone() == (240,)


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0.2, isolation_level=None)
try:
    db.execute("BEGIN IMMEDIATE")
    print("taken")
except sqlite3.OperationalError as error:
    print(error)
"""


def test_a_second_connection_in_one_process_leaves_the_firsts_lock_alone(tmp_path: Path) -> None:
    # closing any descriptor of a file drops all POSIX locks of the process on it (fcntl(2))
    with open_desk(tmp_path) as db, transaction(db):
        db.execute("INSERT INTO tips VALUES ('a')")
        with open_desk(tmp_path):
            pass
        other = [sys.executable, "-c", HOLDER, str(tmp_path / "desk.db")]
        said = subprocess.run(other, capture_output=True, text=True, check=True).stdout
    assert said == "database is locked\n"


CONTENDER = """
import sqlite3, sys
from pathlib import Path
from copydesk.agent.desk.store import open_desk, transaction
desk, name, rounds, how = sys.argv[1:]
locked = 0
with open_desk(Path(desk)) as db:
    for number in range(int(rounds)):
        try:
            if how == "deferred":
                db.execute("BEGIN")
                (n,) = db.execute("SELECT count(*) FROM tips").fetchone()
                db.execute("INSERT INTO tips VALUES (?)", (f"{name}-{number}",))
                db.execute("COMMIT")
            else:
                with transaction(db):
                    (n,) = db.execute("SELECT count(*) FROM tips").fetchone()
                    db.execute("INSERT INTO tips VALUES (?)", (f"{name}-{number}",))
        except sqlite3.OperationalError as error:
            assert "locked" in str(error)
            locked += 1
            if db.in_transaction:
                db.execute("ROLLBACK")
print(locked)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "rounds"), [("immediate", 1500), ("deferred", 150)])
def test_eight_writers_of_fifteen_hundred_transactions_each(
    tmp_path: Path, how: str, rounds: int
) -> None:
    """And the control: with deferred transactions some must fail."""
    with open_desk(tmp_path):
        pass
    argv = [sys.executable, "-c", CONTENDER, str(tmp_path)]
    writers = [
        subprocess.Popen([*argv, str(n), str(rounds), how], stdout=subprocess.PIPE, text=True)
        for n in range(8)
    ]
    locked = sum(int(writer.communicate()[0]) for writer in writers)
    with open_desk(tmp_path) as db:
        (rows,) = db.execute("SELECT count(*) FROM tips").fetchone()
    print(f"{how}: {rows} rows, {locked} times locked")
    assert rows == 8 * rounds - locked
    assert bool(locked) == (how == "deferred")
