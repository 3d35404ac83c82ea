"""The files of a commit as a checkout of it has them, and not only as git has them.

Beside what a commit itself holds, that is what its submodules hold and the generated modules that
git ignores; see the modules of these names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.git.generated import Generated, read_generated
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.objects import Entry, list_tree
from copydesk.agent.git.submodules import Submodules, files_at, read_submodules
from copydesk.agent.records import Json, Sha


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of a commit as they are checked out.

    Attributes:
        tracked: What the commit itself holds, by path.
        submodules: What its submodules hold.
        generated: The modules that git ignores.
    """

    tracked: Mapping[str, Entry]
    submodules: Submodules
    generated: Generated

    @property
    def files(self) -> dict[str, Entry]:
        """All files by path; what the commit itself holds comes first."""
        if not self.submodules.files and not self.generated.files:
            return dict(self.tracked)
        beside = self.submodules.files | self.generated.files
        return {**_without_conflicts(beside, self.tracked), **self.tracked}

    @property
    def beside(self) -> Json:
        """What stands beside the commit's own files, as the desk keeps it; empty for nothing."""
        found = {path: found.commit for path, found in self.submodules.found.items()}
        generated = {path: list(entry) for path, entry in self.generated.files.items()}
        beside: Json = {"submodules": found, "generated": generated}
        return beside if found or generated else {}

    @property
    def extensions(self) -> list[str]:
        """The compiled modules among the generated ones, each with its content's id."""
        files = sorted(self.generated.files.items())
        return [f"{path} {entry.blob}" for path, entry in files if not path.endswith(".py")]

    @property
    def absent(self) -> dict[str, str]:
        """Why something is not there that a checkout may have, in words by path."""
        reasons = {}
        for path, reason in self.submodules.absent.items():
            reasons[path] = f"{path} is a submodule: {reason} (git submodule update --init {path})"
        for path, reason in self.generated.withheld.items():
            reasons[path] = f"{path} is not given to the tests: {reason}"
        return reasons


def checkout(repo: Repository, sha: Sha) -> Checkout:
    """The files of a commit as the worktree would have them."""
    listing = list_tree(repo, sha)
    submodules = read_submodules(repo, listing) if listing.links else Submodules()
    generated = read_generated(repo, sha, listing.files.keys(), repo.top)
    for path, found in submodules.found.items():
        _add_generated(repo, path, found.commit, found.worktree, into=generated)
    return Checkout(listing.files, submodules, generated)


def _add_generated(
    repo: Repository, path: str, commit: str, worktree: Path | None, *, into: Generated
) -> None:
    """Add the generated modules of a submodule."""
    if worktree is None or not (worktree / ".git").exists():
        return
    inner = read_generated(repo, commit, list_tree(repo, commit).files.keys(), worktree)
    into.files |= {f"{path}/{name}": entry for name, entry in inner.files.items()}
    into.withheld |= {f"{path}/{name}": reason for name, reason in inner.withheld.items()}


def earlier_files(
    repo: Repository, tracked: Mapping[str, Entry], beside: Json
) -> dict[str, Entry] | None:
    """The files of a checkout that was measured; None where a part of it is gone.

    Args:
        repo: The repository.
        tracked: What the commit itself holds.
        beside: What `Checkout.beside` said then.
    """
    if not beside:
        return dict(tracked)
    files = files_at(repo, beside["submodules"])
    if files is None:
        return None
    for path, (mode, blob) in beside["generated"].items():
        files[path] = Entry(mode, blob)
    return {**_without_conflicts(files, tracked), **tracked}


def _without_conflicts(
    files: Mapping[str, Entry], tracked: Mapping[str, Entry]
) -> dict[str, Entry]:
    """The files whose place is not taken by one of the commit: no folder is a file there."""
    folders = set[str]()
    for path in tracked:
        while path := os.path.dirname(path):  # noqa: PTH120
            if path in folders:
                break
            folders.add(path)
    return {path: entry for path, entry in files.items() if _has_place(path, tracked, folders)}


def _has_place(path: str, tracked: Mapping[str, Entry], folders: set[str]) -> bool:
    if path in tracked or path in folders:
        return False
    parts = path.split("/")
    return not any("/".join(parts[:end]) in tracked for end in range(1, len(parts)))
