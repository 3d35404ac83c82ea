"""Commits that no branch has: what is staged or saved, so that it can be measured.

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


def of_index(
    repo: Repository, index: Path, parents: Sequence[Sha], message: str = "what is staged"
) -> Sha:
    """What an index holds, as a commit."""
    tree = git("write-tree", git_dir=repo.git_dir, extra={INDEX: str(index)}).decode().strip()
    words = [word for parent in parents for word in ("-p", checked(parent))]
    said = git(
        "commit-tree", *words, "-m", message, checked(tree), git_dir=repo.git_dir, extra=_WHO
    )
    return checked(said.decode().strip())


def of_worktree(repo: Repository, parents: Sequence[Sha]) -> Sha:
    """What is saved in the worktree, as a commit; what git ignores is left out.

    Files are taken byte by byte: no filter of the repository's configuration is run.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        index = Path(folder) / "index"
        if (repo.git_dir / "index").exists():
            shutil.copyfile(repo.git_dir / "index", index)
        lines = [_entry(repo, path) for path in _touched(repo, index)]
        git(
            "update-index", "-z", "--index-info", git_dir=repo.git_dir,
            stdin=b"".join(line for line in lines if line), extra={INDEX: str(index)},
        )  # fmt: skip
        return of_index(repo, index, parents, "what is saved")


def folders(repo: Repository) -> set[Path]:
    """The folders that hold files git knows or would take, the top one included."""
    found = {repo.worktree}
    for path in _listed(repo, repo.git_dir / "index", "--cached", "--others"):
        folder = (repo.worktree / os.fsdecode(path)).parent
        while folder not in found:
            found.add(folder)
            folder = folder.parent
    return found


def _touched(repo: Repository, index: Path) -> list[bytes]:
    return sorted(set(_listed(repo, index, "--modified", "--others", "--deleted")))


def _listed(repo: Repository, index: Path, *which: str) -> list[bytes]:
    said = git(
        "ls-files", "-z", "--exclude-standard", *which, git_dir=repo.git_dir, cwd=repo.worktree,
        extra={INDEX: str(index)},
    )  # fmt: skip
    return [path for path in said.split(b"\0") if path]


def _entry(repo: Repository, path: bytes) -> bytes | None:
    """A line for `git update-index --index-info`; None for what is not taken."""
    place = repo.worktree / os.fsdecode(path)
    try:
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            mode, raw = b"120000", os.fsencode(place.readlink())
        elif stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST:
            mode = b"100755" if found.st_mode & stat.S_IXUSR else b"100644"
            raw = place.read_bytes()
        else:
            return None
    except FileNotFoundError:
        return b"0 " + b"0" * 40 + b"\t" + path + b"\0"
    except OSError:
        return None  # not ours to read: it stays as git has it
    blob = git("hash-object", "-w", "--no-filters", "--stdin", git_dir=repo.git_dir, stdin=raw)
    return mode + b" " + blob.strip() + b"\t" + path + b"\0"
