from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlite_utils import Database

from copydesk.agent.desk import backup
from copydesk.agent.desk.migrations import STEPS, migrations
from copydesk.agent.desk.store import SCHEMA, mend, open_desk, transaction
from copydesk.agent.errors import CopydeskError
from copydesk.hooks import failpoints


def fill(desk: Path, rows: int = 200) -> None:
    with open_desk(desk) as db, transaction(db):
        for number in range(rows):
            db.execute(
                "INSERT INTO drafts (id, kind, state, sha, title, origin, path, target_function,"
                " content, created_at)"
                " VALUES (?, 'devlog', 'ready', 's', 't', 'o', 'p', ?, ?, '2026')",
                (number + 1, str(number), "words " * 100),
            )
            db.execute("INSERT INTO reviews (draft_id, action, decided_at) VALUES (?, 'edit', '')",
                       (number + 1,))  # fmt: skip


def count(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_backup_is_whole_and_private_while_others_write(tmp_path: Path) -> None:
    fill(tmp_path)
    stop = threading.Event()

    def write() -> None:
        with open_desk(tmp_path) as db:
            number = 0
            while not stop.is_set():
                with transaction(db):
                    db.execute("INSERT INTO tips VALUES (?)", (str(number),))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = backup.backup(tmp_path)
    finally:
        stop.set()
        writer.join()
    assert backup.check(made) == ""
    assert count(made, "reviews") == 200
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert backup.listed(tmp_path) == [made]


def test_only_the_last_three_of_a_kind_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 1)
    first = backup.backup(tmp_path, why="schema1")
    made = []
    for number in range(5):
        monkeypatch.setattr("time.strftime", lambda *_, n=number: f"2030010{n}T000000")
        made.append(backup.backup(tmp_path))
    assert backup.listed(tmp_path) == [first, *made[-3:]]


def test_a_backup_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    with pytest.raises(CopydeskError, match="no backup could be made"):
        backup.backup(tmp_path, tmp_path / "nowhere" / "desk.db")
    (tmp_path / "desk.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(CopydeskError, match="no backup could be made"):
        backup.backup(tmp_path)
    assert list((tmp_path / backup.FOLDER).iterdir()) == []


def older(desk: Path) -> None:
    with contextlib.closing(sqlite3.connect(desk / "desk.db", isolation_level=None)) as db:
        migrations.apply(Database(db), stop_before=STEPS[-1].__name__)
        db.execute(f"PRAGMA user_version = {SCHEMA - 1}")
        db.execute("INSERT INTO tips VALUES ('kept')")


def test_before_a_migration_a_backup_is_made_and_a_new_desk_needs_none(tmp_path: Path) -> None:
    older(tmp_path)
    with open_desk(tmp_path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        assert db.execute("SELECT sha FROM tips").fetchall() == [("kept",)]
    (made,) = backup.listed(tmp_path)
    assert f"-schema{SCHEMA - 1}-" in made.name
    with contextlib.closing(sqlite3.connect(made)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (SCHEMA - 1,)
        assert old.execute("SELECT sha FROM tips").fetchall() == [("kept",)]
    (tmp_path / "new").mkdir()
    with open_desk(tmp_path / "new"):
        assert backup.listed(tmp_path / "new") == []


def test_without_room_for_the_backup_the_desk_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older(tmp_path)
    monkeypatch.setenv(failpoints.FAIL, "backup.copied:enospc")
    with pytest.raises(CopydeskError, match="No space left"), open_desk(tmp_path):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "desk.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA - 1,)


def damage(path: Path) -> None:
    """Overwrite a page in the middle, as a failing disk does."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'drafts'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    pages = path.stat().st_size // size
    file = os.open(path, os.O_RDWR)
    os.pwrite(file, b"\xa5" * size, (pages - 3) * size)
    os.close(file)
    assert root < pages - 3


def test_a_damaged_desk_is_set_aside_and_what_is_readable_is_carried_over(tmp_path: Path) -> None:
    fill(tmp_path)
    backup.backup(tmp_path)
    with open_desk(tmp_path) as db:
        db.execute("INSERT INTO tips VALUES ('since the backup')")
    damage(tmp_path / "desk.db")
    said: list[str] = []
    assert mend(tmp_path, said.append)
    assert "was damaged" in said[0]
    with open_desk(tmp_path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # what the damaged page held comes from the backup
        assert db.execute("SELECT count(*) FROM drafts").fetchone() == (200,)
        assert db.execute("SELECT count(*) FROM reviews").fetchone() == (200,)
        assert db.execute("SELECT sha FROM tips").fetchall() == [("since the backup",)]
    (aside,) = (tmp_path / "damaged").iterdir()
    assert (aside / "desk.db").exists()
    assert not mend(tmp_path, said.append)


def test_nothing_to_mend(tmp_path: Path) -> None:
    assert not mend(tmp_path, print)
    (tmp_path / "desk.db").write_bytes(b"nonsense " * 1000)
    said: list[str] = []
    assert mend(tmp_path, said.append)
    assert any("file is not a database" in line for line in said)
    with open_desk(tmp_path) as db:
        assert db.execute("SELECT count(*) FROM drafts").fetchone() == (0,)
