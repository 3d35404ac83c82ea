"""Finding the repository that a folder lies in."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed, git
from copydesk.hooks import git_files


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as seen from one of its worktrees.

    `top` is that worktree's top folder (None in a bare repository), `git_dir` its own git
    folder, `common_dir` the one all worktrees share.
    """

    top: Path | None
    git_dir: Path
    common_dir: Path

    @property
    def desk(self) -> Path:
        """The folder where copydesk keeps everything it knows of this repository."""
        return self.common_dir / "copydesk"

    @property
    def worktree(self) -> Path:
        """The top folder of the worktree.

        Raises:
            CopydeskError: The repository is bare.
        """
        if self.top is None:
            raise CopydeskError(
                f"{self.common_dir} is a bare repository",
                slug="bare-repository",
                hint="Run copydesk in a clone or a linked worktree of it.",
            )
        return self.top


def find(start: Path) -> Repository:
    """The repository that a folder lies in.

    Raises:
        CopydeskError: The folder lies in none.
    """
    try:
        output = git(
            "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
            "--is-bare-repository", "--is-inside-work-tree", cwd=start,
        )  # fmt: skip
    except (GitFailed, OSError) as error:
        raise _not_found(start, error) from error
    *folders, bare, inside = os.fsdecode(output).removesuffix("\n").split("\n")
    middle = len(folders) // 2  # a folder's own name may hold line ends, and is in both then
    git_dir, common_dir = "\n".join(folders[:middle]), "\n".join(folders[middle:])
    top = None
    if inside == "true":
        toplevel = git("rev-parse", "--path-format=absolute", "--show-toplevel", cwd=start)
        top = Path(os.fsdecode(toplevel.rstrip(b"\n")))
    elif bare != "true":
        raise _unusable(start, inside=True)
    return Repository(top, Path(git_dir), Path(common_dir))


def _not_found(start: Path, error: Exception) -> CopydeskError:
    """Why there is no repository that can be used at a folder."""
    message = str(error)
    if "dubious ownership" in message:
        return _of_another_user(start, message)
    if "safe.bareRepository" in message:
        return _unusable(start, inside=".git" in start.absolute().parts)
    return CopydeskError(
        f"{start} is not in a git repository",
        slug="not-a-repository",
        hint="Go to your project's folder, or run `git init` there.",
    )


def _of_another_user(start: Path, message: str) -> CopydeskError:
    """The error where git refuses a repository for its owner, with the folder that it names."""
    named = re.search(r"dubious ownership in repository at '(.+)'", message)
    folder = named[1] if named else str(start)
    command = f"git config --global --add safe.directory {shlex.quote(folder)}"
    return CopydeskError(
        f"git refuses {folder}: it belongs to another user",
        slug="dubious-ownership",
        hint=f"Run copydesk as that user, or, if you trust whose it is: {command}",
    )


def _unusable(start: Path, *, inside: bool) -> CopydeskError:
    """A folder that looks like a bare repository may have come with a clone: none of it is read."""
    hint = "Run copydesk from a working tree: the project's own folders, or a linked worktree."
    if inside:
        return CopydeskError(f"{start} is inside a .git folder", slug="inside-git-dir", hint=hint)
    return CopydeskError(f"{start} is a bare repository", slug="bare-repository", hint=hint)


def busy(repo: Repository) -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in this worktree."""
    return git_files.is_busy(str(repo.git_dir))
