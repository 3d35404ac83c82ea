from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.hooks import native_hooks, spool

Git = Callable[..., str]
Events = Callable[[Path], list[tuple[str, str]]]
Lives = Callable[[Path], bool]


def commit(cwd: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "commit", "-q", "--allow-empty", "-m", "x", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def seen(events: Events, common: Path, hook: str, worktree: Path) -> bool:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if (hook, str(worktree)) in events(common):
            return True
        time.sleep(0.02)
    return False


def test_a_commit_drops_an_event_and_starts_a_daemon(
    repo: Path, events: Events, lives: Lives
) -> None:
    actions = native_hooks.install(str(repo / ".git/hooks"))
    assert all(action.endswith("installed") for action in actions)
    for _ in range(2):  # the first makes the spool, the second writes into it from the shell
        done = commit(repo)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert lives(repo / ".git")
    assert seen(events, repo / ".git", "post-commit", repo)


def test_git_returns_at_once_though_its_output_goes_through_a_pipe(
    repo: Path, lives: Lives
) -> None:
    native_hooks.install(str(repo / ".git/hooks"))
    started = time.monotonic()
    subprocess.run(
        ["sh", "-c", "git commit -q --allow-empty -m x 2>&1 | cat"],
        cwd=repo,
        check=True,
        capture_output=True,
    )
    seconds = time.monotonic() - started
    assert lives(repo / ".git")
    assert seconds < 1.5  # 0.02 on a quiet machine; a daemon that kept the pipe: for ever


def test_every_kind_of_worktree_is_served_by_one_desk(
    repo: Path, tmp_path: Path, git: Git, events: Events
) -> None:
    native_hooks.install(str(repo / ".git/hooks"))
    # makes the spool: the shell writes the events
    spool.write_notification(str(repo / ".git"), "x", "/")
    linked = tmp_path / "linked one"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    assert commit(linked, CI="1").returncode == 0
    assert seen(events, repo / ".git", "post-commit", linked)
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "in")
    inner = outer / ".git/modules/in"
    native_hooks.install(str(inner / "hooks"))
    git(outer / "in", "config", "copydesk.bin", "/somewhere/bin")
    assert commit(outer / "in", CI="1").returncode == 0
    assert seen(events, inner, "post-commit", outer / "in")


def test_a_merge_and_an_amend_are_told_as_what_they_are(
    repo: Path, git: Git, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    native_hooks.install(str(repo / ".git/hooks"))
    git(repo, "checkout", "-q", "-b", "topic")
    commit(repo)
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "m", "topic")
    assert seen(events, repo / ".git", "post-merge", repo)
    commit(repo, "--amend")
    assert seen(events, repo / ".git", "post-rewrite", repo)


def test_the_hook_that_was_there_runs_first_and_its_code_counts(
    repo: Path, tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    hooks = repo / ".git/hooks"
    former = '#!/bin/sh\necho "$@" >"$HOME/ran"\nexit 7\n'
    (hooks / "post-rewrite").write_text(former)
    (hooks / "post-rewrite").chmod(0o755)
    assert "runs first" in native_hooks.install(str(hooks))[2]
    assert "in place" in native_hooks.install(str(hooks))[2]
    done = subprocess.run([hooks / "post-rewrite", "amend"], cwd=repo, timeout=30)
    assert done.returncode == 7
    assert Path(os.environ["HOME"], "ran").read_text() == "amend\n"
    assert seen(events, repo / ".git", "post-rewrite", repo)
    assert "former one is back" in native_hooks.remove(str(hooks))[2]
    assert (hooks / "post-rewrite").read_text() == former
    assert not (hooks / "post-commit").exists()
    assert native_hooks.remove(str(hooks)) == []


def test_a_hook_that_git_would_not_run_is_not_run(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    hooks = repo / ".git/hooks"
    (hooks / "post-commit").write_text("#!/bin/sh\nexit 7\n")
    (hooks / "post-commit").chmod(0o644)
    native_hooks.install(str(hooks))
    assert subprocess.run([hooks / "post-commit"], cwd=repo, timeout=30).returncode == 0


def test_pre_commit_installed_over_ours_is_noticed(repo: Path) -> None:
    hooks = repo / ".git/hooks"
    native_hooks.install(str(hooks))
    (hooks / "post-commit").rename(hooks / "post-commit.legacy")  # as pre-commit does
    (hooks / "post-commit").write_text("#!/bin/sh\n# pre-commit\n")
    assert native_hooks.install(str(hooks))[0] == "post-commit: in place, run by pre-commit"
    native_hooks.remove(str(hooks))
    assert not (hooks / "post-commit.legacy").exists()
    assert "pre-commit" in (hooks / "post-commit").read_text()


HUSKY = """\
#!/usr/bin/env sh
n=$(basename "$0")
s=$(dirname "$(dirname "$0")")/$n
[ ! -f "$s" ] && exit 0
sh -e "$s" "$@"
c=$?
exit $c
"""  # the working lines of husky 9's file `h`


def test_huskys_hook_finds_the_users_script_when_ours_runs_it(
    repo: Path, git: Git, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    folder = repo / ".husky/_"
    folder.mkdir(parents=True)
    (folder / "h").write_text(HUSKY)
    for name in native_hooks.HOOKS:
        (folder / name).write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
        (folder / name).chmod(0o755)
    (repo / ".husky/post-rewrite").write_text('echo "$1" >>ran\ncat >>ran\nexit 7\n')
    git(repo, "config", "core.hooksPath", ".husky/_")
    native_hooks.install(str(folder))
    assert commit(repo, "--amend").returncode == 0
    first, second = (repo / "ran").read_text().splitlines()
    assert (first, len(second.split())) == ("amend", 2)
    assert seen(events, repo / ".git", "post-rewrite", repo)
    hook = str(folder / "post-rewrite")
    assert subprocess.run([hook, "x"], cwd=repo, input=b"", timeout=30).returncode == 7


def test_a_hook_that_lefthook_put_aside_is_taken_out_too(repo: Path) -> None:
    hooks = repo / ".git/hooks"
    native_hooks.install(str(hooks))
    (hooks / "post-commit").rename(hooks / "post-commit.old")
    (hooks / "post-commit").write_text("#!/bin/sh\n# lefthook\n")
    native_hooks.remove(str(hooks))
    assert [path.name for path in hooks.iterdir() if path.suffix != ".sample"] == ["post-commit"]


def test_without_copydesk_the_hook_is_silent(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native_hooks.install(str(repo / ".git/hooks"), str(tmp_path / "gone's" / "python"))
    done = commit(repo)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (repo / ".git/copydesk").exists()


def test_a_hook_that_an_older_copydesk_installed_still_notifies(repo: Path, events: Events) -> None:
    native_hooks.install(str(repo / ".git/hooks"))
    hook = repo / ".git/hooks/post-commit"
    text = hook.read_text()
    hook.write_text(text.replace("notify.py", "knock.py"))
    assert text.count("notify.py") == 2
    assert commit(repo, CI="1").returncode == 0
    assert seen(events, repo / ".git", "post-commit", repo)


def test_a_place_with_a_quote_in_its_name(repo: Path, tmp_path: Path, events: Events) -> None:
    python = tmp_path / "it's here" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    native_hooks.install(str(repo / ".git/hooks"), str(python))
    assert commit(repo, CI="1").returncode == 0
    assert seen(events, repo / ".git", "post-commit", repo)


@pytest.mark.parametrize(
    ("folder", "husky"), [("/x/.husky/_", True), ("/x/.git/hooks", False), ("husky", False)]
)
def test_huskys_folder_is_known(folder: str, husky: bool) -> None:
    assert native_hooks.is_husky(folder) is husky
