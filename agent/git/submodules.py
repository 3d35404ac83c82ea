"""The files of submodules, at the commits that a tree names for them. Nothing is ever fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.git import side_objects
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.objects import Entry, Listing, list_tree

DEEPEST = 8
"""How deep submodules may lie in each other."""


class Found(NamedTuple):
    """A submodule whose commit is here: its commit, and its folder in the worktree if any."""

    commit: str
    worktree: Path | None


@dataclass(slots=True)
class Submodules:
    """What the submodules of a tree hold.

    Attributes:
        files: Their files by path, as seen from the top of the tree.
        found: The submodules whose commit is here, by path.
        absent: Why there is nothing of the others, by path.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


class _Level(NamedTuple):
    """A tree that may have submodules: its path, its listing, and where their git folders lie."""

    prefix: str
    listing: Listing
    homes: tuple[Path, ...]
    worktree: Path | None
    depth: int


def read_submodules(repo: Repository, listing: Listing) -> Submodules:
    """The files of all submodules of a tree, those of submodules in them included.

    Args:
        repo: The repository.
        listing: Its tree.
    """
    submodules = Submodules()
    levels = [_Level("", listing, (repo.git_dir, repo.common_dir), repo.top, 0)]
    while levels:
        levels += _read_level(repo, levels.pop(), submodules)
    return submodules


def _read_level(repo: Repository, level: _Level, submodules: Submodules) -> Iterator[_Level]:
    names = _names(repo, level.listing) if level.listing.links else {}
    for link, commit in level.listing.links.items():
        path = level.prefix + link
        home = _git_folder(level, link, names.get(link))
        if home is None or level.depth >= DEEPEST:
            submodules.absent[path] = "it was never checked out here"
            continue
        side_objects.refer_to(repo, home / "objects")
        try:
            listing = list_tree(repo, commit)
        except GitFailed:
            submodules.absent[path] = f"its commit {commit[:8]} was not fetched"
            continue
        worktree = level.worktree / link if level.worktree else None
        submodules.found[path] = Found(commit, worktree)
        submodules.files |= {f"{path}/{name}": entry for name, entry in listing.files.items()}
        yield _Level(f"{path}/", listing, (home,), worktree, level.depth + 1)


def files_at(repo: Repository, commits: Mapping[str, str]) -> dict[str, Entry] | None:
    """The files of submodules at commits that were here once; None where one is gone.

    Args:
        repo: The repository.
        commits: The commit of each submodule, by path.
    """
    files = {}
    for path, commit in commits.items():
        try:
            listing = list_tree(repo, commit)
        except GitFailed:
            return None
        files.update({f"{path}/{name}": entry for name, entry in listing.files.items()})
    return files


def _names(repo: Repository, listing: Listing) -> dict[str, str]:
    """The names of submodules by their paths, from the tree's own .gitmodules."""
    entry = listing.files.get(".gitmodules")
    if entry is None or entry.mode == "120000":
        return {}
    try:
        output = git(
            "config", "-z", "--blob", entry.blob, "--get-regexp", r"^submodule\..*\.path$",
            git_dir=repo.common_dir, extra=side_objects.variables(repo),
        )  # fmt: skip
    except GitFailed:
        return {}
    names = {}
    for row in os.fsdecode(output).split("\0"):
        key, _, path = row.partition("\n")
        names[path] = key.removeprefix("submodule.").removesuffix(".path")
    return names


def _git_folder(level: _Level, link: str, name: str | None) -> Path | None:
    """The git folder of a submodule, if it is here."""
    candidates = []
    if name and ".." not in name.split("/"):  # CVE-2018-11235
        candidates += [home / "modules" / name for home in level.homes]
    if level.worktree is not None:
        candidates += _own_git_folder(level.worktree / link)
    for candidate in candidates:
        if (candidate / "objects").is_dir():
            return candidate.resolve()
    return None


def _own_git_folder(worktree: Path) -> list[Path]:
    """Where a submodule's worktree says that its git folder is."""
    mark = worktree / ".git"
    try:
        if mark.is_dir():
            return [mark]
        target = os.fsdecode(mark.read_bytes()[:4096]).strip()
    except OSError:
        return []
    return [worktree / target.removeprefix("gitdir:").strip()]
