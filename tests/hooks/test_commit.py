"""A whole `git commit` with our hooks: it returns, whoever reads it, while a daemon lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.hooks import native_hooks, start_daemon

CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: copydesk-commit
        name: copydesk commit
        language: system
        entry: {python} -P -m copydesk.hooks.notify
        always_run: true
        pass_filenames: false
        stages: [post-commit]
"""


def piped(repo: Path) -> str:
    """What `git commit 2>&1 | cat` shows; it would never end if the daemon kept the pipe."""
    line = "git commit --allow-empty -m piped 2>&1 | cat"
    return subprocess.run(
        ["sh", "-c", line], cwd=repo, capture_output=True, text=True, timeout=120, check=True
    ).stdout


def test_through_the_native_hook(repo: Path, lives: Callable[[Path], bool]) -> None:
    native_hooks.install(str(repo / ".git/hooks"))
    assert "piped" in piped(repo)
    assert lives(repo / ".git")  # it was started by that commit and has 20 minutes to go


def test_through_pre_commit(repo: Path, lives: Callable[[Path], bool]) -> None:
    program = Path(sys.executable).with_name("pre-commit")
    if not program.exists():
        pytest.skip("needs pre-commit")
    (repo / ".pre-commit-config.yaml").write_text(CONFIG.format(python=sys.executable))
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    subprocess.run(
        [program, "install", "--hook-type", "post-commit"], cwd=repo, check=True, timeout=120,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    said = piped(repo)
    assert "copydesk commit" in said
    assert lives(repo / ".git")
    assert start_daemon.daemon_runs(str(repo / ".git"))
