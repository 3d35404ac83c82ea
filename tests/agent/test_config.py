from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent import config
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find


def test_everything_has_a_default(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST")
    found = config.load(find(repo))
    assert found.project == config.Project()
    assert found.personal == config.Personal()
    assert set(found.sources.values()) == {"default"}


def test_the_project_agrees_in_pyproject_and_the_user_in_git_config(
    repo: Path, git, commit
) -> None:
    sha = commit(repo, {"pyproject.toml": "[tool.copydesk]\nfail_under = 80\ntests = ['t']\n"})
    (repo / "pyproject.toml").write_text("[tool.copydesk]\nfail_under = 70\n")
    git(repo, "config", "copydesk.sandbox", "off")
    git(repo, "config", "copydesk.allowRemote", "yes")
    git(repo, "config", "copydesk.idleSeconds", "2.5")
    here, there = config.load(find(repo)), config.load(find(repo), sha)
    assert (here.project.fail_under, there.project.fail_under) == (70.0, 80.0)
    assert there.project.tests == ("t",)
    assert (here.personal.sandbox, here.personal.allow_remote) == ("off", True)
    assert here.personal.idle_seconds == 2.5
    assert here.sources["fail_under"] == "pyproject.toml"
    assert here.sources["sandbox"] == "git config copydesk.sandbox"
    assert here.sources["model_host"] == "$OLLAMA_HOST"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail_undr = 3", "Did you mean 'fail_under'"),
        ("zzz = 3", "Known keys"),
        ("fail_under = 'x'", "like 95.0"),
        ("fail_under = 101", "like 95.0"),
        ("fail_under = true", "like 95.0"),
        ("tests = 'x'", "like ()"),
        ("tests = [1]", "like ()"),
        ("stories = 1", "like True"),
        ("drafts_per_commit = 'x'", "like 10"),
        ("= 3", "Correct the line"),
    ],
)
def test_a_wrong_key_or_value_names_the_cure(repo: Path, text: str, said: str) -> None:
    (repo / "pyproject.toml").write_text(f"[tool.copydesk]\n{text}\n")
    with pytest.raises(CopydeskError) as caught:
        config.load(find(repo))
    assert said in caught.value.hint


def test_a_tracked_file_cannot_set_what_is_the_users(repo: Path) -> None:
    (repo / "pyproject.toml").write_text("[tool.copydesk]\nsandbox = 'off'\n")
    with pytest.raises(CopydeskError, match="unknown key 'sandbox'"):
        config.load(find(repo))


@pytest.mark.parametrize(
    ("key", "value"),
    [("sandbox", "maybe"), ("allowRemote", "si"), ("idleSeconds", "-1"), ("auditMeasures", "x")],
)
def test_a_wrong_personal_value_is_refused(repo: Path, git, key: str, value: str) -> None:
    git(repo, "config", f"copydesk.{key}", value)
    with pytest.raises(CopydeskError, match="is not a value it can have"):
        config.load(find(repo))


def test_a_personal_text_is_taken_as_it_is() -> None:
    assert config.personal_value("python", "/usr/bin/python3") == "/usr/bin/python3"
