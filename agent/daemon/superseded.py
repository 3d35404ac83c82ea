"""When a measure that runs makes way for that of a newer commit.

It does when its commit is no tip any more while a tip waits to be measured. What its tests have
shown by then is kept (see agent/coverage/measure/interrupted.py), and the measure of the newer
commit starts from that, so little is lost. The older commit is measured later, where the user's
settings want commits behind the tips measured at all.
"""

from __future__ import annotations

from copydesk.agent.daemon.reconcile import HISTORY_PRIORITY, MEASURE
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Job

CUTS = 3
"""How many measures in a row are cut short; the next one runs to its end. Where commits come faster
than their tests run, none would ever be measured else."""


def is_superseded(db: Database, job: Job, cuts: int) -> bool:
    """Whether a running job should make way.

    Args:
        db: The desk.
        job: The job that runs.
        cuts: How many were cut short since a measure was last done.
    """
    if job.kind != MEASURE or cuts >= CUTS:
        return False
    return db.jobs.makes_way(job)


def put_back(db: Database, job: Job) -> None:
    """Put a measure that was cut short behind those of the tips."""
    db.jobs.cut_short(job, priority=HISTORY_PRIORITY)
