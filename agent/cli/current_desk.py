"""The repository that a command is run in, and its desk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.projects import nearest
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


def chosen_projects(
    repo: Repository, folders: Sequence[str], named: str | None, *, every: bool
) -> Sequence[str]:
    """The projects that a command speaks of; the top ("") where the repository is one project.

    Args:
        repo: The repository.
        folders: The folders of its projects; empty where it is one.
        named: The one that was named, if any.
        every: Take all of them where none is named and the current folder lies in none.

    Raises:
        CopydeskError: There is no such project, or several and none is meant.
    """
    if named is not None:
        return [_named_project(named, folders or [""])]
    if len(folders) < 2:
        return folders or [""]
    own = _project_of_current_folder(repo, folders)
    if own:
        return [own]
    if every:
        return folders
    raise CopydeskError(
        "this repository holds several projects, and a report is of one",
        slug="which-project",
        hint=f"Go into one of them, or name it: --project {folders[-1]}",
    )


def _named_project(named: str, folders: Sequence[str]) -> str:
    """The folder of the project that was named; `.` names the top.

    Raises:
        CopydeskError: There is no such project.
    """
    plain = "" if named in ("", ".", "./") else named.strip("/").removeprefix("./")
    if plain in folders:
        return plain
    shown = ", ".join(folder or "." for folder in folders)
    raise CopydeskError(
        f"there is no project {named}",
        slug="which-project",
        hint=f"The projects of this commit: {shown}",
    )


def _project_of_current_folder(repo: Repository, folders: Sequence[str]) -> str:
    """The project below the top that the current folder lies in; "" for none."""
    here = Path.cwd().resolve()
    top = repo.worktree.resolve()
    if not here.is_relative_to(top):
        return ""
    relative = here.relative_to(top).as_posix()
    return nearest(f"{relative}/", [folder for folder in folders if folder]) or ""


def measured_commit(repo: Repository, db: Database, revision: str) -> Sha:
    """The commit that a revision names, which must have been measured.

    Raises:
        CopydeskError: It names none, or that one was not measured.
    """
    sha = git.resolve(repo, revision)
    if db.measures.get(sha) is not None:
        return sha
    near = next((s for s in git.ancestors(repo, sha, 50) if db.measures.get(s)), None)
    nearest = f"; the nearest measured one is {near[:8]}" if near else ""
    raise CopydeskError(
        f"commit {sha[:8]} was not measured{nearest}",
        slug="not-measured",
        hint=f"`copydesk measure {sha[:8]}` does it now.",
    )
