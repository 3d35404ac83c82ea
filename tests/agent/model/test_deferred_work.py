"""What a model could still add waits for one, and is drafted again when it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.model import deferred_work


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def due(db: Database) -> float:
    return float(
        db.execute("SELECT max(not_before) FROM jobs WHERE state = 'waiting'").fetchone()[0]
    )


@pytest.mark.parametrize("what", ["draft", "story"])
def test_what_waits_keeps_nobody_awake(db: Database, what: deferred_work.WorkKind) -> None:
    deferred_work.defer(db, what, "a" * 40, "no server")
    assert deferred_work.deferred(db) == [(what, "a" * 40, 0)]
    assert sum(db.jobs.counts()) == 0
    assert db.jobs.next_due() is None
    assert db.jobs.lease() is None
    deferred_work.cancel(db, what, "a" * 40)
    assert deferred_work.deferred(db) == []


def test_the_server_is_asked_less_and_less_often(db: Database) -> None:
    asked = []

    def answers() -> bool:
        asked.append(1)
        return False

    assert deferred_work.retry_due(db, answers) == []
    deferred_work.defer(db, "draft", "a" * 40, "no server")
    deferred_work.defer(db, "story", "a" * 40, "no server")
    assert deferred_work.retry_due(db, answers) == []
    assert not asked
    pauses = []
    for _ in range(6):
        now = due(db)
        assert deferred_work.retry_due(db, answers, now=now) == []
        pauses.append(due(db) - now)
    assert pauses == pytest.approx([60, 120, 240, 480, 600, 600])
    assert len(asked) == 6  # once for both


def test_when_it_answers_the_work_is_done_again(db: Database) -> None:
    db.jobs.enqueue("draft", "a" * 40)
    job = db.jobs.lease()
    assert job
    deferred_work.defer(db, "draft", "a" * 40, "no server")
    later = due(db)
    assert deferred_work.retry_due(db, lambda: True, now=later) == []  # while it is being drafted
    db.jobs.finish(job)
    deferred_work.defer(db, "story", "a" * 40, "no server")
    later = due(db)
    assert deferred_work.retry_due(db, lambda: True, now=later) == [
        *(("draft", "a" * 40, 0), ("story", "a" * 40, 0))
    ]
    again = [db.jobs.lease(), db.jobs.lease()]
    assert [(j.kind, j.sha) for j in again if j] == [("draft", "a" * 40), ("story", "a" * 40)]


def test_a_server_that_only_seems_to_be_back_is_asked_less_often_too(
    db: Database,
) -> None:
    deferred_work.defer(db, "draft", "a" * 40, "crashed")
    pauses = []
    for _ in range(5):
        now = due(db)
        assert len(deferred_work.retry_due(db, lambda: True, now=now)) == 1
        job = db.jobs.lease()
        assert job
        db.jobs.finish(job)
        deferred_work.defer(db, "draft", "a" * 40, "crashed again")
        pauses.append(due(db) - now)
    assert pauses == pytest.approx([60, 120, 240, 480, 600])
    assert [one.tries for one in deferred_work.deferred(db)] == [5]


def test_few_commits_wait(db: Database) -> None:
    for number in range(deferred_work.MOST + 5):
        deferred_work.defer(db, "story", f"{number:040}", "no server")
    left = [int(one.sha) for one in deferred_work.deferred(db)]
    assert left == list(range(5, deferred_work.MOST + 5))
