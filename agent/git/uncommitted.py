"""What is not committed: as commits that no branch has, so that it can be measured.

Objects are written and nothing refers to them; git throws them away in time.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent.git.command import git
from copydesk.agent.git.repository import Repository, checked
from copydesk.agent.records import Sha

INDEX = "GIT_INDEX_FILE"
LARGEST = 16 << 20
"""Bytes of a file that git does not know yet and that is taken along."""

_WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "copydesk"), ("EMAIL", "copydesk@localhost"))
}


def commit_index(
    repo: Repository, index: Path, parents: Sequence[Sha], message: str = "what is staged"
) -> Sha:
    """What an index holds, as a commit.

    Args:
        repo: The repository.
        index: The file of the index.
        parents: The parents of the commit.
        message: Its message.

    Returns:
        The commit's id.
    """
    tree = git("write-tree", git_dir=repo.git_dir, extra={INDEX: str(index)}).decode().strip()
    words = [word for parent in parents for word in ("-p", checked(parent))]
    output = git(
        "commit-tree", *words, "-m", message, checked(tree), git_dir=repo.git_dir, extra=_WHO
    )
    return checked(output.decode().strip())


def commit_worktree(repo: Repository, parents: Sequence[Sha]) -> Sha:
    """What is saved in the worktree, as a commit; what git ignores is left out.

    Files are taken byte by byte: no filter of the repository's configuration is run.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        index = Path(folder) / "index"
        if (repo.git_dir / "index").exists():
            shutil.copyfile(repo.git_dir / "index", index)
        lines = [_entry(repo, path) for path in _modified(repo, index)]
        git(
            "update-index", "-z", "--index-info", git_dir=repo.git_dir,
            stdin=b"".join(line for line in lines if line), extra={INDEX: str(index)},
        )  # fmt: skip
        return commit_index(repo, index, parents, "what is saved")


def worktree_folders(repo: Repository) -> set[Path]:
    """The folders that hold files git knows or would take, the top one included."""
    folders = {repo.worktree}
    for path in listed(repo, repo.git_dir / "index", "--cached", "--others"):
        folder = (repo.worktree / os.fsdecode(path)).parent
        while folder not in folders:
            folders.add(folder)
            folder = folder.parent
    return folders


def ignored_files(repo: Repository) -> list[str]:
    """The files of a worktree that git is told to ignore, by path (with slashes)."""
    options = ("-z", "--others", "--ignored", "--exclude-standard")
    output = git("ls-files", *options, git_dir=repo.git_dir, cwd=repo.worktree)
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def _modified(repo: Repository, index: Path) -> list[bytes]:
    return sorted(set(listed(repo, index, "--modified", "--others", "--deleted")))


def listed(repo: Repository, index: Path, *options: str) -> list[bytes]:
    """The paths that `git ls-files` lists of a worktree, without what git is told to ignore.

    Args:
        repo: The repository.
        index: The file of the index.
        options: Which paths.
    """
    output = git(
        "ls-files", "-z", "--exclude-standard", *options, git_dir=repo.git_dir, cwd=repo.worktree,
        extra={INDEX: str(index)},
    )  # fmt: skip
    return [path for path in output.split(b"\0") if path]


def _entry(repo: Repository, path: bytes) -> bytes | None:
    """A line for `git update-index --index-info`; None for what is not taken."""
    file = repo.worktree / os.fsdecode(path)
    try:
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            mode, content = b"120000", os.fsencode(file.readlink())
        elif stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
            mode = b"100755" if status.st_mode & stat.S_IXUSR else b"100644"
            content = file.read_bytes()
        else:
            return None
    except FileNotFoundError:
        return b"0 " + b"0" * 40 + b"\t" + path + b"\0"
    except OSError:
        return None  # not ours to read: it stays as git has it
    blob = git("hash-object", "-w", "--no-filters", "--stdin", git_dir=repo.git_dir, stdin=content)
    return mode + b" " + blob.strip() + b"\t" + path + b"\0"
