"""Nothing is written in a repository that was never set up, by whoever only looks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.hooks import gate, notify

LOOKING = (
    *("status", "log", "log --failures", "log --model", "log --predictions", "drafts", "gaps"),
    *("drafts --all", "coverage", "report", "report --open", "gate", "gate --base HEAD", "wait"),
    *("config", "doctor", "daemon status", "daemon logs", "predict", "show 1", "accept 1"),
    *("reject 1 --why x", "undo 1", "draft", "export 1 --to devlog", "wait --timeout 0.1"),
)


@pytest.mark.parametrize("command", LOOKING)
def test_a_command_that_looks_writes_nothing(run: Any, shop: Path, command: str) -> None:
    result = run(shop, *command.split())
    assert result.exit_code in (0, 1, 2), result.output
    assert "bug" not in result.output
    assert not (shop / ".git" / "copydesk").exists()


def test_wait_says_how_to_set_it_up(run: Any, shop: Path) -> None:
    result = run(shop, "wait")
    assert result.exit_code == 2
    assert "copydesk is not set up in this repository" in result.output
    assert "`copydesk init` sets it up" in result.output


NOT_MEASURED = "copydesk: nothing was measured here yet, so there is no verdict on this change\n"


@pytest.mark.parametrize(("hook", "said"), [(notify, ""), (gate, NOT_MEASURED)])
def test_a_hook_of_the_projects_own_configuration_writes_nothing(
    repo: Path, commit: Callable[..., str], git: Any, hook: Any, said: str
) -> None:
    commit(repo, {"a.py": "x = 1\n"})
    (repo / "a.py").write_text("x = 2\n")
    git(repo, "add", "a.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", hook.__file__],
        cwd=repo, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (said, "")
    assert not (repo / ".git" / "copydesk").exists()


def test_where_somebody_measured_a_hook_tells_the_daemon(
    repo: Path, commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, {"a.py": "x = 1\n"})
    with open_desk(find(repo).desk):
        pass
    monkeypatch.setenv("CI", "1")  # no daemon is started
    monkeypatch.chdir(repo)
    notify.notify("post-commit")
    assert len(list((repo / ".git/copydesk/spool/new").iterdir())) == 1
