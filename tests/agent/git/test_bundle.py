"""A commit as a bundle: what comes out of it on another machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import bundle
from copydesk.agent.git.repository import find, read_blob, tree

Git = Callable[..., str]


def test_a_commit_travels_without_its_history(
    repo: Path, commit: Callable[..., str], tmp_path: Path, git: Git
) -> None:
    commit(repo, {"old.py": "x = 1\n"})
    sha = commit(repo, {"old.py": None, "new.py": "y = 2\n"})
    packed = bundle.pack(find(repo), sha)
    assert packed.shallow == (sha,)
    there = bundle.unpack(packed, sha, tmp_path / "there.git", tmp_path)
    assert tree(there, sha) == tree(find(repo), sha)
    assert read_blob(there, tree(there, sha)["new.py"].blob) == b"y = 2\n"
    assert git(tmp_path, "--git-dir", "there.git", "rev-list", "--count", sha) == "1"


def test_where_tests_may_ask_git_history_and_tags_travel(
    repo: Path, commit: Callable[..., str], tmp_path: Path, git: Git
) -> None:
    commit(repo, {"a.py": "import setuptools_scm\n"})
    git(repo, "tag", "-a", "v1", "-m", "one")
    sha = commit(repo, {"b.py": ""})
    packed = bundle.pack(find(repo), sha)
    assert packed.shallow == ()
    bundle.unpack(packed, sha, tmp_path / "there.git", tmp_path)
    assert git(tmp_path, "--git-dir", "there.git", "describe", sha).startswith("v1-1-")


def test_a_damaged_bundle_or_one_too_large_is_refused(
    repo: Path, commit: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit(repo, {"a.py": "x = 1\n"})
    packed = bundle.pack(find(repo), sha)
    damaged = packed._replace(content=packed.content[:-30])
    with pytest.raises(CopydeskError):
        bundle.unpack(damaged, sha, tmp_path / "one.git", tmp_path)
    with pytest.raises(CopydeskError):
        bundle.unpack(packed, "1" * 40, tmp_path / "two.git", tmp_path)
    monkeypatch.setattr(bundle, "MAX_BUNDLE", 100)
    with pytest.raises(CopydeskError, match="at most"):
        bundle.pack(find(repo), sha)
    with pytest.raises(CopydeskError, match="at most"):
        bundle.unpack(packed, sha, tmp_path / "three.git", tmp_path)
