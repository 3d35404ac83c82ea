"""Mining the repository's history: whole once, then commit by commit, onto the desk."""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.history import ChangedFunction, FixedLine, packed_state
from copydesk.agent.git import repository as git
from copydesk.agent.git.history import GitHistory
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha
from copydesk.predictor.subjects.commits.history import Commit
from copydesk.predictor.subjects.commits.mine import Mined, State, mine
from copydesk.predictor.subjects.commits.train import Row

FEW = 50
"""Commits that are mined within a measure; more of them wait for a job of their own."""


def commits_behind(repo: Repository, db: Database, sha: Sha) -> int | None:
    """How many commits of a history were not read yet; None when none was read."""
    read = db.mined_history.up_to()
    if read is None or read.tip not in git.exists(repo, [read.tip]):
        return None
    return len(git.reachable(repo, [sha], [read.tip]))


def is_far_behind(repo: Repository, db: Database, sha: Sha) -> bool:
    """Whether more of the history is to be read than a measure may wait for."""
    count = commits_behind(repo, db, sha)
    if count is None:
        count = len(git.ancestors(repo, sha, FEW + 1))
    return count > FEW


def catch_up(repo: Repository, db: Database, sha: Sha, *, say: Progress = silent) -> Mined:
    """Read what is new in the history of a commit, and keep it.

    Safe to repeat: a commit that was read is never counted twice, on whatever branch it is met.

    Returns:
        What was new.
    """
    history = db.mined_history
    from_scratch = commits_behind(repo, db, sha) is None
    state = State() if from_scratch else State.from_json(history.state())
    read_before = set[Sha]() if from_scratch else history.commits()
    read_now: list[Commit] = []
    mined = mine(GitHistory(repo, sha), state, say=say, skip=read_before, on_commit=read_now.append)
    packed = packed_state(state.to_json())
    if from_scratch:
        history.clear()
    # cut short, the same rows are found again: the commits are not among those that were read
    history.add_functions(_changed_functions(mined))
    history.mark_fixed(
        FixedLine(line.commit, line.path, line.line, line.fix, line.fixed_at)
        for line in mined.blamed
    )
    with transaction(db):
        history.add_commits(commit.sha for commit in read_now)
        if state.tip:
            history.save_state(state.tip, state.commits, packed)
    return mined


def _changed_functions(mined: Mined) -> Iterator[ChangedFunction]:
    return (
        ChangedFunction(
            sha=changed.commit,
            path=changed.path,
            function=changed.function,
            first_line=changed.first_line,
            last_line=changed.last_line,
            committed_at=changed.time,
            inputs=changed.inputs,
        )
        for changed in mined.rows
    )


def training_rows(db: Database) -> list[Row]:
    """Every changed function, as the predictor learns from it, in order of time."""
    return [
        Row(function.committed_at, function.inputs, function.fixed_at)
        for function in db.mined_history.labelled()
    ]
