"""Where `init` may write: in the work tree, and not where a tracked link leads out of it."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, is_tracked
from copydesk.agent.text import clean


def leads_outside(repo: Repository, path: Path) -> bool:
    """Whether a tracked link leads a path out of the work tree, or into git's own folders.

    A link that git does not track is the user's own.

    Args:
        repo: The repository.
        path: The file in its work tree; it may be missing.
    """
    place, top = path.resolve(), repo.worktree
    own = (repo.git_dir.resolve(), repo.common_dir.resolve())
    within_git = any(place.is_relative_to(folder) for folder in own)
    if place.is_relative_to(top.resolve()) and not within_git:
        return False
    on_the_way = [path, *path.parents][: len(path.relative_to(top).parts)]
    links = [part.relative_to(top) for part in on_the_way if part.is_symlink()]
    return bool(links) and is_tracked(top, *links)


def require_inside(repo: Repository, path: Path) -> None:
    """Refuse to write a file of the work tree that is elsewhere.

    A commit may hold a link in the place of the file, or of a folder on the way.

    Args:
        repo: The repository.
        path: The file in its work tree; it may be missing.

    Raises:
        CopydeskError: It leads elsewhere ("leads-outside").
    """
    if leads_outside(repo, path):
        name = path.relative_to(repo.worktree).as_posix()
        raise CopydeskError(
            f"{clean(name)} is not written: it leads to {clean(str(path.resolve()))}, by a link",
            slug="leads-outside",
            hint="Put a file or a folder in the place of the link; nothing was changed.",
        )
