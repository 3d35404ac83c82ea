"""Work that is deferred until a model can be asked.

What the embedded drafter and the template wrote is on the desk at once. The rest is a deferred
job (see agent/desk/deferred_jobs.py). Each retry asks the server one small question, less and
less often; when it answers, the drafts or the story of the commit are made again, which passes
over what is there already. The deferred job stays until that has worked, so a server that only
seems to be back is asked less and less often too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import DeferredJob
from copydesk.agent.model.circuit_breaker import FIRST_SECONDS, LONGEST_SECONDS
from copydesk.agent.records import Sha

WorkKind = Literal["draft", "story"]
"""The kind of job that is done again."""

MOST: Final = 20
"""Commits whose work of each kind is deferred; of more the oldest are given up."""

_WORK_KINDS: Final[dict[str, WorkKind]] = {"model": "draft", "model-story": "story"}
_JOB_KINDS: Final[dict[WorkKind, str]] = {work: job for job, work in _WORK_KINDS.items()}
_PRIORITY: Final[dict[WorkKind, int]] = {"draft": -10, "story": -20}


class DeferredWork(NamedTuple):
    """A commit's drafts or story that wait for a model, and how often they were tried."""

    kind: WorkKind
    sha: Sha
    tries: int = 0


def defer(db: Database, kind: WorkKind, sha: Sha, why: str) -> None:
    """Keep that a model could do more for a commit than was done.

    Args:
        db: The desk.
        kind: Its drafts or its story.
        sha: The commit.
        why: Why no model could be asked.
    """
    db.deferred_jobs.add(
        _JOB_KINDS[kind], sha, not_before=time.time() + FIRST_SECONDS, error=why, keep=MOST
    )


def cancel(db: Database, kind: WorkKind, sha: Sha) -> None:
    """A model has been asked about this commit, or need not be any more."""
    db.deferred_jobs.remove(_JOB_KINDS[kind], sha)


def deferred(db: Database) -> list[DeferredWork]:
    """What waits for a model, oldest first."""
    return _as_work(db.deferred_jobs.all())


def retry_due(
    db: Database, answers: Callable[[], bool], *, now: float | None = None
) -> list[DeferredWork]:
    """Where work is due, ask whether a model answers now; if so, have that work done again.

    Args:
        db: The desk.
        answers: Whether there is a model to ask; only called when work is due.
        now: The Unix time.

    Returns:
        The work that is done again.
    """
    now = time.time() if now is None else now
    due = [work for work in _as_work(db.deferred_jobs.due(now)) if not _is_under_way(db, work)]
    if not due:
        return []
    model_answers = answers()
    db.deferred_jobs.count_attempts([(_as_job(work), now + _pause(work)) for work in due])
    if not model_answers:
        return []
    for work in due:
        db.jobs.enqueue(work.kind, work.sha, priority=_PRIORITY[work.kind], again=True)
    return due


def _pause(work: DeferredWork) -> float:
    """Seconds until the next try: twice as long after each."""
    return min(FIRST_SECONDS * 2.0 ** min(work.tries + 1, 10), LONGEST_SECONDS)


def _is_under_way(db: Database, work: DeferredWork) -> bool:
    return db.deferred_jobs.is_under_way(work.kind, work.sha)


def _as_work(jobs: Iterable[DeferredJob]) -> list[DeferredWork]:
    return [DeferredWork(_WORK_KINDS[job.kind], job.sha, job.attempts) for job in jobs]


def _as_job(work: DeferredWork) -> DeferredJob:
    return DeferredJob(_JOB_KINDS[work.kind], work.sha, work.tries)
