"""Git is the truth: which commits there are that copydesk has not seen, whoever made them.

Hooks can be bypassed and events lost; the refs cannot. What the branches and worktrees point
at is compared with what they pointed at last time, in either ref format and without decoding
a single event.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk import queue
from copydesk.agent.desk.store import transaction
from copydesk.agent.git.command import git
from copydesk.agent.git.repository import (
    Repository,
    branch_tips,
    busy,
    checked,
    exists,
    reachable,
    worktrees,
)
from copydesk.agent.records import Sha

MEASURE = "measure"
HEAD_PRIORITY = 1
"""What a worktree has checked out goes before other branches."""


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


def _known(db: sqlite3.Connection) -> set[Sha]:
    return {str(sha) for (sha,) in db.execute("SELECT sha FROM tips")}


def pending(repo: Repository, db: sqlite3.Connection) -> bool:
    """Whether a branch or worktree points at a commit that has not been seen yet."""
    return not _look(repo).tips <= _known(db)


def reconcile(repo: Repository, db: sqlite3.Connection) -> Seen:
    """Record the commits that are new and ask for their tips to be measured.

    Of a burst only the tips are measured; waiting measures of commits that are tips no more
    are given up. On the first look at a repository only what is checked out is measured.
    """
    refs, known = _look(repo), _known(db)
    new = refs.tips - known
    wanted = refs.heads if not known else new
    commits = _described(repo, _unseen(repo, new, known, first=not known))
    with transaction(db):
        for row in commits:
            db.execute(
                "INSERT OR IGNORE INTO commits (sha, parents, author, authored_at, subject,"
                " seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                (*row, time.time()),
            )
        if new or known - refs.tips - refs.held:
            db.execute("DELETE FROM tips")
            keep = refs.tips | (known & refs.held)
            db.executemany("INSERT INTO tips (sha) VALUES (?)", [(sha,) for sha in sorted(keep)])
        for sha in sorted(wanted & new):
            _ask(db, sha, HEAD_PRIORITY if sha in refs.heads else 0)
        dropped = _give_up(db, refs.tips | refs.held)
    return Seen(tuple(sorted(new)), len(commits), dropped)


def _unseen(repo: Repository, new: set[Sha], known: set[Sha], *, first: bool) -> Iterable[Sha]:
    if first or not new:  # the history before copydesk came is not told again
        return sorted(new)
    return reachable(repo, sorted(new), sorted(exists(repo, known)))


def _described(repo: Repository, shas: Iterable[Sha]) -> list[tuple[str, ...]]:
    """Rows of the table commits: sha, parents, author, date, subject."""
    asked = "".join(f"{checked(sha)}\n" for sha in shas)
    if not asked:
        return []
    said = git(
        "log", "--no-walk=unsorted", "--stdin", "-z", "--no-show-signature", "--no-color",
        "--format=%H%x00%P%x00%an%x00%aI%x00%s",
        git_dir=repo.common_dir,
        stdin=asked.encode(),
    )  # fmt: skip
    fields = said.decode("utf-8", "replace").split("\0")
    return [tuple(fields[at : at + 5]) for at in range(0, len(fields) - 4, 5)]


def _ask(db: sqlite3.Connection, sha: Sha, priority: int) -> None:
    queue.put(db, MEASURE, sha, priority=priority)
    # a commit that was amended away and has come back was given up in between
    db.execute(
        "UPDATE jobs SET state = 'ready', attempts = 0, not_before = 0, error = NULL"
        " WHERE kind = ? AND subject = ? AND state = 'dropped'",
        (MEASURE, sha),
    )


def _give_up(db: sqlite3.Connection, tips_now: set[Sha]) -> int:
    waiting = db.execute(
        "SELECT id, subject FROM jobs WHERE kind = ? AND state = 'ready'", (MEASURE,)
    ).fetchall()
    late = [identity for identity, subject in waiting if subject not in tips_now]
    db.executemany(
        "UPDATE jobs SET state = 'dropped', error = 'superseded', ended_at = ? WHERE id = ?",
        [(time.time(), identity) for identity in late],
    )
    return len(late)
