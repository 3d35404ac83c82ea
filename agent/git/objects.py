"""Reading commits, trees and blobs, and what changed between two commits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.agent.git import side_objects
from copydesk.agent.git.command import git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.revisions import checked
from copydesk.agent.records import LineNo, Sha
from copydesk.hooks.patch import FilePatch, parse_patch


class Entry(NamedTuple):
    """A file of a tree: its mode (such as 100644) and the id of its content."""

    mode: str
    blob: str


class CommitInfo(NamedTuple):
    """What a commit says of itself. `date` is ISO 8601 with zone."""

    sha: Sha
    parents: tuple[Sha, ...]
    author: str
    date: str
    subject: str
    body: str


def commit_info(repo: Repository, sha: Sha) -> CommitInfo:
    """What a commit says of itself."""
    output = git(
        "log", "-1", "--no-show-signature", "--format=%P%x00%an%x00%aI%x00%s%x00%b", checked(sha),
        git_dir=repo.common_dir,
    )  # fmt: skip
    parents, author, date, subject, body = output.decode("utf-8", "replace").split("\0", 4)
    return CommitInfo(sha, tuple(parents.split()), author, date, subject, body.strip())


def trees(repo: Repository, shas: Iterable[Sha]) -> dict[Sha, str]:
    """The ids of the commits' trees; those of gone commits are left out."""
    commits = list(shas)
    output = git(
        "cat-file", "--batch-check=%(objectname)", git_dir=repo.common_dir,
        stdin="".join(f"{checked(sha)}^{{tree}}\n" for sha in commits).encode(),
    )  # fmt: skip
    ids = dict(zip(commits, output.decode().split("\n")[:-1], strict=True))
    return {sha: tree for sha, tree in ids.items() if not tree.endswith(" missing")}


class Listing(NamedTuple):
    """The files of a commit, and the commits that it names for its submodules, by path."""

    files: dict[str, Entry]
    links: dict[str, str]


def list_tree(repo: Repository, sha: Sha) -> Listing:
    """What a commit holds, of the repository or of a submodule, by path (with slashes).

    Raises:
        GitFailed: The commit is not here.
    """
    listing = Listing({}, {})
    output = git(
        "ls-tree", "-r", "-z", "--full-tree", checked(sha), git_dir=repo.common_dir,
        extra=side_objects.variables(repo),
    )  # fmt: skip
    for line in output.split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, kind, name = meta.decode().split()
            if kind == "blob":
                listing.files[os.fsdecode(path)] = Entry(mode, name)
            elif kind == "commit":
                listing.links[os.fsdecode(path)] = name
    return listing


def tree(repo: Repository, sha: Sha) -> dict[str, Entry]:
    """The files of a commit by path (with slashes); submodules are left out."""
    return list_tree(repo, sha).files


def read_blob(repo: Repository, blob: str) -> bytes:
    """The content of a blob."""
    extra = side_objects.variables(repo)
    return git("cat-file", "blob", checked(blob), git_dir=repo.common_dir, extra=extra)


def read_blobs(repo: Repository, blobs: Iterable[str]) -> dict[str, bytes]:
    """The contents of many blobs by id, through one git process; those that are gone are left out.

    A blob may go that no commit of the repository holds: a submodule's, a generated file's.
    """
    ids = sorted(set(blobs))
    if not ids:
        return {}
    names = "".join(f"{checked(blob)}\n" for blob in ids).encode()
    extra = side_objects.variables(repo)
    output = git("cat-file", "--batch", git_dir=repo.common_dir, stdin=names, extra=extra)
    contents, at = {}, 0
    for blob in ids:
        end = output.index(b"\n", at)
        if output.endswith(b" missing", at, end):
            at = end + 1
            continue
        size = int(output[at:end].split()[2])
        contents[blob] = output[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return contents


def present_blobs(repo: Repository, blobs: Iterable[str]) -> set[str]:
    """Those of some blobs that are here."""
    output = git(
        "cat-file", "--batch-check=%(objectname) %(objecttype)", git_dir=repo.common_dir,
        stdin="".join(f"{checked(blob)}\n" for blob in blobs).encode(),
        extra=side_objects.variables(repo),
    )  # fmt: skip
    lines = output.decode().split("\n")
    return {line.split()[0] for line in lines if line.endswith(" blob")}


def read_file(repo: Repository, sha: Sha, path: str) -> bytes | None:
    """The content of a file in a commit, or None when it is not there."""
    if "\n" in path:  # git takes a name a line
        entry = tree(repo, sha).get(path)
        return read_blob(repo, entry.blob) if entry else None
    name = os.fsencode(f"{checked(sha)}:{path}\n")
    output = git("cat-file", "--batch", git_dir=repo.common_dir, stdin=name)
    kind, _, size = output.partition(b"\n")[0].partition(b" blob ")
    return output[len(kind) + 7 + len(size) :][: int(size)] if size.isdigit() else None


class FileChange(NamedTuple):
    """How a commit changed a file: the new side's lines, and counts of lines added, removed."""

    lines: tuple[LineNo, ...]
    added: int
    removed: int


def changes(repo: Repository, base: Sha | None, sha: Sha) -> dict[str, FileChange]:
    """What changed between two commits (between nothing and a commit without base), by path.

    A deletion counts as a change of the line it left behind.
    """
    start = ["--root", checked(sha)] if base is None else [checked(base), checked(sha)]
    patch = git(
        "diff-tree", "-r", "-p", "-U0", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--no-commit-id", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", *start,
        git_dir=repo.common_dir,
    )  # fmt: skip
    return {file.path: _file_change(file) for file in parse_patch(patch)}


def _file_change(file: FilePatch) -> FileChange:
    lines = set[int]()
    added = removed = 0
    for _, old_count, first, count in file.hunks:
        lines |= set(range(first, first + count)) or {max(1, first)}
        added += count
        removed += old_count
    return FileChange(tuple(sorted(lines)), added, removed)
