"""Tests that ask git get the answers of a checkout, and nothing of the user's repository."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.git.snapshot import snapshot

Git = Callable[..., str]

ASKING = (
    "import subprocess\n\n\n"
    "def ask(*words):\n"
    "    return subprocess.check_output(['git', *words], text=True).strip()\n\n\n"
    "def test_version():\n    assert ask('describe', '--tags', '--dirty') == open('V').read()\n\n\n"
    "def test_head():\n    with open('.git/HEAD') as file:\n"
    "        assert file.read().strip() == ask('rev-parse', 'HEAD')\n\n\n"
    "def test_files():\n    assert 'V' in ask('ls-files').split()\n"
)


@pytest.fixture
def asking(repo: Path, commit: Callable[..., str], git: Git) -> tuple[Path, str]:
    sha = commit(repo, {"tests/test_git.py": ASKING, "V": "v1"})
    git(repo, "tag", "-a", "v1", "-m", "one")
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo, sha


def test_the_repository_is_at_the_commit_and_clean(asking: tuple[Path, str], git: Git) -> None:
    repo, sha = asking
    (repo / ".git/hooks").mkdir(exist_ok=True)
    git(repo, "config", "user.token", "secret")
    with snapshot(find(repo), sha, asked_by_tests=True) as shot:
        assert git(shot.path, "rev-parse", "HEAD") == sha
        assert git(shot.path, "describe", "--dirty") == "v1"
        assert git(shot.path, "status", "--porcelain") == ""
        assert git(shot.path, "log", "--format=%s") == git(repo, "log", "--format=%s")
        assert "secret" not in (shot.path / ".git/config").read_text()
        assert not (shot.path / ".git/hooks").exists()
        assert shot.objects[0] == repo / ".git/objects"
    assert not (shot.path / ".git").exists()


def test_none_is_made_where_nobody_asks(repo: Path, commit: Callable[..., str]) -> None:
    sha = commit(repo, {"a.py": "digit = 1\n", "README": "git\n"})
    with snapshot(find(repo), sha, asked_by_tests=True) as shot:
        assert not (shot.path / ".git").exists()
        assert shot.objects == ()
    sha = commit(repo, {"a.py": "import git\n"})
    with snapshot(find(repo), sha) as shot:
        assert not (shot.path / ".git").exists()


@pytest.mark.parametrize("own_tests", ["auto", "plain"])
def test_what_asks_git_runs_at_every_commit(
    asking: tuple[Path, str], git: Git, own_tests: str
) -> None:
    repo, sha = asking
    set_config(find(repo), "copydesk.ownTests", own_tests)
    with open_desk(find(repo).desk) as db:
        first = measure(db, Commit(find(repo), sha))
        assert (first.failed, first.total) == (0, 3)
        git(repo, "commit", "-q", "--allow-empty", "-m", "nothing")
        second = measure(db, Commit(find(repo), git(repo, "rev-parse", "HEAD")))
        assert (second.selected, second.failed) == (3, 1)  # v1-1-g... is another version
