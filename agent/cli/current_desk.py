"""The repository that a command is run in, and its desk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha


def current_repository() -> Repository:
    """The repository of the current folder.

    Raises:
        CopydeskError: The folder lies in none.
    """
    return git.find(Path.cwd())


@contextlib.contextmanager
def open_current_desk(*, create: bool = False) -> Iterator[tuple[Repository, Database]]:
    """The repository of the current folder, and its desk, open.

    Args:
        create: Make a desk where there is none. Without it nothing is written in a repository
            that was never set up or measured: its desk is an empty one in memory.
    """
    # sqlite3 takes a tenth of what `copydesk gate --data` takes, which needs no desk
    from copydesk.agent.desk.store import empty_desk, open_desk

    repo = current_repository()
    exists = (repo.desk / "desk.db").exists()
    with open_desk(repo.desk) if create or exists else empty_desk() as db:
        yield repo, db


def head_sha(repo: Repository) -> Sha | None:
    """The commit that is checked out; None before the first one."""
    try:
        return git.resolve(repo, "HEAD")
    except CopydeskError as error:
        if error.slug != "no-commits":
            raise
        return None
