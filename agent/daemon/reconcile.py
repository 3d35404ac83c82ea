"""Git is the truth: which commits there are that copydesk has not seen, whoever made them.

Hooks can be bypassed and events lost; the refs cannot. What the branches and worktrees point
at is compared with what they pointed at last time, in either ref format and without decoding
a single event.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.config import Personal
from copydesk.agent.desk import queue
from copydesk.agent.desk.database import Database
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
            named = marker.read_text("utf-8", "surrogateescape").rstrip("\n").partition(": ")[2]
            git_dir = (top / named).resolve()
    return busy(Repository(top, git_dir, repo.common_dir))


def _known(db: Database) -> set[Sha]:
    return {str(sha) for (sha,) in db.execute("SELECT sha FROM tips")}


def pending(repo: Repository, db: Database) -> bool:
    """Whether a branch or worktree points at a commit that has not been seen yet."""
    return not _look(repo).tips <= _known(db)


def reconcile(repo: Repository, db: Database, personal: Personal = _DEFAULT) -> Seen:
    """Record the commits that are new and ask for them to be measured.

    Of a burst the tips come first, then as many of the others as the user's settings say;
    waiting measures of commits that nothing reaches any more are given up. On the first look
    at a repository only what is checked out is measured.
    """
    refs, known = _look(repo), _known(db)
    point("reconcile.looked")
    new = refs.tips - known
    wanted = (refs.heads if not known else new) & new
    commits = _described(repo, _unseen(repo, new, known, first=not known))
    behind = _behind(repo, personal, commits, refs.tips) if known else []
    with transaction(db):
        for row in commits:
            db.execute(
                "INSERT OR IGNORE INTO commits (sha, parents, author, authored_at, subject,"
                " seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                (*row[:5], time.time()),
            )
        point("reconcile.recorded")
        if new or known - refs.tips - refs.held:
            db.execute("DELETE FROM tips")
            keep = refs.tips | (known & refs.held)
            db.executemany("INSERT INTO tips (sha) VALUES (?)", [(sha,) for sha in sorted(keep)])
        point("reconcile.tips")
        for sha in sorted(wanted):
            _ask(db, sha, HEAD_PRIORITY if sha in refs.heads else 0)
        for sha in behind:
            _ask(db, sha, HISTORY_PRIORITY)
        point("reconcile.asked")
    # git is asked outside of a transaction, and only when something waits
    dropped = _give_up(repo, db, personal, refs.tips | refs.held)
    return Seen(tuple(sorted(new)), len(commits), dropped)


def _behind(
    repo: Repository, personal: Personal, rows: list[tuple[str, ...]], tips_now: set[Sha]
) -> list[Sha]:
    """Those commits behind the tips that the user wants measured too, the oldest first."""
    others = [row for row in rows if row[0] not in tips_now]
    if personal.measures == "all":
        return [row[0] for row in others]
    if personal.measures == "tips" or not others:
        return []
    mine = get_config(repo, "user.email")
    own = [row[0] for row in others if row[5] == mine]
    return own[max(0, len(own) - int(personal.burst)) :]


def _unseen(repo: Repository, new: set[Sha], known: set[Sha], *, first: bool) -> Iterable[Sha]:
    if first or not new:  # the history before copydesk came is not told again
        return sorted(new)
    return reachable(repo, sorted(new), sorted(exists(repo, known)))


def _described(repo: Repository, shas: Iterable[Sha]) -> list[tuple[str, ...]]:
    """Rows of the table commits: sha, parents, author, date, subject; and the author's mail."""
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
    return [tuple(fields[at : at + 6]) for at in range(0, len(fields) - 5, 6)]


def _ask(db: Database, sha: Sha, priority: int) -> None:
    queue.put(db, MEASURE, sha, priority=priority)
    # a commit that was amended away and has come back was given up in between
    db.execute(
        "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL, priority = ?"
        " WHERE kind = ? AND subject = ? AND state = 'dropped'",
        (priority, MEASURE, sha),
    )


def _give_up(repo: Repository, db: Database, personal: Personal, tips_now: set[Sha]) -> int:
    """Give up waiting measures that nobody wants any more; the others make way for the tips."""
    waiting = db.execute(
        "SELECT id, subject FROM jobs WHERE kind = ? AND state = 'ready' ORDER BY id", (MEASURE,)
    ).fetchall()
    late = {str(subject): int(identity) for identity, subject in waiting if subject not in tips_now}
    if not late:
        return 0
    there = exists(repo, late)
    there -= set(reachable(repo, sorted(there), sorted(exists(repo, tips_now)))) if there else set()
    kept = set(_behind(repo, personal, _described(repo, [s for s in late if s in there]), set()))
    dropped = [(time.time(), identity) for sha, identity in late.items() if sha not in kept]
    with transaction(db):
        db.executemany(
            "UPDATE jobs SET state = 'dropped', error = 'superseded', ended_at = ? WHERE id = ?",
            dropped,
        )
        db.executemany(
            "UPDATE jobs SET priority = ? WHERE id = ?",
            [(HISTORY_PRIORITY, late[sha]) for sha in kept],
        )
        point("reconcile.dropped")
    return len(dropped)
