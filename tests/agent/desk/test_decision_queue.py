"""The queue of decisions: what was asked for last is what comes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.decision_queue import QueuedDecision
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.desk.store import empty_desk
from copydesk.agent.records import Draft


def add(db: Database, number: int = 1) -> int:
    return db.drafts.add(
        Draft(
            id=0, kind="test", state="ready", commit="0" * 40, title="t", origin=f"by {number}",
            path="", content=f"x = {number}\n",
        )
    )  # fmt: skip


def begin(db: Database) -> list[QueuedDecision]:
    return db.decision_queue.begin_next_batch()


def finish(db: Database, batch: list[QueuedDecision]) -> None:
    """Do what carrying a batch out does to the desk."""
    for one in batch:
        draft = db.drafts.get(one.draft_id)
        if one.action == "accept" and draft.state == "ready":
            db.drafts.decide(draft, Decision("accept", "accepted"))
        elif one.action == "undo" and draft.state == "accepted":
            db.drafts.decide(draft, Decision("undo", "ready"))
        db.decision_queue.withdraw(one.action, [one.draft_id])


STEPS = st.lists(st.sampled_from(["accept", "undo", "begin", "finish", "crash"]), max_size=14)


@pytest.fixture(scope="module")
def desk() -> Iterator[Database]:
    with empty_desk() as db:
        yield db


@given(STEPS)
def test_what_was_asked_for_last_holds(desk: Database, steps: list[str]) -> None:
    db, number = desk, len(desk.drafts.find(())) + 1
    draft, batch, wanted = add(db, number), [], "ready"
    for step in steps:
        if step == "begin" and not batch:
            batch = begin(db)
        elif step == "finish":
            finish(db, batch)
            batch = []
        elif step == "crash":
            batch = []
        elif step in ("accept", "undo"):
            db.decision_queue.add(step, [draft])
            wanted = "accepted" if step == "accept" else "ready"
    finish(db, batch)
    while batch := begin(db):
        finish(db, batch)
    assert db.drafts.get(draft).state == wanted
    assert db.decision_queue.all() == []


def test_those_asked_for_together_are_one_batch() -> None:
    with empty_desk() as db:
        first, second, third = add(db, 1), add(db, 2), add(db, 3)
        assert db.decision_queue.add("accept", [first, second]) == [first, second]
        assert db.decision_queue.add("accept", [second, third]) == [third]
        assert db.decision_queue.count_waiting() == 3
        assert [one.draft_id for one in begin(db)] == [first, second]


def test_what_failed_stays_with_its_reason_until_it_is_asked_for_again() -> None:
    with empty_desk() as db:
        draft = add(db)
        db.decision_queue.add("accept", [draft])
        begin(db)
        db.decision_queue.fail("accept", draft, "it fails", "mend it")
        assert begin(db) == []
        assert db.decision_queue.all() == [
            QueuedDecision(draft, "accept", 1, "it fails", "mend it")
        ]
        assert db.decision_queue.add("accept", [draft]) == [draft]
        assert db.decision_queue.all()[0].error == ""


def test_nothing_is_queued_that_would_change_nothing() -> None:
    with empty_desk() as db:
        draft = add(db)
        assert db.decision_queue.add("undo", [draft, 99]) == []
        db.decision_queue.add("accept", [draft])
        assert db.decision_queue.add("undo", [draft]) == []
        assert db.decision_queue.all() == []
