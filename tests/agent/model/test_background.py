"""The daemon asks a model after everything else, within a budget, and not in vain."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.desk.store import open_desk
from copydesk.agent.model import activity, background
from copydesk.agent.model.activity import ActivityFile, read_activity
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.records import Draft

SHA = "a" * 40
CALL = CallRecord("test", "qwen", "d1", "prompt", "text", {}, 10, 20, 100.0, "ok")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


def test_what_was_used_is_that_of_the_last_hour(db: Database) -> None:
    db.model_calls.add(CALL)
    db.model_calls.add(replace(CALL, outcome="crashed", seconds=20.0))
    assert background.seconds_used(db) == 120
    assert background.seconds_used(db, now=time.time() + 3700) == 0
    assert background.seconds_left(db, 1200) == 1080


@pytest.mark.parametrize(
    ("hourly", "words"),
    [
        (1200, ""),
        (135, ""),
        (134, "120 of 134 seconds of a model's work in this hour are used (copydesk.modelSeconds)"),
        (0, "copydesk asks no model by itself (copydesk.modelSeconds is 0)"),
    ],
)
def test_no_request_is_begun_that_the_budget_could_not_hold(
    db: Database, hourly: float, words: str
) -> None:
    db.model_calls.add(replace(CALL, seconds=120.0))
    assert background.budget_spent(db, hourly) == words
    if words:
        with pytest.raises(ModelUnavailable) as raised:
            background.seconds_left(db, hourly)
        assert raised.value.slug == "model-budget"


def test_it_waits_while_something_is_to_be_measured(db: Database) -> None:
    db.jobs.enqueue("measure", SHA)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            assert db.jobs.lease()
        if len(slept) == 5:
            job = db.jobs.by_id(1)
            assert job
            db.jobs.finish(job)

    assert background.WayMaker(db, sleep=sleep)()
    assert len(slept) == 5


def test_its_patience_ends_and_is_one_for_the_whole_job(db: Database) -> None:
    db.jobs.enqueue("measure", SHA)
    slept: list[float] = []
    make_way = background.WayMaker(db, 2.0, sleep=slept.append)
    assert not make_way()
    assert sum(slept) == 2.0
    assert not make_way()
    assert sum(slept) == 2.0


def test_the_jobs_of_a_model_make_no_way_for_each_other(db: Database) -> None:
    db.jobs.enqueue("model", SHA)
    assert background.WayMaker(db, sleep=pytest.fail)()


@pytest.mark.parametrize(("seconds", "is_asked"), [(10.0, False), (2.0, True)])
def test_a_slow_model_is_not_asked_for_long_answers(
    db: Database, seconds: float, is_asked: bool
) -> None:
    db.model_calls.add(replace(CALL, options={"writing_seconds": seconds}))
    db.model_calls.add(replace(CALL, digest="another", options={"writing_seconds": 900.0}))
    why = background.why_not_asked(db, "qwen", "d1", "story")
    assert (why == "") is is_asked
    if why:
        assert why == (
            "qwen writes 2.0 tokens a second here; under 5 it is only asked for short answers"
        )


def test_the_speed_of_a_model_that_was_never_asked_is_unknown(db: Database) -> None:
    db.model_calls.add(CALL)
    assert db.model_calls.speed("d1") is None


def kept(db: Database, call: int, state: str = "ready") -> None:
    draft = Draft(
        id=0,
        kind="devlog",
        state="ready",
        commit=SHA,
        title="t",
        origin="qwen",
        path="p",
        content="c",
        evidence={"calls": [call]},
    )
    identity = db.drafts.add(draft)
    db.execute("UPDATE drafts SET state = ? WHERE id = ?", (state, identity))


@pytest.mark.parametrize(
    ("calls", "state", "is_asked"),
    [
        (background.FAIR_TRIAL - 1, "", True),
        (background.FAIR_TRIAL, "", False),
        (background.FAIR_TRIAL, "discarded", False),
        (background.FAIR_TRIAL, "ready", True),
        (background.FAIR_TRIAL, "accepted", True),
    ],
)
def test_what_a_model_does_in_vain_is_not_asked_of_it_again(
    db: Database, calls: int, state: str, is_asked: bool
) -> None:
    for _ in range(calls):
        db.model_calls.add(replace(CALL, purpose="devlog-repair"))
    db.model_calls.add(replace(CALL, purpose="devlog", outcome="crashed"))
    if state:
        kept(db, 1, state)
    assert (background.why_not_asked(db, "qwen", "d1", "story") == "") is is_asked
    assert background.why_not_asked(db, "qwen", "d1", "draft") == ""
    assert background.why_not_asked(db, "qwen", "a new download", "story") == ""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_a_model_does_stands_in_a_file_while_it_does_it(tmp_path: Path) -> None:
    clock = Clock()
    assert read_activity(tmp_path) is None
    with ActivityFile(tmp_path, "story", SHA, clock=clock) as report:
        assert read_activity(tmp_path) == ("story", SHA, "", 0, 1000, 0, 1000)
        clock.now = 1010
        report("loading", 0)
        report("reading", 0)
        report("writing", 1)
        assert read_activity(tmp_path) == ("story", SHA, "writing", 1, 1000, 1010, 1010)
        report("writing", 2)  # a moment later
        assert read_activity(tmp_path)[3] == 1  # type: ignore[index]
        clock.now = 1020
        report("writing", 30)
        assert read_activity(tmp_path) == ("story", SHA, "writing", 30, 1000, 1010, 1020)
        clock.now = 1021
        report("", 0)
        assert read_activity(tmp_path) == ("story", SHA, "", 30, 1000, 0, 1021)
        report("reading", 0)
        report("writing", 5)
        assert read_activity(tmp_path) == ("story", SHA, "writing", 35, 1000, 1021, 1021)
    assert read_activity(tmp_path) is None
    assert not list(tmp_path.glob("model.*"))


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"kind": "story", "odd": 1})])
def test_a_file_of_another_shape_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / activity.NAME).write_text(text)
    assert read_activity(tmp_path) is None


def test_the_request_of_a_killed_worker_counts_against_the_budget(
    db: Database, tmp_path: Path
) -> None:
    activity.log_interrupted(db, tmp_path)
    assert db.model_calls.latest(5) == []
    clock = Clock()
    report = ActivityFile(tmp_path, "draft", SHA, clock=clock)
    report("reading", 0)
    clock.now += 50
    report("writing", 9)
    activity.log_interrupted(db, tmp_path)
    activity.log_interrupted(db, tmp_path)
    [call] = db.model_calls.latest(5)
    assert (call["purpose"], call["outcome"], call["seconds"]) == ("test", "cancelled", 50)
    assert background.seconds_used(db) == 50


def test_a_worker_killed_between_requests_costs_nothing(db: Database, tmp_path: Path) -> None:
    report = ActivityFile(tmp_path, "draft", SHA)
    report("reading", 0)
    report("", 0)
    activity.log_interrupted(db, tmp_path)
    assert db.model_calls.latest(5) == []
