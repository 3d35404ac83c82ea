"""What a model could still add waits for one, is done when it answers, is given up in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.model import deferred_work
from copydesk.agent.records import Job

SHA = "a" * 40
AWAY = "no server"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def due(db: Database) -> float:
    return float(
        db.execute("SELECT max(not_before) FROM jobs WHERE state = 'waiting'").fetchone()[0]
    )


def answers() -> str:
    return ""


def leased(db: Database) -> Job:
    job = db.jobs.lease(by_model=True)
    assert job
    return job


@pytest.mark.parametrize("what", ["draft", "story"])
def test_what_waits_keeps_nobody_awake(db: Database, what: deferred_work.WorkKind) -> None:
    deferred_work.defer(db, what, SHA, AWAY)
    assert deferred_work.deferred(db) == [(what, SHA, 0, AWAY)]
    assert sum(db.jobs.counts()) == 0
    assert db.jobs.next_due() is None
    assert db.jobs.lease(by_model=True) is None
    deferred_work.cancel(db, what, SHA)
    assert deferred_work.deferred(db) == []


def test_a_server_that_is_away_is_asked_less_and_less_often(db: Database) -> None:
    looks = []

    def away() -> str:
        looks.append(1)
        return "connection refused"

    assert deferred_work.retry_due(db, away) == []
    assert not looks
    deferred_work.defer(db, "draft", SHA, AWAY)
    deferred_work.defer(db, "story", SHA, AWAY)
    pauses = []
    began = now = due(db)
    for _ in range(7):
        assert deferred_work.retry_due(db, away, now=now) == []
        pauses.append(due(db) - now)
        now = due(db)
    assert pauses == pytest.approx([30, 30, 60, 120, 240, 480, 600], abs=1)
    assert len(looks) == 7  # once for both
    assert deferred_work.retry_due(db, away, now=began) == []
    assert len(looks) == 7
    assert deferred_work.deferred(db)[0] == ("draft", SHA, 0, "connection refused")


def test_when_it_answers_the_work_is_ready_for_the_lane_of_the_model(db: Database) -> None:
    db.jobs.enqueue("draft", SHA)
    deferred_work.defer(db, "story", SHA, AWAY)
    deferred_work.defer(db, "draft", SHA, AWAY)
    assert len(deferred_work.retry_due(db, answers)) == 2
    assert deferred_work.retry_due(db, answers) == []
    measured = db.jobs.lease()
    assert measured
    assert (measured.kind, db.jobs.lease()) == ("draft", None)
    assert [leased(db).kind, leased(db).kind] == ["model", "model-story"]  # tests before stories
    assert db.jobs.lease(by_model=True) is None


def test_the_newest_tip_comes_first(db: Database) -> None:
    db.commits.replace_tips({"b" * 40, "c" * 40})
    for sha in ("b" * 40, "c" * 40, "d" * 40):
        deferred_work.defer(db, "story", sha, AWAY)
    deferred_work.retry_due(db, answers)
    assert [leased(db).sha[0] for _ in range(3)] == ["c", "b", "d"]


def test_work_that_fails_rests_longer_each_time_and_is_given_up(db: Database) -> None:
    deferred_work.defer(db, "story", SHA, AWAY)
    words, pauses = [], []
    for _ in range(deferred_work.MAX_TRIES):
        deferred_work.retry_due(db, answers, now=due(db))
        job = leased(db)
        deferred_work.defer(db, "story", SHA, "crashed")
        words.append(deferred_work.after_try(db, "story", SHA, asked=True))
        pauses.append(due(db) - time.time() if deferred_work.deferred(db) else 0)
        db.jobs.finish(job)  # what it deferred itself stays deferred
    assert words == ["tried again in 60 s", "tried again in 300 s", "given up after 3 tries"]
    assert pauses == pytest.approx([60, 300, 0], abs=5)
    assert deferred_work.deferred(db) == []
    assert db.jobs.counts().failed == 0
    row = db.execute("SELECT state, error FROM jobs").fetchone()
    assert tuple(row) == ("dropped", "crashed")


def test_a_try_in_which_nothing_was_asked_does_not_count(db: Database) -> None:
    deferred_work.defer(db, "draft", SHA, AWAY)
    for _ in range(deferred_work.MAX_TRIES + 2):
        deferred_work.retry_due(db, answers, now=due(db))
        leased(db)
        deferred_work.defer(db, "draft", SHA, "it went away again")
        assert deferred_work.after_try(db, "draft", SHA, asked=False) == "tried again in 30 s"
    assert [work.tries for work in deferred_work.deferred(db)] == [0]


def test_nothing_is_said_of_work_that_is_done(db: Database) -> None:
    assert deferred_work.after_try(db, "draft", SHA, asked=True) == ""


def test_few_commits_wait(db: Database) -> None:
    most = deferred_work.MOST["story"]
    for number in range(most + 5):
        deferred_work.defer(db, "story", f"{number:040}", AWAY)
    left = [int(one.sha) for one in deferred_work.deferred(db)]
    assert left == list(range(5, most + 5))
