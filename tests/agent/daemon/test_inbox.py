"""What is dropped into an inbox is imported in the daemon's worker."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.job_steps import STEPS
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as database:
        yield database


@pytest.fixture
def scanner(found: Repository, db: Database) -> Iterator[Scanner]:
    watcher = FileWatcher(found.common_dir, lambda: None)
    yield Scanner(found, db, watcher, logging.getLogger("copydesk-test"), lambda python: None)
    watcher.stop()


def drop(path: Path, *texts: str) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = [
        {"node_id": f"c{number}", "created_at": "2026-11-01T10:00:00Z", "body": text}
        for number, text in enumerate(texts)
    ]
    path.write_text(json.dumps(rows), "utf-8")
    os.utime(path, (1_700_000_000 + len(texts),) * 2)


def inbox_jobs(db: Database) -> list[str]:
    rows = db.execute("SELECT state FROM jobs WHERE kind = 'inbox'")
    return [state for (state,) in rows]


def test_a_dropped_file_is_a_job_and_its_messages_are_told_kind_and_tone(
    found: Repository, db: Database, scanner: Scanner
) -> None:
    personal = Personal()
    scanner.scan(personal)
    assert inbox_jobs(db) == []
    drop(found.desk / "inbox" / "comments.json", "Thanks, this is awesome!")
    scanner.scan(personal)
    scanner.scan(personal)
    assert inbox_jobs(db) == ["ready"]
    log: list[str] = []
    STEPS["inbox"](StepContext(found, db, log.append), "inbox")
    (message,) = db.feedback.messages()
    assert (message.kind, message.tone) == ("praise", "positive")
    assert log == ["inbox: comments.json: 1 message, 1 new"]


def test_a_job_that_failed_is_not_asked_for_again_until_the_files_change(
    found: Repository, db: Database, scanner: Scanner, tmp_path: Path
) -> None:
    personal = Personal(inbox=str(tmp_path / "exports"))
    drop(tmp_path / "exports" / "comments.json", "one")
    scanner.scan(personal)
    job = db.jobs.lease()
    while job and job.kind != "inbox":
        job = db.jobs.lease()
    assert job
    db.jobs.fail(job, "a bug", final=True)
    scanner.scan(personal)
    assert inbox_jobs(db) == ["failed"]
    drop(tmp_path / "exports" / "more.json", "one", "two")
    scanner.scan(personal)
    assert inbox_jobs(db) == ["ready"]
