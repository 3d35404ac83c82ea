"""What fails in a story costs that part of it alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.progress import silent
from copydesk.agent.stories.write_story import write_story

SOURCE = "def price(x):\n    return x\n"


def test_a_file_that_cannot_be_read_leaves_the_others(
    repo: Path, commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, {"a.txt": "first"})
    sha = commit(repo, {"broken.py": SOURCE, "fine.py": SOURCE.replace("price", "label")})
    monkeypatch.setenv("COPYDESK_FAIL", "story broken.py:exception")
    with open_desk(find(repo).desk) as db:
        draft = write_story(find(repo), db, [sha], say=silent)
        (failed,) = db.failed_items.latest()
    assert "label" in draft.content
    assert (failed.work, failed.sha, failed.item) == ("story", sha, "broken.py")


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
        draft = write_story(find(repo), db, [sha], say=said.append, client=client)
        (failed,) = db.failed_items.latest()
    assert draft.origin == "template"
    assert failed.item == "a model's wording"
    assert "left out, copydesk failed on it (IndexError: no answer was foreseen" in said[0]
