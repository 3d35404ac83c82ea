"""Work that is deferred until a model can be asked.

What the embedded drafter and the template wrote is on the desk at once. The rest is a deferred
job (see agent/desk/jobs.py). When one is due, the server is asked one small question, less and
less often while it does not answer; when it does, the job becomes ready, and the daemon's second
worker does it as soon as nothing waits to be measured. A try that fails defers the job again, for
longer each time; after the third it is given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import MODEL_DRAFT, MODEL_STORY, DeferredJob
from copydesk.agent.records import Sha

WorkKind = Literal["draft", "story"]
"""What a model could add to: the drafts of a commit, or its story."""

MOST: Final[dict[WorkKind, int]] = {"draft": 20, "story": 5}
"""Commits whose work of each kind is deferred; of more the oldest are given up. A story of long
ago is the least that anybody waits for."""

MAX_TRIES: Final = 3
"""How often a model is asked for one piece of work."""

TRY_SECONDS: Final = (60.0, 300.0)
"""How long a piece of work rests after its first and its second try."""

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
"""How long a server that does not answer is left alone, at least and at most, in seconds."""

_WORK_KINDS: Final[dict[str, WorkKind]] = {MODEL_DRAFT: "draft", MODEL_STORY: "story"}
JOB_KINDS: Final[dict[WorkKind, str]] = {work: job for job, work in _WORK_KINDS.items()}
"""The kind of job that a model's work is on the desk."""


class DeferredWork(NamedTuple):
    """A commit's drafts or story that wait for a model, how often they were tried, and why they
    wait."""

    kind: WorkKind
    sha: Sha
    tries: int = 0
    why: str = ""


def defer(db: Database, kind: WorkKind, sha: Sha, why: str) -> None:
    """Keep that a model could do more for a commit than was done.

    Args:
        db: The desk.
        kind: Its drafts or its story.
        sha: The commit.
        why: Why it has not been done yet.
    """
    db.deferred_jobs.add(JOB_KINDS[kind], sha, not_before=time.time(), error=why, keep=MOST[kind])


def cancel(db: Database, kind: WorkKind, sha: Sha) -> None:
    """A model has been asked about this commit, or need not be any more."""
    db.deferred_jobs.remove(JOB_KINDS[kind], sha)


def deferred(db: Database) -> list[DeferredWork]:
    """What waits for a model, oldest first."""
    return _as_work(db.deferred_jobs.all())


def retry_due(
    db: Database, obstacle: Callable[[], str], *, now: float | None = None
) -> list[DeferredWork]:
    """Where work is due, look whether a model can be asked now; if so, have that work done.

    Args:
        db: The desk.
        obstacle: Says why no model can be asked now, "" when one can; only called when work is
            due.
        now: The Unix time.

    Returns:
        The work that is to be done.
    """
    now = time.time() if now is None else now
    due = db.deferred_jobs.due(now)
    if not due:
        return []
    if reason := obstacle():
        age = now - min(job.added_at for job in due)
        pause = min(max(FIRST_PAUSE, age), LONGEST_PAUSE)  # so it doubles from look to look
        db.deferred_jobs.postpone(due, not_before=now + pause, error=reason)
        return []
    db.deferred_jobs.activate(due)
    return _as_work(due)


def after_try(db: Database, kind: WorkKind, sha: Sha, *, asked: bool) -> str:
    """See to work that a try has deferred again.

    Args:
        db: The desk.
        kind: What was tried.
        sha: Of which commit.
        asked: Whether a model was asked at all; else it does not count as a try.

    Returns:
        What becomes of it, in words; "" where nothing was deferred.
    """
    job = db.deferred_jobs.get(JOB_KINDS[kind], sha)
    if job is None:
        return ""
    if not asked:
        db.deferred_jobs.uncount(job.kind, sha)
        pause = FIRST_PAUSE
    elif job.attempts >= MAX_TRIES:
        db.deferred_jobs.give_up(job.kind, sha)
        return f"given up after {job.attempts} tries"
    else:
        pause = TRY_SECONDS[min(max(job.attempts, 1), len(TRY_SECONDS)) - 1]
    db.deferred_jobs.postpone([job], not_before=time.time() + pause, error=job.error)
    return f"tried again in {pause:.0f} s"


def _as_work(jobs: Iterable[DeferredJob]) -> list[DeferredWork]:
    return [DeferredWork(_WORK_KINDS[job.kind], job.sha, job.attempts, job.error) for job in jobs]
