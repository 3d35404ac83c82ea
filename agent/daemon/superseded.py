"""When a measure that runs makes way for that of a newer commit.

It does when its commit is no tip any more while a tip waits to be measured. What its tests have
shown by then is kept (see agent/coverage/measure/interrupted.py), and the measure of the newer
commit starts from that, so little is lost. The older commit is measured later, where the user's
settings want commits behind the tips measured at all.
"""

from __future__ import annotations

import time

from copydesk.agent.daemon.reconcile import HISTORY_PRIORITY, MEASURE
from copydesk.agent.desk import queue
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
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
    (found,) = db.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM tips WHERE sha = ?) AND EXISTS (SELECT 1 FROM jobs"
        " WHERE kind = ? AND state = 'ready' AND not_before <= ?"
        " AND subject IN (SELECT sha FROM tips))",
        (job.subject, MEASURE, time.time()),
    ).fetchone()
    return bool(found)


def put_back(db: Database, job: Job) -> None:
    """Put a measure that was cut short behind those of the tips."""
    with transaction(db):
        queue.put_back(db, job, "superseded", seconds=0.0)
        db.execute("UPDATE jobs SET priority = ? WHERE id = ?", (HISTORY_PRIORITY, job.id))
