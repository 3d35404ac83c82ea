"""What a model could still add waits for one, and is drafted again when it answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk import queue
from copydesk.agent.desk.store import open_desk
from copydesk.agent.testgen import waiting


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def due(db: sqlite3.Connection) -> float:
    return float(db.execute("SELECT not_before FROM jobs WHERE kind = 'model'").fetchone()[0])


def test_what_waits_keeps_nobody_awake(db: sqlite3.Connection) -> None:
    waiting.wait(db, "a" * 40, "no server")
    assert waiting.waiting(db) == ["a" * 40]
    assert sum(queue.counts(db)) == 0
    assert queue.next_due(db) is None
    assert queue.lease(db) is None
    waiting.forget(db, "a" * 40)
    assert waiting.waiting(db) == []


def test_the_server_is_asked_less_and_less_often(db: sqlite3.Connection) -> None:
    asked = []

    def answers() -> bool:
        asked.append(1)
        return False

    assert waiting.look(db, answers) == []
    waiting.wait(db, "a" * 40, "no server")
    assert waiting.look(db, answers) == []
    assert not asked
    pauses = []
    for _ in range(6):
        now = due(db)
        assert waiting.look(db, answers, now=now) == []
        pauses.append(due(db) - now)
    assert pauses == pytest.approx([60, 120, 240, 480, 600, 600])
    assert len(asked) == 6


def test_when_it_answers_the_commit_is_drafted_again(db: sqlite3.Connection) -> None:
    queue.put(db, "draft", "a" * 40)
    job = queue.lease(db)
    assert job
    waiting.wait(db, "a" * 40, "no server")
    later = due(db)
    assert waiting.look(db, lambda: True, now=later) == []  # while it is being drafted
    queue.finish(db, job)
    assert waiting.look(db, lambda: True, now=later) == ["a" * 40]
    assert waiting.waiting(db) == []
    again = queue.lease(db)
    assert again
    assert (again.kind, again.subject) == ("draft", "a" * 40)
