"""The sample project: a repository made from package data, and the user's own commands in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository, set_config
from copydesk.agent.process import run, scrubbed_environment

HERE = Path(__file__).parent
SAMPLE, CHANGE = HERE / "sample", HERE / "change"
"""What the first commit holds, and the files that the second one changes."""

_DEAF = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


@contextlib.contextmanager
def without_user_git_config(folder: Path) -> Iterator[None]:
    """Ignore the user's and the system's git configuration, in this process and its children.

    Commit signing, a hooks folder of their own or a template would get in the way of a
    repository that is nobody's. pre-commit keeps its cache with the repository, for the same
    reason and because there may be no home to write to.

    Args:
        folder: The repository's.
    """
    variables = _DEAF | {"XDG_CACHE_HOME": str(folder / ".git" / "copydesk" / "cache")}
    former = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in former.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def create(folder: Path) -> Repository:
    """Write the project's files and start its repository; nothing is committed yet.

    Args:
        folder: Where; empty or not there yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _copy_files(SAMPLE, folder)
    _run(folder, ("git", "init", "--quiet"))
    _run(folder, ("git", "symbolic-ref", "HEAD", "refs/heads/main"))
    repo = git.find(folder)
    set_config(repo, "user.name", "Sam Sample")
    set_config(repo, "user.email", "sam@example.com")
    set_config(repo, "copydesk.python", sys.executable)
    return repo


def change(repo: Repository) -> str:
    """Write the change into the working tree.

    Returns:
        What git says is changed, a line a file.
    """
    _copy_files(CHANGE, repo.worktree)
    return _run(repo.worktree, ("git", "diff", "--stat"))


def commit(repo: Repository, message: str) -> str:
    """Commit everything as a user would, hooks included.

    Returns:
        What git and the hooks said.

    Raises:
        ProcessError: A hook or git refused.
    """
    _run(repo.worktree, ("git", "add", "--all"))
    return _run(repo.worktree, ("git", "commit", "--message", message))


def _copy_files(source: Path, folder: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)  # without the mode: package data may be read-only


def _run(folder: Path, argv: tuple[str, ...]) -> str:
    result = run(argv, cwd=folder, env=scrubbed_environment(_DEAF), timeout=300)
    return (result.stdout + result.stderr).decode("utf-8", "replace").strip()
