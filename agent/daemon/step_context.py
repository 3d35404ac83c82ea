"""What a step of the daemon is given, and the repository it stands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from copydesk.agent.desk.database import Database
from copydesk.agent.git.repository import Repository, get_config, worktrees
from copydesk.agent.progress import Progress


@dataclass(frozen=True, slots=True)
class StepContext:
    """What every step works with. `say` takes a line for the daemon's log."""

    repo: Repository
    db: Database
    say: Progress


Step: TypeAlias = Callable[[StepContext, str], None]
"""A kind of job: takes the context and the job's subject, raises when it cannot be done."""


def repository(common_dir: Path) -> Repository:
    """The repository of a shared git folder, seen from its main worktree.

    A bare repository is seen from the first of its linked worktrees that is still there.
    """
    bare = Repository(None, common_dir, common_dir)
    named = get_config(bare, "core.worktree")
    if named:
        return Repository((common_dir / named).resolve(), common_dir, common_dir)
    if common_dir.name == ".git":
        return Repository(common_dir.parent, common_dir, common_dir)
    for top in worktrees(bare):
        if (top / ".git").is_file():
            return Repository(top, common_dir, common_dir)
    return bare
