"""What a build has left beside the sources."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.git.repository import Repository
from copydesk.agent.git.uncommitted import ignored_files

MOST_BUILT = 200
"""Ignored files shown to a run: each is a mount."""

_BUILT = (".py", ".so", ".pyd", ".dylib")
_NOT_BUILT = frozenset(
    {"venv", "env", "node_modules", "build", "dist", "site-packages", "__pycache__"}
)


def build_outputs(repo: Repository) -> list[Path]:
    """What a build has left in the worktree and git ignores, but an import needs: extensions and
    generated modules. Other ignored files may be secrets.
    """
    paths = [repo.worktree / name for name in ignored_files(repo) if _is_build_output(name)]
    return [path for path in paths if path.is_file()][:MOST_BUILT]


def _is_build_output(name: str) -> bool:
    *folders, last = name.split("/")
    if not last.endswith(_BUILT):
        return False
    return not any(folder in _NOT_BUILT or folder.startswith(".") for folder in folders)
