"""Of a program that installs a command, the names that it offers itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import find
from copydesk.agent.stories.public_api import changes_between, offered

BEFORE = {"app/__init__.py": "", "app/core.py": "", "docs/use.md": "# Use\n"}
AFTER = {
    "app/__init__.py": "from app.core import shown\n",
    "app/core.py": "def shown(): pass\n\n\ndef written(): pass\n\n\ndef inner(): pass\n",
    "app/other.py": "__all__ = [\n    'listed',\n]\n\n\ndef listed(): pass\n",
    "docs/use.md": "# Use\n\nCall `written()`.\n",
    "docs/changes.md": "- inner is new\n",
}


@pytest.mark.parametrize(
    ("setup", "names"),
    [
        ("[project.scripts]\napp = 'app:main'\n", {"shown", "written", "listed"}),
        ("[project]\nname = 'app'\n", {"shown", "written", "listed", "inner"}),
    ],
)
def test_what_is_offered(
    repo: Path, commit: Callable[..., str], setup: str, names: set[str]
) -> None:
    shas = [commit(repo, files | {"pyproject.toml": setup}, "x") for files in (BEFORE, AFTER)]
    here = find(repo)
    trees = [git.tree(here, sha) for sha in shas]
    with open_desk(here.desk) as db:
        changes = changes_between(db, here, *trees, sorted({*trees[0], *trees[1]}))
    assert {change.name for change in offered(here, trees, changes)} == names
    assert offered(here, trees, []) == []
