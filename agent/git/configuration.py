"""The user's own git configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.revisions import worktrees

DECISIONS = "copydesk"
"""The section in which the user decides what may run, be reached and be seen."""


class Setting(NamedTuple):
    """One line of git's configuration: its key in lower case, its value, the file it is from."""

    key: str
    value: str
    file: Path | None


def get_config(repo: Repository, key: str) -> str | None:
    """A value of the user's git configuration, or None; see get_section."""
    section, _, _ = key.partition(".")
    return get_section(repo, section).get(_normal(key))


def get_section(repo: Repository, section: str) -> dict[str, str]:
    """All values of one section of the user's git configuration, by key in lower case.

    Of copydesk's own section nothing counts that a file in a worktree says, which an include may
    have named, nor what a command line gave: tracked files have no say in what the user decides.
    """
    settings = _settings(repo, section)
    if section == DECISIONS:
        settings = [setting for setting in settings if _is_the_users(repo, setting)]
    return {setting.key: setting.value for setting in settings}


def ignored_decisions(repo: Repository) -> list[Setting]:
    """What git's configuration says of copydesk in places that have no say in it."""
    settings = _settings(repo, DECISIONS)
    return [setting for setting in settings if not _is_the_users(repo, setting)]


def _settings(repo: Repository, section: str) -> list[Setting]:
    pattern = rf"^{re.escape(section)}\."
    try:
        output = git("config", "-z", "--show-origin", "--get-regexp", pattern, git_dir=repo.git_dir)
    except GitFailed:
        return []
    fields = os.fsdecode(output).split("\0")
    settings = []
    for origin, row in zip(fields[::2], fields[1::2], strict=False):
        key, newline, value = row.partition("\n")
        kind, _, name = origin.partition(":")
        file = Path(os.path.normpath(repo.git_dir / name)) if kind == "file" else None
        settings.append(Setting(key, value if newline else "true", file))
    return settings


def _normal(key: str) -> str:
    """A key as git lists it: the section and the variable in lower case."""
    first, _, last = key.partition(".")
    middle, dot, variable = last.rpartition(".")
    return f"{first.lower()}.{middle}{dot}{variable.lower()}"


def _is_the_users(repo: Repository, setting: Setting) -> bool:
    """Whether a setting is from a file that is the user's alone."""
    if setting.file is None:
        return False
    own = (repo.git_dir, repo.common_dir)
    if setting.file.parent in own and not setting.file.is_symlink():
        return True  # what nearly every setting is from: `git config --local` and `--worktree`
    files = dict.fromkeys((setting.file, setting.file.resolve()))
    return not any(file.is_relative_to(folder) for file in files for folder in _shared(repo))


def _shared(repo: Repository) -> Iterator[Path]:
    """The folders whose files come from commits: worktrees, and snapshots, which tests write to."""
    for folder in (repo.desk, *worktrees(repo), *([repo.top] if repo.top else [])):
        yield folder
        yield folder.resolve()


def set_config(repo: Repository, key: str, value: str | None) -> None:
    """Set a value in the repository's own git configuration; None takes it out."""
    if value is None:
        if get_config(repo, key) is not None:
            git("config", "--local", "--unset-all", key, git_dir=repo.git_dir)
        return
    git("config", "--local", key, value, git_dir=repo.git_dir)
