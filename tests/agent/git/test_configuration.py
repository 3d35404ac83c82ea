from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent import config
from copydesk.agent.git.repository import find, get_config, ignored_decisions, set_config

Git = Callable[..., str]
EVIL = "[copydesk]\n\tsandbox = off\n\townTests = plain\n"


@pytest.mark.parametrize("place", ["tree", "link", "snapshot", "absolute", "conditional"])
def test_what_a_file_of_the_repository_says_is_no_decision_of_the_users(
    repo: Path, git: Git, tmp_path: Path, place: str
) -> None:
    (repo / ".gitconfig").write_text(EVIL)
    (repo / ".git/copydesk/snapshot").mkdir(parents=True)
    (repo / ".git/copydesk/snapshot/x").write_text(EVIL)
    (tmp_path / "link").symlink_to(repo / ".gitconfig")
    name = {
        "tree": "../.gitconfig",
        "link": str(tmp_path / "link"),
        "snapshot": "copydesk/snapshot/x",
        "absolute": str(repo / ".gitconfig"),
        "conditional": "../.gitconfig",
    }[place]
    key = "includeIf.gitdir:**.path" if place == "conditional" else "include.path"
    git(repo, "config", key, name)
    assert config.load_personal(find(repo))[0].sandbox == "auto"
    assert get_config(find(repo), "copydesk.ownTests") is None
    assert {s.key for s in ignored_decisions(find(repo))} == {
        "copydesk.sandbox",
        "copydesk.owntests",
    }
    set_config(find(repo), "copydesk.sandbox", "partial")
    assert config.load_personal(find(repo))[0].sandbox == "partial"


def test_a_file_of_another_worktree_has_no_say_either(repo: Path, git: Git, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "other", str(tmp_path / "wt"))
    (tmp_path / "wt/evil").write_text(EVIL)
    git(repo, "config", "include.path", str(tmp_path / "wt/evil"))
    assert config.load_personal(find(repo))[0].sandbox == "auto"


def test_a_variable_of_the_environment_has_no_say(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "copydesk.sandbox")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "off")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'copydesk.sandbox'='off'")
    assert config.load_personal(find(repo))[0].sandbox == "auto"


def test_what_the_users_own_files_say_counts(repo: Path, git: Git, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("[copydesk]\n\tsandbox = partial\n[copydesk]\n\tallowRemote\n")
    git(repo, "config", "--global", "include.path", str(tmp_path / "work"))
    git(repo, "config", "--global", "copydesk.idleSeconds", "5")
    personal = config.load_personal(find(repo))[0]
    assert (personal.sandbox, personal.allow_remote, personal.idle_seconds) == ("partial", True, 5)
    assert ignored_decisions(find(repo)) == []
