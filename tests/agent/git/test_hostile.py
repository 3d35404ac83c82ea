"""A repository whose configuration, attributes, refs and paths want to run or write something.

Every git command that copydesk issues meets it; a spy in front of git writes them all down, and
each one that the source contains has to be among them.
"""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.daemon import reconcile
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import bundle, command, repository, uncommitted
from copydesk.agent.git.map_repository import open_map_repository
from copydesk.agent.git.repository import find
from copydesk.agent.setup import ci_job
from copydesk.hooks import gate

ROOT = Path(__file__).parents[3]
HOOKS = (
    *("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"),
    *("post-commit", "pre-commit", "post-rewrite", "fsmonitor-watchman", "proc-receive"),
)
ATTRIBUTES = "* diff=evil filter=evil merge=evil text\n*.py diff=evil filter=evil2 export-subst\n"
NAMES = (
    *("--output=written.py", "-n.py", "$(touch written).py", "`touch written`.py"),
    *(":(exclude)x.py", "a;touch written.py", "new\nline.py", "tab\t'quote\".py", "\u202eyp.x.py"),
    *("--upload-pack=touch written.py", "üñí/--exec=x.py"),
)


class Hostile(NamedTuple):
    repo: Path
    fired: Path
    issued: Path

    def marks(self) -> list[str]:
        return sorted(path.name for path in self.fired.iterdir())


@pytest.fixture
def hostile(
    repo: Path, tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hostile]:
    fired, evil = tmp_path / "fired", tmp_path / "evil.sh"
    fired.mkdir()
    evil.write_text(f'#!/bin/sh\n: >"{fired}/$1"\ncat 2>/dev/null\n')
    evil.chmod(0o755)
    for number, name in enumerate(NAMES):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(f"def f{number}():\n    return 1\n")
    (repo / "test_x.py").write_text(
        "import made  # as git knows\n\n\ndef test_x():\n    assert made\n"
    )
    (repo / ".gitignore").write_text("made.py\n")
    (repo / "made.py").write_text("MADE = 1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "odd names")
    (repo / "-n.py").write_text("def changed():\n    return 2\n")
    git(repo, "commit", "-q", "-a", "-m", "a change")
    head = git(repo, "rev-parse", "HEAD")
    for ref in ("--output=written", "-x", "--exec=touch written"):
        place = repo / ".git/refs/heads" / ref  # git itself would refuse some of them
        place.write_text(head + "\n")
    embed(repo, evil, git)
    (repo / ".gitattributes").write_text(ATTRIBUTES)
    (repo / ".git/info/attributes").write_text(ATTRIBUTES)
    (repo / "-n.py").write_text("def staged():\n    return 3\n")
    git(repo, "add", "-A")
    configure(repo, evil)
    hooks = repo / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(f"#!/bin/sh\n: >'{fired}/hook-{name}'\n")
        (hooks / name).chmod(0o755)
    issued, real = tmp_path / "issued", shutil.which("git")
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f"#!{sys.executable} -IS\nimport os, sys\nfile = open({str(issued)!r}, 'a')\n"
                   "file.write(repr(sys.argv[1:]) + '\\n')\nfile.close()\n"
                   f"os.execv({real!r}, [{real!r}, *sys.argv[1:]])\n")  # fmt: skip
    spy.chmod(0o755)
    issued.touch()
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    caches = (command.git_program, command.git_version)
    for cache in caches:
        cache.cache_clear()
    yield Hostile(repo, fired, issued)
    for cache in caches:
        cache.cache_clear()


def embed(repo: Path, evil: Path, git: Callable[..., str]) -> None:
    """A bare repository among the files, as a clone would bring it along."""
    git(repo, "init", "-q", "--bare", "vendor/data")
    shutil.rmtree(repo / "vendor/data/hooks")
    config = repo / "vendor/data/config"
    config.write_text(f'[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = "{evil} embedded"\n')
    (repo / "vendor/data/refs/heads/keep").write_text(git(repo, "rev-parse", "HEAD"))


def configure(repo: Path, evil: Path) -> None:
    keys = {
        f"{evil} {name}": key
        for name, key in {
            "fsmonitor": "core.fsmonitor", "external": "diff.external", "pager": "core.pager",
            "textconv": "diff.evil.textconv", "differ": "diff.evil.command",
            "clean": "filter.evil.clean", "smudge": "filter.evil.smudge",
            "process": "filter.evil2.process", "clean2": "filter.evil2.clean",
            "smudge2": "filter.evil2.smudge",
            "merger": "merge.evil.driver", "ssh": "core.sshCommand", "gpg": "gpg.program",
            "editor": "core.editor", "sequence": "sequence.editor",
            "alternates": "core.alternateRefsCommand", "proxy": "core.gitProxy",
            "credential": "credential.helper", "askpass": "core.askPass",
            "pack": "uploadpack.packObjectsHook", "browser": "browser.evil.cmd",
            "config-hook": "hook.evil.command", "paging": "pager.log", "paging2": "pager.diff",
            "trailer": "trailer.evil.command", "interactive": "interactive.diffFilter",
        }.items()
    }  # fmt: skip
    for value, key in keys.items():
        subprocess.run(["git", "config", key, value], cwd=repo, check=True)
    settings = {
        "core.hooksPath": str(repo / ".git/hooks"), "log.showSignature": "true", "gc.auto": "1",
        "maintenance.auto": "true", "diff.evil.cachetextconv": "true", "commit.gpgSign": "true",
        "core.untrackedCache": "true", "fetch.writeCommitGraph": "true",
        "alias.rev-parse": f"!{evil} alias", "core.commitGraph": "true",
        "trace2.normalTarget": "1", "protocol.ext.allow": "always", "core.splitIndex": "true",
        "remote.origin.url": f"ext::{evil} remote", "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
    }  # fmt: skip
    for key, value in settings.items():
        subprocess.run(["git", "config", key, value], cwd=repo, check=True)
    for event in HOOKS:
        subprocess.run(["git", "config", "--add", "hook.evil.event", event], cwd=repo, check=True)


def files(repo: Path) -> dict[str, bytes]:
    """Everything in the working tree and the embedded repository."""
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in repo.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(repo).parts[:1]
    }


def test_plain_git_would_run_it(hostile: Hostile) -> None:
    """The control: what is tried below has teeth."""
    for words in (["status"], ["diff", "HEAD~1"], ["log", "-p", "-1"], ["archive", "HEAD"]):
        subprocess.run(["git", *words], cwd=hostile.repo, capture_output=True, check=False)
    assert len(hostile.marks()) >= 4


def test_nothing_of_it_runs_and_nothing_is_written(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hostile.repo / "saved.py").write_text("saved = 1\n")
    before = files(hostile.repo)
    every_command(hostile, monkeypatch)
    assert hostile.marks() == []
    assert files(hostile.repo) == before
    assert not list(hostile.repo.rglob("written*"))
    issued = {
        word for line in hostile.issued.read_text().splitlines() for word in ast.literal_eval(line)
    }
    assert subcommands() <= issued
    assert len(subcommands()) >= 12


def every_command(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")  # no daemon is started; its work is done here
    repo = find(hostile.repo)
    repository.set_config(repo, "copydesk.python", sys.executable)
    repository.set_config(repo, "copydesk.sandbox", "off")
    repository.set_config(repo, "copydesk.ownTests", "plain")
    tag = hostile.repo / ".git/refs/tags/v1"  # by hand: `git tag` itself would run a hook
    tag.parent.mkdir(parents=True, exist_ok=True)
    tag.write_text(repository.resolve(repo, "HEAD") + "\n")
    for words in (
        *(["config"], ["doctor"], ["status"], ["measure"], ["coverage"], ["gaps"], ["drafts"]),
        *(["gate", "--unknown", "measure"], ["gate", "--base", "HEAD~1"]),
        *(["report"], ["report", "--format", "json"], ["log"], ["backup"], ["story"]),
        *(["story", "--release", "v1"],),
        *(["measure", "--", "--output=written"], ["gate", "--base=--output=written"]),
        *(["coverage", "--", "-x"], ["gate", "--base=--exec=touch written"], ["status", "--json"]),
        *(["init", "--native", "--yes"], ["init", "--undo", "--yes"], ["daemon", "status"]),
    ):
        result = CliRunner().invoke(cli, ["-C", str(hostile.repo), *words])
        assert result.exit_code in (0, 1, 2), (words, result.output)
    with open_desk(repo.desk) as db:
        reconcile.reconcile(repo, db)
        reconcile.pending(repo, db)
        for sha in repository.ancestors(repo, repository.resolve(repo, "HEAD"), 3):
            repository.commit_info(repo, sha)
            repository.changes(repo, None, sha)
    head = repository.resolve(repo, "HEAD")
    repository.read_blobs(repo, [entry.blob for entry in repository.tree(repo, head).values()])
    with contextlib.suppress(CopydeskError):
        repository.resolve(repo, "--output=written")
    with tempfile.TemporaryDirectory() as folder:
        bundle.unpack(bundle.pack(repo, head), head, Path(folder) / "bare", repo.worktree)
    with contextlib.suppress(CopydeskError):  # the commit is not among the maps
        open_map_repository(repo).point("refs/copydesk/none", head)
    ci_job.default_branch(repo)
    uncommitted.worktree_folders(repo)
    uncommitted.commit_worktree(repo, (head,))
    monkeypatch.chdir(hostile.repo)
    monkeypatch.delenv("CI")
    gate.judge()
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", "--output=written")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    with contextlib.suppress(OSError):
        gate.judge()


def subcommands() -> set[str]:
    """The git commands that the source names."""
    found = set()
    for path in (ROOT / "agent").rglob("*.py"):
        if "demo" in path.parts:  # acts in a repository of its own, as a user would
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                *("git", "run_git", "streaming", "command.git", "git_command"),
            ):
                words = [str(a.value) for a in node.args if isinstance(a, ast.Constant)]
                commands = [word for word in words if not word.startswith("-")]
                found |= set(commands[:1])
    return found


def test_a_bare_repository_among_the_files_is_refused_and_untouched(hostile: Hostile) -> None:
    before = files(hostile.repo)
    for words in (["status"], ["doctor"], ["measure"], ["init", "--yes"], ["config"]):
        result = CliRunner().invoke(cli, ["-C", str(hostile.repo / "vendor/data"), *words])
        assert result.exit_code == 2, (words, result.output)
    assert hostile.marks() == []
    assert files(hostile.repo) == before
