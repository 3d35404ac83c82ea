"""The user's own git configuration."""

from __future__ import annotations

import re

from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository


def get_config(repo: Repository, key: str) -> str | None:
    """A value of the user's git configuration, or None. Tracked files have no say in it."""
    try:
        output = git("config", "--get", key, git_dir=repo.git_dir)
    except GitFailed:
        return None
    return output.decode("utf-8", "replace").rstrip("\n")


def get_section(repo: Repository, section: str) -> dict[str, str]:
    """All values of one section of the user's git configuration, by key in lower case."""
    pattern = rf"^{re.escape(section)}\."
    try:
        output = git("config", "-z", "--get-regexp", pattern, git_dir=repo.git_dir)
    except GitFailed:
        return {}
    values = {}
    for row in output.decode("utf-8", "replace").split("\0"):
        key, newline, value = row.partition("\n")
        if key:
            values[key] = value if newline else "true"
    return values


def set_config(repo: Repository, key: str, value: str | None) -> None:
    """Set a value in the repository's own git configuration; None takes it out."""
    if value is None:
        if get_config(repo, key) is not None:
            git("config", "--local", "--unset-all", key, git_dir=repo.git_dir)
        return
    git("config", "--local", key, value, git_dir=repo.git_dir)
