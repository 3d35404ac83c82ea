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
    """The commits that branches and idle worktrees point at, those of idle worktrees alone, and
    those of worktrees in which an operation is still under way."""

    tips: set[Sha]
    heads: set[Sha]
    unsettled: set[Sha]


def _read_refs(repo: Repository) -> _Refs:
    """What refs point at.

    Branches are asked first: a commit made between the two questions is then a HEAD, which is
    measured, and never a mere branch, which on the first look is not.
    """
    branches = branch_tips(repo)
    idle, unsettled = set[Sha](), set[Sha]()
    for top, sha in worktrees(repo).items():
        if sha and _busy(repo, top):
            unsettled.add(sha)
        elif sha:
            idle.add(sha)
    unsettled -= idle
    return _Refs((branches | idle) - unsettled, idle, unsettled)


def _busy(repo: Repository, top: Path) -> bool:
    git_dir = repo.common_dir
    marker = top / ".git"
    with contextlib.suppress(OSError):
        if marker.is_file():
            git_dir = Path(git_files.follow_git_file(str(marker))).resolve()
    return busy(Repository(top, git_dir, repo.common_dir))


def pending(repo: Repository, db: Database) -> bool:
    """Whether a branch or worktree points at a commit that has not been seen yet."""
    return not _read_refs(repo).tips <= db.commits.tips()


def reconcile(repo: Repository, db: Database, personal: Personal = _DEFAULT) -> Seen:
    """Record the commits that are new and ask for them to be measured.

    Of a burst the tips come first, then as many of the others as the user's settings say;
    waiting measures of commits that nothing reaches any more are given up. On the first look
    at a repository only what is checked out is measured.
    """
    refs, former_tips = _read_refs(repo), db.commits.tips()
    point("reconcile.looked")
    is_first = not former_tips
    moved = refs.tips - former_tips
    # a ref whose object is missing costs that ref alone: git would refuse to walk them all
    new_tips = exists(repo, moved) if moved else moved
    measured_tips = refs.heads & new_tips if is_first else new_tips
    commits = _describe(repo, _unseen(repo, new_tips, former_tips))
    behind = [] if is_first else _behind(repo, personal, commits, refs.tips)
    with transaction(db):
        db.commits.record(described.commit for described in commits)
        point("reconcile.recorded")
        if moved or former_tips - refs.tips - refs.unsettled:
            db.commits.replace_tips(refs.tips | (former_tips & refs.unsettled))
        point("reconcile.tips")
        for sha in sorted(measured_tips):
            priority = HEAD_PRIORITY if sha in refs.heads else 0
            db.jobs.enqueue_or_revive(MEASURE, sha, priority=priority)
            db.jobs.revive_drafts(sha)
        for sha in behind:
            # a commit that was amended away and has come back was given up in between
            db.jobs.enqueue_or_revive(MEASURE, sha, priority=HISTORY_PRIORITY)
        point("reconcile.asked")
    # git is asked outside of a transaction, and only when something waits
    dropped = _give_up(repo, db, personal, refs.tips | refs.unsettled)
    return Seen(tuple(sorted(new_tips)), len(commits), dropped)


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


def _unseen(repo: Repository, new_tips: set[Sha], former_tips: set[Sha]) -> Iterable[Sha]:
    """The commits that have not been seen yet."""
    if not former_tips or not new_tips:  # the history before copydesk came is not told again
        return sorted(new_tips)
    return reachable(repo, sorted(new_tips), sorted(exists(repo, former_tips)))


class _Described(NamedTuple):
    """A commit and its author's mail address."""

    commit: SeenCommit
    email: str


def _describe(repo: Repository, shas: Iterable[Sha]) -> list[_Described]:
    """What git says of commits."""
    names = "".join(f"{checked(sha)}\n" for sha in shas)
    if not names:
        return []
    output = git(
        "log", "--no-walk=unsorted", "--stdin", "-z", "--no-show-signature", "--no-color",
        "--format=%H%x00%P%x00%an%x00%aI%x00%s%x00%ae",
        git_dir=repo.common_dir,
        stdin=names.encode(),
    )  # fmt: skip
    fields = output.decode("utf-8", "replace").split("\0")
    starts = range(0, len(fields) - 5, 6)
    return [_Described(SeenCommit(*fields[at : at + 5]), fields[at + 5]) for at in starts]


def _give_up(repo: Repository, db: Database, personal: Personal, tips: set[Sha]) -> int:
    """Give up waiting measures that nobody wants any more; the others make way for the tips."""
    waiting = [job for job in db.jobs.ready(MEASURE) if job.sha not in tips]
    if not waiting:
        return 0
    measured_later = _still_wanted(repo, personal, [job.sha for job in waiting], tips)
    dropped = [job for job in waiting if job.sha not in measured_later]
    later = [job for job in waiting if job.sha in measured_later]
    db.jobs.resort(dropped=dropped, later=later, priority=HISTORY_PRIORITY)
    return len(dropped)


def _still_wanted(
    repo: Repository, personal: Personal, shas: list[Sha], tips: set[Sha]
) -> set[Sha]:
    """Those commits that a tip reaches and that the user wants measured."""
    existing = exists(repo, shas)
    if not existing:
        return set()
    unreached = set(reachable(repo, sorted(existing), sorted(exists(repo, tips))))
    descriptions = _describe(repo, [sha for sha in shas if sha in existing - unreached])
    return set(_behind(repo, personal, descriptions, set()))
