from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Draft, Target

TEST = "from shop import f\n\n\ndef test_f():\n    assert f() == 1\n"


class Shop(NamedTuple):
    """A project with a function and a test, its desk, and a way to put drafts on that."""

    repo: Repository
    db: Database
    tests: Path
    add: Callable[..., int]


@pytest.fixture
def shop(repo: Path, commit: Callable[..., str]) -> Iterator[Shop]:
    sha = commit(repo, {"shop.py": "def f():\n    return 1\n", "test_shop.py": TEST})
    found = find(repo)
    with open_desk(found.desk) as db:

        def add(number: int, **changes: Any) -> int:
            content = f"from shop import f\n\n\ndef test_{number}():\n    assert f() == {number}\n"
            values: dict[str, Any] = {
                "id": 0, "kind": "test", "state": "not_run", "commit": sha, "title": "t",
                "origin": f"by {number}", "path": "", "content": content,
                "target": Target("shop.py", "f", (2,)), "evidence": {"verdict": "not run"},
            }  # fmt: skip
            return db.drafts.add(Draft(**values | changes))

        yield Shop(found, db, repo / "test_shop.py", add)
