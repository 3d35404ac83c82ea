"""What git is told to ignore."""

from __future__ import annotations

import os

from copydesk.agent.git.command import git
from copydesk.agent.git.repository import Repository


def ignored(repo: Repository) -> list[str]:
    """The files of a worktree that git is told to ignore, by path (with slashes)."""
    words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    said = git(*words, git_dir=repo.git_dir, cwd=repo.worktree)
    return [os.fsdecode(path) for path in said.split(b"\0") if path]
