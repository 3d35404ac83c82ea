"""The commits that somebody asks for a story of, in words or by a range."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

WEEK = 7 * 24 * 3600.0


class Chosen(NamedTuple):
    """Commits, oldest first, and the commit before them ("" where there is none)."""

    since: Sha
    commits: list[Sha]


def range_of(repo: Repository, revisions: str) -> Chosen:
    """The commits of A..B, or one commit.

    Raises:
        CopydeskError: A revision is none, or there is no commit.
    """
    first, dots, last = revisions.partition("..")
    if dots:
        return _since(repo, git.resolve(repo, first or "HEAD"), last or "HEAD", revisions)
    sha = git.resolve(repo, revisions)
    return Chosen(git.parent_of(repo, sha) or "", [sha])


def since(repo: Repository, revision: str) -> Chosen:
    """The commits of HEAD since a revision.

    Raises:
        CopydeskError: The revision is none, or there is no commit since.
    """
    return _since(repo, git.resolve(repo, revision), "HEAD", f"{revision}..HEAD")


def week(repo: Repository, now: float) -> Chosen:
    """The commits of HEAD of the seven days before a Unix time.

    Raises:
        CopydeskError: There is none.
    """
    head = git.resolve(repo, "HEAD")
    before = git.last_before(repo, head, now - WEEK)
    return _since(repo, before, head, "the last seven days")


def release(repo: Repository, tag: str) -> Chosen:
    """The commits of a release: up to its tag, from the nearest tag before.

    Raises:
        CopydeskError: There is no such tag, or no commit.
    """
    sha = git.resolve(repo, tag)
    return _since(repo, git.tag_before(repo, sha), sha, tag)


def _since(repo: Repository, before: Sha | None, last: str, asked: str) -> Chosen:
    tip = git.resolve(repo, last)
    commits = git.reachable(repo, [tip], [before] if before else [])
    if not commits:
        raise CopydeskError(
            f"there is no commit in {asked}",
            slug="empty-range",
            hint="A..B is what B has and A has not; `git log A..B` lists it.",
        )
    base = git.merge_base(repo, before, tip) if before else None
    return Chosen(base or "", commits)
