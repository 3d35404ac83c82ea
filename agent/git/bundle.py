"""A commit as bytes that travel: a git bundle, unpacked into a bare repository of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.minimal_repository import asks_git, write_repository
from copydesk.agent.git.revisions import checked
from copydesk.agent.records import Sha

MAX_BUNDLE = 256 << 20
"""Bytes of the largest bundle that is made or unpacked."""


class Bundle(NamedTuple):
    """A commit as bytes: git's bundle, and the commits whose parents are not in it."""

    content: bytes
    shallow: tuple[Sha, ...]


def pack(repo: Repository, sha: Sha) -> Bundle:
    """A commit with its files; with its history and all tags where its tests may ask git.

    Raises:
        CopydeskError: It is too large ("bundle-too-large").
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-") as name:
        write_repository(repo, sha, Path(name))
        folder = Path(name) / ".git"
        shallow = folder / "shallow"
        revisions = ["HEAD", "--tags"]
        if not asks_git(repo, sha):
            revisions = ["HEAD"]
            shallow.write_text(f"{checked(sha)}\n")
        packed = folder / "commit.bundle"
        git("bundle", "create", "--quiet", str(packed), *revisions, git_dir=folder, timeout=600)
        _check_size(packed.stat().st_size)
        ends = shallow.read_text().split() if shallow.is_file() else []
        return Bundle(packed.read_bytes(), tuple(map(checked, ends)))


def unpack(bundle: Bundle, sha: Sha, folder: Path, top: Path) -> Repository:
    """A bare repository with a commit that came as a bundle.

    Args:
        bundle: The bundle.
        sha: The commit.
        folder: Where to make the repository; nothing is there.
        top: What passes for its worktree; nothing of it is read for the commit.

    Raises:
        CopydeskError: The bundle is damaged or too large, or lacks the commit.
    """
    _check_size(len(bundle.content))
    form = "sha256" if len(checked(sha)) == 64 else "sha1"
    words = ("--quiet", "--bare", "--template=", f"--object-format={form}")
    git("init", *words, str(folder), cwd=folder.parent)
    if bundle.shallow:
        (folder / "shallow").write_text("".join(f"{checked(end)}\n" for end in bundle.shallow))
    packed = folder / "commit.bundle"
    packed.write_bytes(bundle.content)
    refs = git("bundle", "unbundle", str(packed), git_dir=folder, timeout=600)
    packed.unlink()
    git("update-ref", "--stdin", git_dir=folder, stdin=_tags(os.fsdecode(refs).split("\n")))
    git("cat-file", "-e", f"{sha}^{{tree}}", git_dir=folder)
    return Repository(top, folder, folder)


def _tags(rows: Sequence[str]) -> bytes:
    """The orders by which `update-ref` makes the tags of a bundle."""
    orders = []
    for row in rows:
        oid, _, ref = row.partition(" ")
        if ref.startswith("refs/tags/"):
            orders.append(f"create {ref} {checked(oid)}\n")
    return os.fsencode("".join(orders))


def _check_size(size: int) -> None:
    if size > MAX_BUNDLE:
        raise CopydeskError(
            f"the commit takes {size:,} bytes as a bundle, and {MAX_BUNDLE:,} are sent at most",
            slug="bundle-too-large",
            hint="`copydesk measure --workers N` runs its tests here, in N processes.",
        )
