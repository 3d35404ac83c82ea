"""A throwaway copy of a working tree: what is saved there, without what git ignores.

Nothing that is done in the copy reaches the original: files are copied, never linked, and links
that lead into the working tree lead into the copy.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.generated import ignored_modules, is_private
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.uncommitted import listed

MOST_FILES = 50_000
"""How many files a working tree may have that is copied."""

MOST_BYTES = 1 << 30
"""How many bytes they may have together."""


def copy_worktree(repo: Repository, target: Path) -> list[str]:
    """Copy the files that git tracks or would take, and generated modules, as they are saved.

    Args:
        repo: The repository.
        target: A folder that is not there yet.

    Returns:
        The paths of modules that git ignores and that were not copied, for their names say that
        they are private.

    Raises:
        CopydeskError: The working tree is too large ("worktree-too-large").
        OSError: A file cannot be read, or the copy not be written.
    """
    target.mkdir()
    copier = _Copier(repo.worktree, target)
    for raw in sorted(set(listed(repo, repo.git_dir / "index", "--cached", "--others"))):
        copier.copy(os.fsdecode(raw))
    withheld = []
    for path in ignored_modules(repo.worktree):
        if is_private(path):
            withheld.append(path)
        else:
            copier.copy(path)
    return withheld


class _Copier:
    """Copies files of a working tree until that is too much.

    Args:
        top: The working tree.
        target: The copy.
    """

    def __init__(self, top: Path, target: Path) -> None:
        self.top = top
        self.target = target
        self.files = 0
        self.bytes = 0

    def copy(self, path: str) -> None:
        """Copy a file, a link, or the folder of a submodule; what is not there is passed over."""
        source, target = self.top / path, self.target / path
        try:
            status = source.lstat()
        except (FileNotFoundError, NotADirectoryError):  # deleted, and git still has it
            return
        if stat.S_ISDIR(status.st_mode):
            for below in _files_below(source):
                self.copy(str(below.relative_to(self.top)))
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(status.st_mode):
            self._count(0)
            target.symlink_to(self._destination(source))
        elif stat.S_ISREG(status.st_mode):
            self._count(status.st_size)
            shutil.copy2(source, target, follow_symlinks=False)

    def _count(self, size: int) -> None:
        self.files += 1
        self.bytes += size
        if self.files > MOST_FILES or self.bytes > MOST_BYTES:
            raise CopydeskError(
                f"the working tree has more than {MOST_FILES:,} files or {MOST_BYTES >> 20:,} MiB,"
                " too much to copy",
                slug="worktree-too-large",
                hint="Run pytest there yourself.",
            )

    def _destination(self, link: Path) -> str:
        """Where a copied link leads: into the copy where the original leads into the tree."""
        destination = link.readlink()
        full = os.path.normpath(link.parent / destination)
        if full == str(self.top) or full.startswith(f"{self.top}{os.sep}"):
            inside = self.target / os.path.relpath(full, self.top)
            below = self.target / link.relative_to(self.top)
            return os.path.relpath(inside, below.parent)
        return full


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a submodule's folder, without its git folder."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            if name != ".git":
                yield Path(root, name)
