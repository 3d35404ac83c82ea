"""What a build has left beside the sources."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.git.ignored import ignored
from copydesk.agent.git.repository import Repository

MOST_BUILT = 200
"""Ignored files shown to a run: each is a mount."""

_BUILT = (".py", ".so", ".pyd", ".dylib")
_NOT_BUILT = frozenset(
    {"venv", "env", "node_modules", "build", "dist", "site-packages", "__pycache__"}
)


def built(repo: Repository) -> list[Path]:
    """What a build has left in the worktree and git ignores, but an import needs: extensions and
    generated modules. Other ignored files may be secrets.
    """
    found = []
    for name in ignored(repo):
        *folders, last = name.split("/")
        kept = last.endswith(_BUILT) and not any(f in _NOT_BUILT or f[:1] == "." for f in folders)
        if kept and (repo.worktree / name).is_file():
            found.append(repo.worktree / name)
    return found[:MOST_BUILT]
