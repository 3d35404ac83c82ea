"""Running the jobs of the queue, one at a time, each in a child process."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

from copydesk.agent.config import Personal
from copydesk.agent.daemon import prune, resources
from copydesk.agent.daemon.reconcile import HISTORY_PRIORITY, MEASURE
from copydesk.agent.daemon.worker_process import Outcome, WorkerProcess
from copydesk.agent.desk import space
from copydesk.agent.desk.connection import point
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import SUPERSEDED
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Job
from copydesk.agent.text import one_line
from copydesk.hooks import failpoints

MAX_CUTS = 3
"""How many measures in a row are cut short; the next one runs to its end. Where commits come faster
than their tests run, none would ever be measured else."""

_UNWELL = ("retry", "final", "full", "busy")


class JobRunner:
    """Starts the next job when the machine may work, and sees to the one that runs.

    A running measure makes way for that of a newer commit: when its commit is no tip any more
    while a tip waits to be measured. What its tests have shown by then is kept (see
    agent/coverage/measure/interrupted.py), and the measure of the newer commit starts from that,
    so little is lost. The older commit is measured later, where the user's settings want commits
    behind the tips measured at all.

    Args:
        repo: The repository.
        db: Its desk.
        command: What runs a job; gets the common dir and the job's id as arguments.
        wake: Ends the loop's sleep; called, from another thread, when a job has ended or may begin.
        logger: Told what begins and how it ends.
    """

    def __init__(
        self,
        repo: Repository,
        db: Database,
        command: Sequence[str],
        wake: Callable[[], None],
        logger: logging.Logger,
    ) -> None:
        self._repo = repo
        self._db = db
        self._command = [*command, str(repo.common_dir)]
        self._wake = wake
        self._logger = logger
        self._turn = resources.Turn(wake)
        self._worker: WorkerProcess | None = None
        self._cuts = 0
        self.paused = ""

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which the running job is ended; None when none runs."""
        return self._worker.deadline if self._worker else None

    def next_due(self) -> float | None:
        """The Unix time at which the next waiting job may start, or None when none waits."""
        return self._db.jobs.next_due()

    def step(self, personal: Personal) -> bool:
        """See to the running job and start the next.

        Args:
            personal: The user's settings.

        Returns:
            Whether anything changed.
        """
        if self._worker:
            if self._worker.running():
                if not self.should_make_way(self._worker.job):
                    return False
                self._worker.end()
            self._settle(self._worker, personal)
            self._worker = None
            self._turn.give_back()
        return self._start_next(personal)

    def should_make_way(self, job: Job) -> bool:
        """Whether a running job should make way for that of a newer commit."""
        if job.kind != MEASURE or self._cuts >= MAX_CUTS:
            return False
        return self._db.jobs.makes_way(job)

    def stop(self) -> None:
        """End the running job and give it back to the queue, unless it is done; leave the line."""
        if self._worker:
            self._worker.kill()
            outcome, _ = self._worker.result()
            with contextlib.suppress(sqlite3.Error):  # the desk itself may be gone
                if outcome == "done":
                    self._db.jobs.finish(self._worker.job)
                self._db.jobs.release_orphans()
        self._turn.close()

    def _start_next(self, personal: Personal) -> bool:
        due = self.next_due()
        if due is None or due > time.time() or not self._may_work(personal):
            return False
        point("service.lease")
        seconds = personal.measure_seconds
        job = self._db.jobs.lease(seconds=seconds + 60)
        if job is None:
            self._turn.give_back()
            return False
        failpoints.failpoint("service.leased")
        self._logger.info("%s %s: started", job.kind, job.sha[:12])
        argv = [*self._command, str(job.id)]
        self._worker = WorkerProcess(argv, self._repo.common_dir, job, seconds, self._wake)
        failpoints.failpoint("service.working")
        return True

    def _may_work(self, personal: Personal) -> bool:
        reason = resources.pause_reason(personal, self._repo.desk)
        if reason != self.paused:
            self._logger.info("paused: %s" if reason else "going on%s", reason)
            self.paused = reason
        if reason:
            self._turn.give_back()
            return False
        return not personal.one_at_a_time or self._turn.ask()

    def _settle(self, ended: WorkerProcess, personal: Personal) -> None:
        """Write down how a job ended."""
        outcome, message = ended.result()
        if outcome == "retry" and space.low(self._repo.desk):
            outcome = "full"
        point("service.settle")
        self._write_outcome(ended.job, outcome, message)
        failpoints.failpoint("service.settled")
        prune.ask_when_due(self._db, self._repo.desk, personal.disk_mb)
        unwell = outcome in _UNWELL
        reason = message.splitlines()[-1] if message and unwell else ""
        line = f"{ended.job.kind} {ended.job.sha[:12]}: {outcome} {one_line(reason)}".rstrip()
        self._logger.log(logging.WARNING if unwell else logging.INFO, "%s", line)

    def _write_outcome(self, job: Job, outcome: Outcome, message: str) -> None:
        jobs = self._db.jobs
        if outcome == "done":
            self._cuts = 0
            jobs.finish(job)
        elif outcome == "superseded":
            jobs.drop(job, SUPERSEDED)
        elif outcome in ("full", "busy"):
            jobs.put_back(job, message)
        elif outcome == "cut short":
            self._cuts += 1
            jobs.cut_short(job, priority=HISTORY_PRIORITY)
        else:
            jobs.fail(job, message, final=outcome == "final")
