"""A history made in every way there is, with no hook: all of it is seen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import command
from copydesk.agent.git.repository import find
from copydesk.hooks import start_daemon

Git = Callable[..., str]
Eventually = Callable[..., None]


@pytest.fixture(params=["files", "reftable"])
def ref_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The format in which git keeps refs; reftable where this git, or TEST_NEW_GIT, knows it."""
    caches = (command.git_program, command.git_version)
    if request.param == "reftable":
        if named := os.environ.get("TEST_NEW_GIT"):
            monkeypatch.setenv("PATH", f"{Path(named).parent}:{os.environ['PATH']}")
        for cache in caches:
            cache.cache_clear()
        if command.git_version() < (2, 45):
            pytest.skip("needs git 2.45 (TEST_NEW_GIT names one)")
    yield request.param
    for cache in caches:
        cache.cache_clear()


class Script:
    """Makes commits in one way after the other."""

    def __init__(self, top: Path, git: Git, ref_format: str) -> None:
        self.top, self.git, self.number = top / "work", git, 0
        formats = ["--ref-format=reftable"] if ref_format == "reftable" else []
        git(top, "init", "-q", *formats, str(self.top))
        git(self.top, "config", "core.hooksPath", os.devnull)
        self.commit(self.top)
        git(top, "clone", "-q", *formats, str(self.top), "elsewhere")
        git(self.top, "config", "copydesk.measures", "all")
        self.elsewhere, self.linked = top / "elsewhere", top / "linked"
        git(self.top, "worktree", "add", "-q", "-b", "beside", str(self.linked))
        git(self.top, "remote", "add", "else", str(self.elsewhere))

    def commit(self, where: Path, *options: str) -> str:
        self.number += 1
        (where / f"f{self.number}.txt").write_text(str(self.number))
        self.git(where, "add", "-A")
        self.git(where, "commit", "-q", *options, "-m", f"no {self.number}")
        return self.git(where, "rev-parse", "HEAD")

    def a_round(self) -> None:
        """Every way once; some twenty commits."""
        git, top = self.git, self.top
        self.commit(top)
        self.commit(top, "--no-verify")
        git(top, "commit", "-q", "--amend", "-m", f"amended {self.number}")
        git(top, "checkout", "-q", "-b", f"topic{self.number}")
        topic = git(top, "symbolic-ref", "--short", "HEAD")
        self.commit(top)
        self.commit(top)
        git(top, "checkout", "-q", "main")
        self.commit(top)
        git(top, "checkout", "-q", topic)
        git(top, "rebase", "-q", "main")
        git(top, "checkout", "-q", "main")
        git(top, "merge", "-q", "--no-ff", "-m", f"merge {topic}", topic)
        git(top, "revert", "--no-edit", "HEAD~1")
        picked = self.commit(self.linked)
        git(top, "cherry-pick", picked)
        patch = git(self.linked, "format-patch", "-1", "--stdout", self.commit(self.linked))
        subprocess.run(["git", "am", "-q"], cwd=top, input=(patch + "\n").encode(), check=True)
        git(top, "checkout", "-q", "--detach")
        self.commit(top)
        loose = git(top, "rev-parse", "HEAD")
        git(top, "branch", f"kept{self.number}")
        git(top, "checkout", "-q", "main")
        made = git(top, "commit-tree", "-m", f"plumbing {self.number}", "-p", loose, "main^{tree}")
        git(top, "update-ref", f"refs/heads/deep/er/{self.number}", made)
        git(self.elsewhere, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
        for _ in range(3):
            self.commit(self.elsewhere)
        git(top, "pull", "-q", "--no-rebase", "--no-edit", "else", "main")
        git(top, "stash", "list")
        git(top, "pack-refs", "--all")

    def reachable(self) -> set[str]:
        heads = [
            self.git(self.linked, "rev-parse", "HEAD"),
            self.git(self.top, "rev-parse", "HEAD"),
        ]
        return set(self.git(self.top, "rev-list", "--branches", *heads).split())


def test_a_short_history(
    tmp_path: Path, git: Git, ref_format: str, daemon_argv: Callable[..., list[str]],
    eventually: Eventually,
) -> None:  # fmt: skip
    follow(tmp_path, git, ref_format, daemon_argv, eventually, commits=20)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_and_fifty_commits(
    tmp_path: Path, git: Git, ref_format: str, daemon_argv: Callable[..., list[str]],
    eventually: Eventually,
) -> None:  # fmt: skip
    follow(tmp_path, git, ref_format, daemon_argv, eventually, commits=150)


def follow(
    tmp_path: Path, git: Git, ref_format: str, daemon_argv: Callable[..., list[str]],
    eventually: Eventually, *, commits: int,
) -> None:  # fmt: skip
    script = Script(tmp_path, git, ref_format)
    found = find(script.top)
    first = script.reachable()
    argv = daemon_argv(found.common_dir)

    def recorded() -> set[str]:
        with open_desk(found.desk) as db:
            return {sha for (sha,) in db.execute("SELECT sha FROM commits")}

    daemon = subprocess.Popen(argv)
    try:
        eventually(lambda: start_daemon.daemon_runs(str(found.common_dir)) and first & recorded())
        rounds = 0
        while len(script.reachable() - first) < commits:
            script.a_round()
            rounds += 1
            if rounds == 1:  # what is made while it is down is found when it is back
                daemon.terminate()
                daemon.wait(60)
                script.a_round()
                daemon = subprocess.Popen(argv)
        wanted = script.reachable() - first
        assert len(wanted) >= commits
        eventually(lambda: wanted <= recorded(), seconds=120)

        def measured() -> set[str]:
            with open_desk(found.desk) as db:
                return {
                    sha
                    for (sha,) in db.execute(
                        "SELECT subject FROM jobs WHERE kind = 'measure' AND state = 'done'"
                    )
                }

        if commits <= 20:  # each takes a process
            eventually(lambda: wanted <= measured(), seconds=180)
            done = (found.desk / "done.txt").read_text().split()
            # the job in hand when the daemon was told to end may have been done already
            assert len(done) <= len(set(done)) + 1
    finally:
        daemon.terminate()
        daemon.wait(60)
