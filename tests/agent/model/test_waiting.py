"""What a model could still add waits for one, and is drafted again when it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk import queue
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.model import waiting


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def due(db: Database) -> float:
    return float(
        db.execute("SELECT max(not_before) FROM jobs WHERE state = 'waiting'").fetchone()[0]
    )


@pytest.mark.parametrize("what", ["draft", "story"])
def test_what_waits_keeps_nobody_awake(db: Database, what: waiting.What) -> None:
    waiting.wait(db, what, "a" * 40, "no server")
    assert waiting.waiting(db) == [(what, "a" * 40, 0)]
    assert sum(queue.counts(db)) == 0
    assert queue.next_due(db) is None
    assert queue.lease(db) is None
    waiting.forget(db, what, "a" * 40)
    assert waiting.waiting(db) == []


def test_the_server_is_asked_less_and_less_often(db: Database) -> None:
    asked = []

    def answers() -> bool:
        asked.append(1)
        return False

    assert waiting.look(db, answers) == []
    waiting.wait(db, "draft", "a" * 40, "no server")
    waiting.wait(db, "story", "a" * 40, "no server")
    assert waiting.look(db, answers) == []
    assert not asked
    pauses = []
    for _ in range(6):
        now = due(db)
        assert waiting.look(db, answers, now=now) == []
        pauses.append(due(db) - now)
    assert pauses == pytest.approx([60, 120, 240, 480, 600, 600])
    assert len(asked) == 6  # once for both


def test_when_it_answers_the_work_is_done_again(db: Database) -> None:
    queue.put(db, "draft", "a" * 40)
    job = queue.lease(db)
    assert job
    waiting.wait(db, "draft", "a" * 40, "no server")
    later = due(db)
    assert waiting.look(db, lambda: True, now=later) == []  # while it is being drafted
    queue.finish(db, job)
    waiting.wait(db, "story", "a" * 40, "no server")
    later = due(db)
    assert waiting.look(db, lambda: True, now=later) == [
        *(("draft", "a" * 40, 0), ("story", "a" * 40, 0))
    ]
    again = [queue.lease(db), queue.lease(db)]
    assert [(j.kind, j.subject) for j in again if j] == [("draft", "a" * 40), ("story", "a" * 40)]


def test_a_server_that_only_seems_to_be_back_is_asked_less_often_too(
    db: Database,
) -> None:
    waiting.wait(db, "draft", "a" * 40, "crashed")
    pauses = []
    for _ in range(5):
        now = due(db)
        assert len(waiting.look(db, lambda: True, now=now)) == 1
        job = queue.lease(db)
        assert job
        queue.finish(db, job)
        waiting.wait(db, "draft", "a" * 40, "crashed again")
        pauses.append(due(db) - now)
    assert pauses == pytest.approx([60, 120, 240, 480, 600])
    assert [one.tries for one in waiting.waiting(db)] == [5]


def test_few_commits_wait(db: Database) -> None:
    for number in range(waiting.MOST + 5):
        waiting.wait(db, "story", f"{number:040}", "no server")
    left = [int(one.sha) for one in waiting.waiting(db)]
    assert left == list(range(5, waiting.MOST + 5))
