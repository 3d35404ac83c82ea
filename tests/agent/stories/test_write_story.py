"""What fails in a story costs that part of it alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.config import Project
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.model import deferred_work
from copydesk.agent.progress import silent
from copydesk.agent.stories.write_story import Helpers, update_story

SOURCE = "def price(x):\n    return x\n"


def test_an_api_that_cannot_be_read_leaves_the_rest(
    repo: Path, commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, {"a.txt": "first"})
    sha = commit(repo, {"fine.py": SOURCE}, "Add a price")
    monkeypatch.setenv("COPYDESK_FAIL", "story api:exception")
    with open_desk(find(repo).desk) as db:
        draft = update_story(find(repo), db, sha, project=Project(), say=silent)
        (failed,) = db.failed_items.latest()
    assert draft is not None
    assert "Add a price." in draft.content
    assert (failed.work, failed.sha, failed.item) == ("story", sha, "the public API")


def test_a_model_that_copydesk_fails_on_leaves_the_plain_story(
    repo: Path, commit: Callable[..., str]
) -> None:
    class Garbled:
        name = "garbled"

        def __getattr__(self, name: str) -> Any:
            raise IndexError("no answer was foreseen to look like this")

    sha = commit(repo, {"fine.py": SOURCE})
    said: list[str] = []
    client: Any = Garbled()
    with open_desk(find(repo).desk) as db:
        draft = update_story(
            find(repo), db, sha, project=Project(), say=said.append, helpers=Helpers(client)
        )
        (failed,) = db.failed_items.latest()
    assert draft is not None
    assert draft.origin == "template"
    assert failed.item == "a model's wording"
    assert "left out, copydesk failed on it (IndexError: no answer was foreseen" in said[0]


def test_too_little_to_tell(repo: Path, commit: Callable[..., str]) -> None:
    sha = commit(repo, {"README.md": "x"}, "Mend a typo")
    with open_desk(find(repo).desk) as db:
        assert update_story(find(repo), db, sha, project=Project(), say=silent) is None
        assert deferred_work.deferred(db) == []
