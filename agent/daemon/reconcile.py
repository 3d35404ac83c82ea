"""Git is the truth: which commits there are that copydesk has not seen, whoever made them.

Hooks can be bypassed and notifications lost; the refs cannot. What the branches and worktrees point
at is compared with what they pointed at last time, in either ref format and without decoding
a single event.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.config import Personal
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.history import SeenCommit
from copydesk.agent.desk.store import point, transaction
from copydesk.agent.git.command import git
from copydesk.agent.git.repository import (
    Repository,
    branch_tips,
    busy,
    checked,
    exists,
    get_config,
    reachable,
    worktrees,
)
from copydesk.agent.records import Sha
from copydesk.hooks import git_files

MEASURE = "measure"
HEAD_PRIORITY = 1
"""What a worktree has checked out goes before other branches."""

HISTORY_PRIORITY = -30
"""Commits behind the tips come last, after the drafts and stories of the tips."""


_DEFAULT = Personal()


class Seen(NamedTuple):
    """What a look at the refs found: tips and commits not seen before, and jobs given up."""

    tips: tuple[Sha, ...] = ()
    commits: int = 0
    dropped: int = 0


class _Refs(NamedTuple):
    tips: set[Sha]
    heads: set[Sha]
    held: set[Sha]


def _look(repo: Repository) -> _Refs:
    """What refs point at; `held` are commits of an operation that is still under way.

    Branches are asked first: a commit made between the two questions is then a HEAD, which is
    measured, and never a mere branch, which on the first look is not.
    """
    branches = branch_tips(repo)
    idle, held = set[Sha](), set[Sha]()
    for top, sha in worktrees(repo).items():
        if sha:
            (held if _busy(repo, top) else idle).add(sha)
    held -= idle
    return _Refs((branches | idle) - held, idle, held)


def _busy(repo: Repository, top: Path) -> bool:
    git_dir = repo.common_dir
    marker = top / ".git"
    with contextlib.suppress(OSError):
        if marker.is_file():
            git_dir = Path(git_files.follow_git_file(str(marker))).resolve()
    return busy(Repository(top, git_dir, repo.common_dir))


def pending(repo: Repository, db: Database) -> bool:
    """Whether a branch or worktree points at a commit that has not been seen yet."""
    return not _look(repo).tips <= db.commits.tips()


def reconcile(repo: Repository, db: Database, personal: Personal = _DEFAULT) -> Seen:
    """Record the commits that are new and ask for them to be measured.

    Of a burst the tips come first, then as many of the others as the user's settings say;
    waiting measures of commits that nothing reaches any more are given up. On the first look
    at a repository only what is checked out is measured.
    """
    refs, known = _look(repo), db.commits.tips()
    point("reconcile.looked")
    new = refs.tips - known
    wanted = (refs.heads if not known else new) & new
    commits = _describe(repo, _unseen(repo, new, known, first=not known))
    behind = _behind(repo, personal, commits, refs.tips) if known else []
    with transaction(db):
        db.commits.record(described.commit for described in commits)
        point("reconcile.recorded")
        if new or known - refs.tips - refs.held:
            db.commits.replace_tips(refs.tips | (known & refs.held))
        point("reconcile.tips")
        for sha in sorted(wanted):
            priority = HEAD_PRIORITY if sha in refs.heads else 0
            db.jobs.enqueue_or_revive(MEASURE, sha, priority=priority)
        for sha in behind:
            # a commit that was amended away and has come back was given up in between
            db.jobs.enqueue_or_revive(MEASURE, sha, priority=HISTORY_PRIORITY)
        point("reconcile.asked")
    # git is asked outside of a transaction, and only when something waits
    dropped = _give_up(repo, db, personal, refs.tips | refs.held)
    return Seen(tuple(sorted(new)), len(commits), dropped)


def _behind(
    repo: Repository, personal: Personal, commits: list[_Described], tips_now: set[Sha]
) -> list[Sha]:
    """Those commits behind the tips that the user wants measured too, the oldest first."""
    if personal.measures == "tips":
        return []
    behind = [described for described in commits if described.commit.sha not in tips_now]
    if personal.measures == "author" and behind:
        email = get_config(repo, "user.email")
        own = [described for described in behind if described.email == email]
        behind = own[max(0, len(own) - int(personal.burst)) :]
    return [described.commit.sha for described in behind]


def _unseen(repo: Repository, new: set[Sha], known: set[Sha], *, first: bool) -> Iterable[Sha]:
    if first or not new:  # the history before copydesk came is not told again
        return sorted(new)
    return reachable(repo, sorted(new), sorted(exists(repo, known)))


class _Described(NamedTuple):
    """A commit and its author's mail address."""

    commit: SeenCommit
    email: str


def _describe(repo: Repository, shas: Iterable[Sha]) -> list[_Described]:
    """What git says of commits."""
    asked = "".join(f"{checked(sha)}\n" for sha in shas)
    if not asked:
        return []
    said = git(
        "log", "--no-walk=unsorted", "--stdin", "-z", "--no-show-signature", "--no-color",
        "--format=%H%x00%P%x00%an%x00%aI%x00%s%x00%ae",
        git_dir=repo.common_dir,
        stdin=asked.encode(),
    )  # fmt: skip
    fields = said.decode("utf-8", "replace").split("\0")
    starts = range(0, len(fields) - 5, 6)
    return [_Described(SeenCommit(*fields[at : at + 5]), fields[at + 5]) for at in starts]


def _give_up(repo: Repository, db: Database, personal: Personal, tips_now: set[Sha]) -> int:
    """Give up waiting measures that nobody wants any more; the others make way for the tips."""
    waiting = [job for job in db.jobs.ready(MEASURE) if job.sha not in tips_now]
    if not waiting:
        return 0
    existing = exists(repo, [job.sha for job in waiting])
    if existing:
        tips_there = sorted(exists(repo, tips_now))
        existing -= set(reachable(repo, sorted(existing), tips_there))
    descriptions = _describe(repo, [job.sha for job in waiting if job.sha in existing])
    still_wanted = set(_behind(repo, personal, descriptions, set()))
    dropped = [job for job in waiting if job.sha not in still_wanted]
    later = [job for job in waiting if job.sha in still_wanted]
    db.jobs.resort(dropped=dropped, later=later, priority=HISTORY_PRIORITY)
    return len(dropped)
