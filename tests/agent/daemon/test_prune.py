from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.store import Trace, add_traces, load_map
from copydesk.agent.daemon import prune
from copydesk.agent.daemon.job_steps import prune_step
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.gaps import GapRow
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.desk.traces import Hit
from copydesk.agent.git import repository as git
from copydesk.agent.git import side_objects
from copydesk.agent.git.repository import Repository

TABLES = ("measures", "traces", "totals", "hits", "contexts", "files", "gaps", "gap_rows")


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as connection:
        yield connection


def measured(db: Database, sha: str, moment: int) -> None:
    """A measured commit with a trace of its own and one that all share."""
    with transaction(db):
        ids = add_traces(
            db,
            [
                Trace("test", f"t_{sha}", "passed", 0.1, (Hit(f"{sha}.py", sha, b"x" * 4000),)),
                Trace("test", "shared", "passed", 0.1, (Hit("shared.py", "b", b"y"),)),
            ],
            "env",
        )
        file = db.traces.file_id(f"{sha}.py", sha)
        total = db.execute(
            "INSERT INTO totals (file_id, environment, executed, statements, excluded, missing)"
            " VALUES (?, 'env', x'', x'', x'', '[1]') RETURNING id",
            (file,),
        ).fetchone()[0]
        db.execute(
            "INSERT INTO measures (sha, reason, environment, interpreter, branch, selected, total,"
            " passed, failed, skipped, executable, covered, percent, seconds, traces, totals,"
            " measured_at) VALUES (?, '', 'env', '', 0, 1, 1, 1, 0, 0, 1, 1, 100, 1, ?, ?, ?)",
            (sha, compress_ids(ids), compress_ids([total]), f"2026-01-01T00:00:{moment:02}"),
        )
        gap = GapRow("p", f"f{moment}", 1, 2, "[]", "[]", 0.0, "[]", 0)
        db.gaps.replace(sha, db.gaps.prepare([gap]))


def counts(db: Database) -> dict[str, int]:
    return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}


def test_old_maps_and_logs_go_and_what_somebody_wrote_stays(
    found: Repository, db: Database, repo: Path, git: Callable[..., str]
) -> None:
    head = git(repo, "rev-parse", "HEAD")
    measured(db, head, 0)
    for number in range(1, 40):
        measured(db, f"{number:040x}", number)
    waiting, decided = f"{1:040x}", f"{2:040x}"
    with transaction(db):
        for number, (sha, state) in enumerate([(waiting, "ready"), (decided, "accepted")]):
            db.execute(
                "INSERT INTO drafts (kind, state, sha, title, origin, path, content, evidence,"
                " created_at) VALUES ('devlog', ?, ?, 't', 'o', 'p', 'words', ?, '2026')",
                (state, sha, f'{{"calls": [{number + 1}]}}'),
            )
        db.execute("INSERT INTO reviews (draft_id, action, decided_at) VALUES (2, 'accept', '')")
        db.executemany(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options, seconds,"
            " outcome, called_at) VALUES ('', '', '', ?, '', '{}', 1, 'ok', '')",
            [("p" * 500,)] * 300,
        )
    before = counts(db)
    said = prune.prune(found, db, 0.35)
    after = counts(db)
    assert said.startswith("pruned: ")
    assert 0 < after["measures"] < before["measures"]
    assert all(after[table] < before[table] for table in TABLES)
    left = {sha for (sha,) in db.execute("SELECT sha FROM measures")}
    assert {head, waiting} <= left
    assert decided not in left
    gone = sorted({f"{n:040x}" for n in range(3, 40)} - left)
    assert gone == [f"{n:040x}" for n in range(3, 3 + len(gone))]  # the oldest
    loaded = load_map(db, head)
    assert set(loaded.tests()) == {f"t_{head}", "shared"}
    for table, rows in (("drafts", 2), ("reviews", 1)):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,), table
    assert db.execute("SELECT count(*) FROM model_calls WHERE id <= 2").fetchone() == (2,)
    assert db.execute("SELECT count(*) FROM model_calls").fetchone() == (202,)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_cannot_be_helped_is_tried_once_a_day(
    found: Repository, db: Database, repo: Path
) -> None:
    db.execute("INSERT INTO known VALUES ('k', 'k', 'v')")
    assert not prune.ask_when_due(db, found.desk, 500)
    assert prune.ask_when_due(db, found.desk, 0.001)
    said: list[str] = []
    git_config = repo / ".git/config"
    git_config.write_text(git_config.read_text() + "[copydesk]\n\tdiskMb = 0.001\n")
    prune_step(StepContext(found, db, said.append), "desk")
    assert said[0].startswith("pruned: 0 old coverage maps")
    assert db.execute("SELECT count(*) FROM known").fetchone() == (0,)
    db.execute("UPDATE jobs SET state = 'done', ended_at = ?", (time.time(),))
    assert not prune.ask_when_due(db, found.desk, 0.001)
    db.execute("UPDATE jobs SET ended_at = ended_at - 90000")
    assert prune.ask_when_due(db, found.desk, 0.001)
    assert db.execute("SELECT state FROM jobs WHERE kind = 'prune'").fetchone() == ("ready",)


def test_objects_go_that_no_measured_commit_needs(
    found: Repository, db: Database, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("beside", "counted", "unfinished", "old")]
    for file in files:
        file.write_text(file.name)
    blobs = side_objects.add_files(found, files)
    for blob in blobs:
        path = side_objects.folder(found) / blob[:2] / blob[2:]
        os.utime(path, (1, 1))
    db.checkouts.put("1" * 40, {"submodules": {}, "generated": {"v.py": ["100644", blobs[0]]}})
    db.traces.file_id("w.py", blobs[1])
    beside = {"submodules": {}, "generated": {"u.py": ["100644", blobs[2]]}}
    db.checkouts.put("2" * 40, beside, unfinished=True)
    assert "of generated files that no commit needs" in prune.prune(found, db, 500)
    assert set(git.read_blobs(found, blobs)) == set(blobs[:3])


def test_what_cannot_be_pruned_costs_itself(
    found: Repository, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 40):
        measured(db, f"{number:040x}", number)
    drop = prune._drop_maps

    def fail(*_: object) -> None:
        raise IndexError("no such object")

    def drop_but_the_first(db: Database, shas: list[str]) -> None:
        if f"{1:040x}" in shas:
            fail()
        drop(db, shas)

    monkeypatch.setattr(prune, "_drop_maps", drop_but_the_first)
    monkeypatch.setattr(side_objects, "prune", fail)
    words = prune.prune(found, db, 0.001)
    assert "coverage maps from 00000000 on: left, copydesk failed on it (IndexError" in words
    assert "the folder of objects: left, copydesk failed on it (IndexError" in words
    left = {sha for (sha,) in db.execute("SELECT sha FROM measures")}
    assert f"{1:040x}" in left
    assert f"{39:040x}" not in left
