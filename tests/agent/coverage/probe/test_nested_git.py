"""A test suite that runs git itself, measured in a linked worktree as a hook would have it done."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SUITE = """
import subprocess

def test_of_a_git_tool(tmp_path):
    def git(*words):
        argv = ["git", *words]
        return subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True)
    git("init", "-q")
    git("config", "user.name", "x")
    git("config", "user.email", "x@y")
    (tmp_path / "scratch.txt").write_text("scratch")
    git("add", "scratch.txt")
    git("commit", "-q", "-m", "scratch")
    assert git("log", "--format=%s").stdout == "scratch\\n"
    assert git("rev-parse", "--show-toplevel").stdout.strip() == str(tmp_path.resolve())
"""


@pytest.mark.parametrize("own_tests", ["plain", "auto"])
def test_the_users_branch_and_index_are_untouched(
    repo: Path, tmp_path: Path, git: Callable[..., str], own_tests: str
) -> None:
    (repo / "test_git.py").write_text(SUITE)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a suite that commits")
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    (linked / "staged.txt").write_text("staged")
    git(linked, "add", "staged.txt")
    git_dir = Path(git(linked, "rev-parse", "--absolute-git-dir"))
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.ownTests", own_tests)

    def state() -> tuple[str, str, bytes, str]:
        return (
            git(linked, "rev-parse", "HEAD", "main", "beside"),
            git(linked, "log", "--all", "--format=%s"),
            (git_dir / "index").read_bytes(),
            git(linked, "symbolic-ref", "HEAD"),
        )

    before = state()
    hook = {  # what git leaves in the environment of a hook in a linked worktree
        "GIT_DIR": str(git_dir),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_PREFIX": "",
        "GIT_WORK_TREE": str(linked),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "copydesk.agent.cli.main", "measure"],
        cwd=linked, env={**os.environ, **hook}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1" in done.stdout
    assert state() == before
