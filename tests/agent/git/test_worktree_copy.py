"""A copy of a working tree that nothing leads out of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import worktree_copy
from copydesk.agent.git.repository import find
from copydesk.agent.git.worktree_copy import copy_worktree


def test_what_is_saved_is_copied_without_what_git_ignores(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    commit(repo, {"a.py": "1\n", "deep/b.txt": "2\n", "gone.py": "", ".gitignore": "*.log\nenv/\n"})
    (repo / "a.py").write_text("saved\n")
    (repo / "gone.py").unlink()
    (repo / "new.py").write_text("new\n")
    (repo / "x.log").write_text("")
    (repo / "env").mkdir()
    (repo / "env" / "pyvenv.cfg").write_text("")
    copy = tmp_path / "copy"
    assert copy_worktree(find(repo), copy) == []
    names = sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file())
    assert names == [".gitignore", "a.py", "deep/b.txt", "new.py"]
    assert (copy / "a.py").read_text() == "saved\n"
    (copy / "a.py").write_text("in the copy\n")
    assert (repo / "a.py").read_text() == "saved\n"


def test_links_into_the_tree_lead_into_the_copy(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo / "deep").mkdir()
    (repo / "data").mkdir()
    (repo / "data" / "x").write_text("x")
    (repo / "deep" / "full").symlink_to(repo / "data")
    (repo / "deep" / "relative").symlink_to("../data/x")
    (repo / "out").symlink_to(os.path.relpath(outside, repo))
    os.mkfifo(repo / "pipe")
    copy = tmp_path / "elsewhere" / "copy"
    copy.parent.mkdir()
    copy_worktree(find(repo), copy)
    assert (copy / "deep" / "full").resolve() == copy / "data"
    assert (copy / "deep" / "relative").resolve() == copy / "data" / "x"
    assert (copy / "out").resolve() == outside
    assert not (copy / "pipe").exists()


def test_the_files_of_a_submodule_go_along_without_its_git_folder(
    repo: Path, commit: Callable[..., str], git: Callable[..., str], tmp_path: Path
) -> None:
    commit(repo, {"a.py": ""})
    inner = repo / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    commit(inner, {"b.py": "b\n"})
    git(repo, "add", "inner")
    copy = tmp_path / "copy"
    copy_worktree(find(repo), copy)
    assert [path.name for path in (copy / "inner").iterdir()] == ["b.py"]


def test_too_many_bytes_are_refused(
    repo: Path, commit: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, {"a.py": "12345"})
    monkeypatch.setattr(worktree_copy, "MOST_BYTES", 4)
    with pytest.raises(CopydeskError, match="too much to copy"):
        copy_worktree(find(repo), tmp_path / "copy")
