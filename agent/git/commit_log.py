"""Many commits at once: what each says of itself, and the files that it touched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from copydesk.agent.git.command import git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.revisions import checked
from copydesk.agent.records import Sha

_FIELDS = "%H%x00%P%x00%aN%x00%aE%x00%cI%x00%aI%x00%s%x00%b"
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_COUNTS = re.compile(r"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)


class TouchedFile(NamedTuple):
    """A file that a commit touched, and its added and removed lines (0 of a binary file)."""

    path: str
    added: int
    removed: int


class LoggedCommit(NamedTuple):
    """A commit as the log tells it; names by the mailmap. Dates are ISO 8601 with zone.

    A merge touches no file of its own here.
    """

    sha: Sha
    parents: tuple[Sha, ...]
    author: str
    email: str
    committed: str
    date: str
    subject: str
    body: str
    files: tuple[TouchedFile, ...]


class Tag(NamedTuple):
    """A tag, the commit that it names, and the day it was made (YYYY-MM-DD)."""

    name: str
    sha: Sha
    date: str


def commit_log(repo: Repository, shas: Iterable[Sha]) -> list[LoggedCommit]:
    """What commits say of themselves, in the order asked, through two git processes."""
    names = "".join(f"{checked(sha)}\n" for sha in shas).encode()
    if not names:
        return []
    options = ("--no-walk=unsorted", "--stdin", "-z", "--no-show-signature", "--no-color")
    output = git(
        "log", *options, "--encoding=UTF-8", "--no-patch", f"--format={_FIELDS}",
        git_dir=repo.common_dir, stdin=names,
    )  # fmt: skip
    fields = output.decode("utf-8", "replace").split("\0")
    counts = git(
        "log", *options, "--no-renames", "--numstat", "--format=%H",
        git_dir=repo.common_dir, stdin=names,
    )  # fmt: skip
    files = _files_by_commit(os.fsdecode(counts).split("\0"))
    starts = range(0, len(fields) - 7, 8)
    return [_logged(fields[start : start + 8], files) for start in starts]


def _logged(fields: Sequence[str], files: dict[Sha, list[TouchedFile]]) -> LoggedCommit:
    sha, parents, author, email, committed, date, subject, body = fields
    return LoggedCommit(
        *(sha, tuple(parents.split()), author, email, committed, date, subject, body.strip()),
        files=tuple(files.get(sha, ())),
    )


def _files_by_commit(pieces: Iterable[str]) -> dict[Sha, list[TouchedFile]]:
    """The touched files of a log with -z and --numstat, cut at its zero bytes."""
    files: dict[Sha, list[TouchedFile]] = {}
    current: list[TouchedFile] = []
    for piece in pieces:
        text = piece.lstrip("\n")
        if _SHA.fullmatch(text):
            current = files.setdefault(text, [])
        elif match := _COUNTS.fullmatch(text):
            current.append(_touched(match))
    return files


def touched_between(repo: Repository, base: Sha | None, sha: Sha) -> list[TouchedFile]:
    """The files that differ between two commits (between nothing and a commit without base)."""
    start = ["--root", checked(sha)] if base is None else [checked(base), checked(sha)]
    output = git(
        "diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-commit-id", *start,
        git_dir=repo.common_dir,
    )  # fmt: skip
    matches = map(_COUNTS.fullmatch, os.fsdecode(output).split("\0"))
    return [_touched(match) for match in matches if match]


def _touched(match: re.Match[str]) -> TouchedFile:
    added, removed = (int(count) if count.isdigit() else 0 for count in match.groups()[:2])
    return TouchedFile(match[3], added, removed)


def authors_up_to(repo: Repository, sha: Sha) -> list[tuple[str, str]]:
    """The authors (name and mail address, by the mailmap) of a commit and all before it."""
    output = git(
        "log", "-z", "--no-show-signature", "--encoding=UTF-8", "--format=%aN%n%aE", checked(sha),
        git_dir=repo.common_dir,
    )  # fmt: skip
    pairs = {text.partition("\n")[::2] for text in output.decode("utf-8", "replace").split("\0")}
    return sorted((name, email) for name, email in pairs if name or email)


def tags(repo: Repository) -> list[Tag]:
    """The tags of commits, the oldest first."""
    output = git(
        "for-each-ref", "--sort=creatordate", "refs/tags",
        "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(creatordate:short)",
        git_dir=repo.common_dir,
    )  # fmt: skip
    rows = [row.split("\0") for row in output.decode("utf-8", "replace").split("\n") if row]
    return [Tag(name, peeled or sha, date) for name, sha, peeled, date in rows]


def is_shallow(repo: Repository) -> bool:
    """Whether the history here ends before its beginning."""
    return (repo.common_dir / "shallow").exists()
