"""What git keeps in files, read without starting git."""

from __future__ import annotations

import os

BUSY_MARKS = (
    *("rebase-merge", "rebase-apply", "sequencer"),
    *("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"),
)
"""Files in a worktree's git folder that say an operation is under way."""

_ESCAPES = dict(zip('abtnvfr"\\', '\a\b\t\n\v\f\r"\\', strict=True))


def is_busy(git_dir: str) -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in a worktree.

    Args:
        git_dir: The git folder of that worktree.
    """
    return any(os.path.exists(os.path.join(git_dir, mark)) for mark in BUSY_MARKS)


def common_dir() -> str:
    """The git folder that all worktrees of this repository share.

    Raises:
        FileNotFoundError: There is no repository here.
    """
    git_dir = os.environ.get("GIT_DIR") or _walk_up()
    if os.path.isfile(git_dir):
        git_dir = follow_git_file(git_dir)
    shared = os.environ.get("GIT_COMMON_DIR", "")
    if not shared and os.path.isfile(os.path.join(git_dir, "commondir")):
        shared = os.path.join(git_dir, _first_line(os.path.join(git_dir, "commondir")))
    common = os.path.realpath(shared or git_dir)
    if not os.path.isfile(os.path.join(common, "HEAD")):
        raise FileNotFoundError("no git repository here")
    return common


def go_to_top() -> None:
    """Go to the top of the worktree that the current folder lies in, if it is not that already.

    Git starts hooks there, but hook managers may go to a subfolder first (`root:` of lefthook,
    `cd front` in husky): then what git put into the environment by relative paths does not hold.
    """
    if os.path.lexists(".git"):
        return
    folder = os.getcwd()
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return  # a bare repository, or none
        folder = above
    os.chdir(folder)


def _walk_up() -> str:
    folder = os.getcwd()
    while True:
        for candidate in (os.path.join(folder, ".git"), folder):
            if os.path.isfile(candidate) or os.path.isfile(os.path.join(candidate, "HEAD")):
                return candidate
        above = os.path.dirname(folder)
        if above == folder:
            raise FileNotFoundError("no git repository here")
        folder = above


def follow_git_file(git_file: str) -> str:
    """The git folder that the file `.git` of a linked worktree or a submodule names."""
    return os.path.join(os.path.dirname(git_file), _first_line(git_file).partition(": ")[2])


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.readline().rstrip("\r\n")


def unquoted_path(name: bytes) -> str:
    """A path as it is, from the way git writes it: quoted, with escapes, where it must be."""
    name = name.rstrip(b"\t")
    if not name.startswith(b'"'):
        return os.fsdecode(name)
    raw, at, quoted = bytearray(), 0, name[1:-1].decode("latin-1")
    while at < len(quoted):
        char = quoted[at]
        if char == "\\" and quoted[at + 1].isdigit():
            raw.append(int(quoted[at + 1 : at + 4], 8))
            at += 4
            continue
        if char == "\\":
            at += 1
            char = _ESCAPES[quoted[at]]
        raw += char.encode("latin-1")
        at += 1
    return os.fsdecode(bytes(raw))
