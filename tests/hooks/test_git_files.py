from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.hooks import git_files, notify

Git = Callable[..., str]


class TestWhere:
    """The repository is found the way git finds it."""

    def test_from_a_folder_inside(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (repo / "a" / "b").mkdir(parents=True)
        monkeypatch.chdir(repo / "a" / "b")
        assert git_files.common_dir() == str(repo / ".git")

    def test_by_git_dir(self, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
        assert git_files.common_dir() == str(repo / ".git")

    def test_in_a_linked_worktree(
        self, repo: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git(repo, "worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked one"))
        monkeypatch.chdir(tmp_path / "linked one")
        assert git_files.common_dir() == str(repo / ".git")
        monkeypatch.setenv("GIT_DIR", git(Path.cwd(), "rev-parse", "--absolute-git-dir"))
        assert git_files.common_dir() == str(repo / ".git")
        monkeypatch.setenv("GIT_COMMON_DIR", str(repo / ".git"))
        assert git_files.common_dir() == str(repo / ".git")

    def test_in_a_submodule(
        self, repo: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outer = tmp_path / "outer"
        outer.mkdir()
        git(outer, "init", "-q")
        git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "in")
        monkeypatch.chdir(outer / "in")
        assert git_files.common_dir() == str(outer / ".git/modules/in")

    def test_with_references_in_a_reftable(
        self, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # what such a repository looks like (git 2.45): refs/heads is a file, HEAD a constant
        (repo / ".git/refs/heads/main").unlink()
        (repo / ".git/refs/heads").rmdir()
        (repo / ".git/refs/heads").write_text("this repository uses the reftable format\n")
        (repo / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")
        monkeypatch.chdir(repo)
        assert git_files.common_dir() == str(repo / ".git")
        monkeypatch.setenv("CI", "1")  # no daemon is started
        notify.notify("post-commit")

    def test_in_a_bare_repository(
        self, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git(tmp_path, "init", "-q", "--bare", "bare")
        monkeypatch.chdir(tmp_path / "bare")
        assert git_files.common_dir() == str(tmp_path / "bare")

    def test_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "none").mkdir()
        monkeypatch.chdir(tmp_path / "none")
        with pytest.raises(FileNotFoundError):
            git_files.common_dir()
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "none"))
        with pytest.raises(FileNotFoundError):
            git_files.common_dir()


@pytest.mark.parametrize("mark", git_files.BUSY_MARKS)
def test_an_operation_under_way_leaves_a_mark(repo: Path, mark: str) -> None:
    assert not git_files.is_busy(str(repo / ".git"))
    (repo / ".git" / mark).touch()
    assert git_files.is_busy(str(repo / ".git"))


def test_a_cherry_pick_of_several_is_under_way_between_two_of_them(repo: Path, git: Git) -> None:
    git(repo, "checkout", "-q", "-b", "topic")
    for text in ("1\n", "2\n"):
        (repo / "a.txt").write_text(text)
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", text)
    git(repo, "checkout", "-q", "main")
    (repo / "a.txt").write_text("other\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "other")
    with pytest.raises(subprocess.CalledProcessError):  # it stops at the first of the two
        git(repo, "cherry-pick", "main..topic")
    (repo / "a.txt").write_text("1\n")
    git(repo, "commit", "-qam", "resolved")  # takes CHERRY_PICK_HEAD away; one is left to pick
    assert not (repo / ".git/CHERRY_PICK_HEAD").exists()
    assert git_files.is_busy(str(repo / ".git"))


@given(st.text(alphabet=st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_path_comes_back(name: str) -> None:
    escapes = {ord(v): "\\" + k for k, v in git_files._ESCAPES.items()}
    quoted = "".join(
        escapes.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in name.encode()
    )
    assert git_files.unquoted_path(b'"' + quoted.encode("latin-1") + b'"') == name


def test_a_hook_in_a_subfolder_goes_to_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "top" / ".git").mkdir(parents=True)
    below = tmp_path / "top" / "front" / "deep er"
    below.mkdir(parents=True)
    for start in (below, tmp_path / "top"):
        monkeypatch.chdir(start)
        git_files.go_to_top()
        assert Path.cwd() == tmp_path / "top"
    monkeypatch.chdir("/")
    git_files.go_to_top()
    assert Path.cwd() == Path("/")
