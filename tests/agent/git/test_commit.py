from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.git import command
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find


def test_each_fact_is_read_once(
    repo: Path, commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(repo, {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    second = commit(repo, {"a.py": "x = 1\nx = 2\n", "b.py": None}, "second")
    started: list[str] = []
    run = command.run

    def counted(argv: list[str], **options: Any) -> object:
        started.append(argv[-1])
        return run(argv, **options)

    seen = Commit(find(repo), second)
    monkeypatch.setattr(command, "run", counted)
    for _ in range(2):
        assert seen.info.subject == "second"
        assert seen.parent == first
        assert {path: change.lines for path, change in seen.changes.items()} == {
            "a.py": (2,),
            "b.py": (1,),
        }
        assert seen.reverted_changes["b.py"].added == 1
        assert set(seen.tree) == {"a.py"}
        assert set(seen.tree_of(first)) == {"a.py", "b.py"}
    assert len(started) == 5


def test_a_commit_without_parent_changed_all_that_it_has(
    repo: Path, commit: Callable[..., str], git: Callable[..., str], tmp_path: Path
) -> None:
    last = commit(repo, {"a.py": "x = 1\n"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    for top in (repo, tmp_path / "shallow"):
        sha = git(repo, "rev-list", "--max-parents=0", "HEAD") if top == repo else last
        seen = Commit(find(top), sha)
        assert seen.parent is None
        assert seen.reverted_changes == {}
        assert seen.changes.keys() == seen.tree.keys()
    assert seen.info.parents == ()


def test_a_broken_parent_is_an_error(repo: Path, commit: Callable[..., str]) -> None:
    sha = commit(repo, {"a.py": "x = 1\n"})
    seen = Commit(find(repo), sha)
    (tree,) = (repo / ".git" / "objects").glob(f"{sha[:2]}/{sha[2:]}")
    seen.info  # noqa: B018 - it is read while the commit is there
    tree.unlink()
    with pytest.raises(command.GitFailed):
        seen.changes  # noqa: B018 - asking is what fails
