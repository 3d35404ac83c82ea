from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk import drafts
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Target

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
    return drafts.add(db, **(values | more))


def test_a_draft_comes_back_as_it_went_in(db: Database) -> None:
    draft = drafts.get(db, add(db))
    assert (draft.kind, draft.state, draft.target) == ("test", "ready", TARGET)
    shown = drafts.as_json(draft)
    assert shown["target"] == {"path": "a.py", "function": "f", "lines": [1, 2]}
    assert shown["evidence"] == {"verdict": "verified"}


def test_making_it_again_replaces_it_until_the_editor_decided(db: Database) -> None:
    first = add(db)
    assert add(db, content="y") == first
    draft = drafts.get(db, first)
    assert draft.content == "y"
    drafts.decide(db, draft, "accept", "accepted", path="p")
    assert add(db, content="z") == first
    assert drafts.get(db, first).content == "y"
    assert db.execute("SELECT action, before, path FROM reviews").fetchall() == [
        ("accept", "y", "p")
    ]


def test_listing_by_state_kind_and_commit(db: Database) -> None:
    add(db)
    add(db, kind="devlog", target=None, origin="template", commit="d" * 40)
    add(db, state="discarded", origin="model")
    assert [d.kind for d in drafts.listed(db)] == ["test", "devlog"]
    assert [d.kind for d in drafts.listed(db, kind="devlog")] == ["devlog"]
    assert len(drafts.listed(db, ())) == 3
    assert len(drafts.listed(db, (), commit="c" * 40)) == 2
    assert drafts.as_json(drafts.listed(db, kind="devlog")[0])["target"] is None
    assert drafts.counts(db)["discarded"] == 1


def test_rejecting_keeps_the_reason(db: Database) -> None:
    draft = drafts.get(db, add(db))
    drafts.decide(db, draft, "reject", "rejected", why="too clever")
    assert drafts.get(db, draft.id).note == "too clever"


def test_older_drafts_of_the_same_function_are_superseded(db: Database) -> None:
    old = add(db)
    new = add(db, commit="d" * 40)
    assert drafts.supersede(db, TARGET, [new]) == 1
    assert drafts.get(db, old).state == "superseded"
    assert drafts.get(db, new).state == "ready"


def test_a_draft_that_is_not_there(db: Database) -> None:
    with pytest.raises(CopydeskError, match="no draft 7"):
        drafts.get(db, 7)
