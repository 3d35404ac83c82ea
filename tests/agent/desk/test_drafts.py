from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Decision, draft_as_json
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft, Target

TARGET = Target("a.py", "f", (1, 2))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path) as found:
        yield found


def add(db: Database, **more: Any) -> int:
    values: dict[str, Any] = {
        "kind": "test", "state": "ready", "commit": "c" * 40, "title": "Tests for f",
        "origin": "embedded", "path": "tests/test_a.py", "content": "x", "target": TARGET,
        "evidence": {"verdict": "verified"},
    }  # fmt: skip
    return db.drafts.add(Draft(id=0, **(values | more)))


def test_a_draft_comes_back_as_it_went_in(db: Database) -> None:
    draft = db.drafts.get(add(db))
    assert (draft.kind, draft.state, draft.target) == ("test", "ready", TARGET)
    shown = draft_as_json(draft)
    assert shown["target"] == {"path": "a.py", "function": "f", "lines": [1, 2]}
    assert shown["evidence"] == {"verdict": "verified"}


def test_making_it_again_replaces_it_until_the_editor_decided(db: Database) -> None:
    first = add(db)
    assert add(db, content="y") == first
    draft = db.drafts.get(first)
    assert draft.content == "y"
    db.drafts.decide(draft, Decision("accept", "accepted", path="p"))
    assert add(db, content="z") == first
    assert db.drafts.get(first).content == "y"
    assert db.execute("SELECT action, before, path FROM reviews").fetchall() == [
        ("accept", "y", "p")
    ]


def test_listing_by_state_kind_and_commit(db: Database) -> None:
    add(db)
    add(db, kind="devlog", target=None, origin="template", commit="d" * 40)
    add(db, state="discarded", origin="model")
    assert [d.kind for d in db.drafts.find()] == ["test", "devlog"]
    assert [d.kind for d in db.drafts.find(kind="devlog")] == ["devlog"]
    assert len(db.drafts.find(())) == 3
    assert len(db.drafts.find((), commit="c" * 40)) == 2
    assert draft_as_json(db.drafts.find(kind="devlog")[0])["target"] is None
    assert db.drafts.count_by_state()["discarded"] == 1


def test_rejecting_keeps_the_reason(db: Database) -> None:
    draft = db.drafts.get(add(db))
    db.drafts.decide(draft, Decision("reject", "rejected", why="too clever"))
    assert db.drafts.get(draft.id).note == "too clever"


def test_older_drafts_of_the_same_function_are_superseded(db: Database) -> None:
    old = add(db)
    new = add(db, commit="d" * 40)
    assert db.drafts.supersede_tests(TARGET, [new]) == 1
    assert db.drafts.get(old).state == "superseded"
    assert db.drafts.get(new).state == "ready"


def test_a_draft_that_is_not_there(db: Database) -> None:
    with pytest.raises(CopydeskError, match="no draft 7"):
        db.drafts.get(7)
