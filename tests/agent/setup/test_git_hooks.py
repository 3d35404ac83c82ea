"""Native hooks beside what others have put in their way, on old and new gits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.git import command
from copydesk.agent.git.repository import Repository, find, get_config, get_section
from copydesk.agent.setup import git_hooks
from copydesk.agent.setup.git_hooks import (
    install_native_hooks,
    installed_hooks,
    remove_native_hooks,
)
from copydesk.hooks import spool

Git = Callable[..., str]


@pytest.fixture
def found(repo: Path) -> Repository:
    return find(repo)


@pytest.fixture
def versions() -> Iterator[None]:
    caches = (command.git_version, command.git_program)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def pretend(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]) -> None:
    monkeypatch.setattr(git_hooks, "git_version", lambda: version)


def foreign(repo: Path) -> Path:
    """A post-commit hook of somebody else, that leaves a trace."""
    hook = repo / ".git/hooks/post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho theirs >>trace\n")
    hook.chmod(0o755)
    return hook


def test_gits_version_is_known(versions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.git_version() >= (2, 20)
    command.git_version.cache_clear()
    monkeypatch.setattr(command, "git_program", lambda: sys.executable)
    assert command.git_version()[0] == 3


@pytest.mark.parametrize("version", [(2, 39), (2, 54)])
def test_with_nothing_in_the_way_hooks_are_files(
    found: Repository, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]
) -> None:
    pretend(monkeypatch, version)
    assert install_native_hooks(found)[0] == "post-commit: installed"
    assert install_native_hooks(found)[0] == "post-commit: in place"
    assert get_section(found, "hook") == {}
    assert [(h.event, h.owner) for h in installed_hooks(found)] == [
        ("post-commit", "copydesk"), ("post-merge", "copydesk"), ("post-rewrite", "copydesk")
    ]  # fmt: skip
    assert all("taken out" in said for said in remove_native_hooks(found))
    assert installed_hooks(found) == []


def test_an_older_git_chains_what_is_there(
    found: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, (2, 53))
    theirs = foreign(repo).read_bytes()
    assert (
        install_native_hooks(found)[0]
        == "post-commit: installed; the one that was there runs first"
    )
    remove_native_hooks(found)
    assert foreign(repo).read_bytes() == theirs


def test_a_newer_git_gets_them_in_its_configuration_and_nothing_of_others_is_touched(
    found: Repository, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, (2, 54))
    theirs = foreign(repo).read_bytes()
    git(repo, "config", "core.hooksPath", ".husky/_")
    assert install_native_hooks(found)[0] == "post-commit: installed in the git configuration"
    assert install_native_hooks(found)[0] == "post-commit: installed in the git configuration"
    assert (repo / ".git/hooks/post-commit").read_bytes() == theirs
    said = get_config(found, "hook.copydesk-post-commit.command")
    assert said
    assert (found.desk / "hooks/post-commit").is_file()
    assert ("post-commit", "copydesk") in [(h.event, h.owner) for h in installed_hooks(found)]
    assert all("git configuration" in phrase for phrase in remove_native_hooks(found))
    assert get_section(found, "hook") == {}
    assert not (found.desk / "hooks/post-commit").exists()


@pytest.fixture
def new_git(versions: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A git that takes hooks from its configuration: TEST_NEW_GIT, or the one on PATH."""
    named = os.environ.get("TEST_NEW_GIT")
    if named:
        monkeypatch.setenv("PATH", f"{Path(named).parent}:{os.environ['PATH']}")
    if command.git_version() < (2, 54):
        pytest.skip("needs git 2.54 (TEST_NEW_GIT names one)")
    return command.git_program()


def test_a_new_git_runs_them_beside_huskys(
    new_git: str, found: Repository, repo: Path, git: Git, tmp_path: Path
) -> None:
    python = tmp_path / "spy's python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    husky = repo / ".husky/_"
    husky.mkdir(parents=True)
    (husky / "post-commit").write_text("#!/bin/sh\necho theirs >>trace\n")
    (husky / "post-commit").chmod(0o755)
    git(repo, "config", "core.hooksPath", ".husky/_")
    install_native_hooks(found, str(python))
    os.environ["CI"] = "1"  # no daemon: what is looked at is the event
    with contextlib.ExitStack() as stack:
        stack.callback(os.environ.pop, "CI")
        spool.write_notification(str(found.common_dir), "first", "/")
        subprocess.run([new_git, "commit", "-q", "--allow-empty", "-m", "x"], cwd=repo, check=True)
    assert (repo / "trace").read_text() == "theirs\n"
    hooks = sorted(path.suffix for path in (found.desk / "spool/new").iterdir())
    assert hooks == [".first", ".post-commit"]
    remove_native_hooks(found)
    subprocess.run([new_git, "commit", "-q", "--allow-empty", "-m", "y"], cwd=repo, check=True)
    assert len(list((found.desk / "spool/new").iterdir())) == 2
