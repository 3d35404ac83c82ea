from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find
from copydesk.agent.git.snapshot import check_path, snapshot


def files_of(path: Path) -> dict[str, str]:
    return {
        p.relative_to(path).as_posix(): str(p.readlink()) if p.is_symlink() else p.read_text()
        for p in path.rglob("*")
        if p.is_symlink() or p.is_file()
    }


def test_a_snapshot_is_the_commit_and_nothing_else(repo: Path, commit) -> None:
    (repo / "link").symlink_to("a.py")
    sha = commit(repo, {"a.py": "one", "sub/deep/b.py": "two"})
    (repo / "untracked").write_text("x")
    with snapshot(find(repo), sha) as shot:
        assert files_of(shot.path) == {"a.py": "one", "sub/deep/b.py": "two", "link": "a.py"}


def test_a_slot_is_reused_and_put_right(repo: Path, commit) -> None:
    first = commit(repo, {"a.py": "one", "old/x.py": "x", "same.py": "s", "d": "file"})
    second = commit(repo, {"a.py": "two", "old/x.py": None, "d": None, "d/e.py": "now a folder"})
    with snapshot(find(repo), first) as shot:
        (shot.path / "made-by-a-test").write_text("x")
        (shot.path / "folder").mkdir()
        (shot.path / "folder" / "x").write_text("x")
        (shot.path / "folderlink").symlink_to("folder")
        (shot.path / "same.py").write_text("changed by a test")
    with snapshot(find(repo), second) as shot:
        assert files_of(shot.path) == {"a.py": "two", "same.py": "s", "d/e.py": "now a folder"}
        assert not (shot.path / "old").exists()
    with snapshot(find(repo), first) as shot:
        assert files_of(shot.path)["d"] == "file"


def test_executable_files_stay_so_and_all_are_readable(repo: Path, commit) -> None:
    (repo / "run.sh").write_text("x")
    (repo / "run.sh").chmod(0o755)
    sha = commit(repo, {"a.py": "x"})
    before = os.umask(0o077)
    try:
        with snapshot(find(repo), sha) as shot:
            modes = {n: stat.S_IMODE((shot.path / n).stat().st_mode) for n in ("run.sh", "a.py")}
    finally:
        os.umask(before)
    assert modes == {"run.sh": 0o755, "a.py": 0o644}


def test_a_half_written_snapshot_is_written_again(repo: Path, commit) -> None:
    sha = commit(repo, {"a.py": "one"})
    with snapshot(find(repo), sha) as shot:
        home = shot.path.parent
    (home / ".copydesk-manifest.json").unlink()
    (home / "tree" / "rest").write_text("x")
    with snapshot(find(repo), sha) as shot:
        assert files_of(shot.path) == {"a.py": "one"}


def test_a_snapshot_never_shows_as_a_worktree(repo: Path, commit, git) -> None:
    sha = commit(repo, {"a.py": "one"})
    with snapshot(find(repo), sha):
        assert git(repo, "worktree", "list").count("\n") == 0
        assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "path",
    [
        *("../x", "a/../b", ".git/hooks/x", "a/.GIT/config", "git~1/x", ".git ./x"),
        *("", "a//b", "./a", ".g\u200cit/config"),
    ],
)
def test_paths_that_git_itself_would_refuse(path: str) -> None:
    with pytest.raises(CopydeskError, match="path that git itself would refuse"):
        check_path(path)


@given(st.lists(st.text("abc._-é ", min_size=1).filter(lambda p: p.strip(". ")), min_size=1))
def test_ordinary_paths_pass(parts: list[str]) -> None:
    check_path("/".join(parts))
