"""Running the jobs of the queue, each in a child process: one at a time, and beside it one that
asks a model."""

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
from copydesk.agent.desk.jobs import MODEL_DRAFT, MODEL_KINDS, SUPERSEDED
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.records import Job
from copydesk.agent.text import one_line
from copydesk.hooks import failpoints

MAX_CUTS = 3
"""How many measures in a row are cut short; the next one runs to its end. Where commits come faster
than their tests run, none would ever be measured else."""

_UNWELL = ("retry", "final", "full", "busy")


class Lane:
    """Room for one running job.

    Args:
        by_model: Whether it is for the jobs that ask a model, or for all others.
        turn: The user's one turn to do such a job, shared with the daemons of other repositories.
    """

    def __init__(self, by_model: bool, turn: resources.Turn) -> None:
        self.by_model = by_model
        self.turn = turn
        self.worker: WorkerProcess | None = None
        self.waits_for_turn = False


class JobRunner:
    """Starts the next job when the machine may work, and sees to those that run.

    There are two lanes. In the first, commits are measured, and drafts and stories written
    without a model, one job at a time. In the second a model is asked; a job begins there only
    while the first lane has nothing to do, and one that has begun goes on beside whatever comes,
    so that nothing ever waits for a model.

    A running measure makes way for that of a newer commit: when its commit is no tip any more
    while a tip waits to be measured. What its tests have shown by then is kept (see
    agent/coverage/measure/interrupted.py), and the measure of the newer commit starts from that,
    so little is lost. The older commit is measured later, where the user's settings want commits
    behind the tips measured at all. A model that drafts tests for a commit that is no tip any more
    is stopped for good: those drafts are not wanted.

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
        self._lanes = (
            Lane(False, resources.Turn(wake)),
            Lane(True, resources.Turn(wake, lock="model.lock")),
        )
        self._cuts = 0
        self.paused = ""

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which a running job is ended; None when none runs."""
        return min((lane.worker.deadline for lane in self._lanes if lane.worker), default=None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing is ready."""
        return self.deadline is None and self._db.jobs.next_due() is None

    def next_due(self) -> float | None:
        """The Unix time at which the next job may start as far as can be told now; None where it
        waits for another to end, or none is ready."""
        due = (self._next_due(lane) for lane in self._lanes)
        return min((time for time in due if time is not None), default=None)

    def _next_due(self, lane: Lane) -> float | None:
        if lane.worker or lane.waits_for_turn or (lane.by_model and self._is_first_busy()):
            return None
        return self._db.jobs.next_due(by_model=lane.by_model)

    def _is_first_busy(self) -> bool:
        return bool(self._lanes[0].worker) or self._db.jobs.is_busy()

    def step(self, personal: Personal) -> bool:
        """See to the running jobs and start the next.

        Args:
            personal: The user's settings.

        Returns:
            Whether anything changed.
        """
        changed = False
        self._drop_superseded_drafts()
        for lane in self._lanes:
            lane.waits_for_turn = False
            changed |= self._see_to(lane, personal)
        for lane in self._lanes:
            if not lane.worker:
                changed |= self._start_next(lane, personal)
        return changed

    def _drop_superseded_drafts(self) -> None:
        """Give up the drafts of commits that are no tip any more: a worker would only end them."""
        for job in self._db.jobs.drop_superseded_drafts():
            deferred_work.cancel(self._db, "draft", job.sha)
            self._db.verifications.end_all(job.sha)
            self._logger.info("%s %s: superseded, not started", job.kind, job.sha[:12])

    def _see_to(self, lane: Lane, personal: Personal) -> bool:
        """Settle the job of a lane that has ended or has to make way. Returns whether it has."""
        if not lane.worker:
            return False
        if lane.worker.running():
            if not self.should_make_way(lane.worker.job):
                return False
            lane.worker.end()
        self._settle(lane.worker, personal)
        lane.worker = None
        lane.turn.give_back()
        return True

    def should_make_way(self, job: Job) -> bool:
        """Whether a running job should make way for a newer commit."""
        if job.kind == MODEL_DRAFT:
            return self._db.jobs.lost_its_tip(job)
        if job.kind != MEASURE or self._cuts >= MAX_CUTS:
            return False
        return self._db.jobs.makes_way(job)

    def stop(self) -> None:
        """End the running jobs and give them back to the queue, unless done; leave the line."""
        workers = [lane.worker for lane in self._lanes if lane.worker]
        for worker in workers:
            if worker.job.kind in MODEL_KINDS:
                worker.end()  # it logs what the model did until then
            else:
                worker.kill()
        outcomes = [(worker.job, worker.result()[0]) for worker in workers]
        if workers:
            with contextlib.suppress(sqlite3.Error):  # the desk itself may be gone
                for job, outcome in outcomes:
                    if outcome == "done":
                        self._db.jobs.finish(job)
                self._db.jobs.release_orphans()
        for lane in self._lanes:
            lane.turn.close()

    def _start_next(self, lane: Lane, personal: Personal) -> bool:
        due = self._next_due(lane)
        if due is None or due > time.time():
            lane.turn.give_back()
            return False
        if not self._may_work(lane, personal):
            return False
        point("service.lease")
        seconds = personal.measure_seconds
        job = self._db.jobs.lease(seconds=seconds + 60, by_model=lane.by_model)
        if job is None:
            lane.turn.give_back()
            return False
        failpoints.failpoint("service.leased")
        self._logger.info("%s %s: started", job.kind, job.sha[:12])
        argv = [*self._command, str(job.id)]
        lane.worker = WorkerProcess(argv, self._repo.common_dir, job, seconds, self._wake)
        failpoints.failpoint("service.working")
        return True

    def _may_work(self, lane: Lane, personal: Personal) -> bool:
        reason = resources.pause_reason(personal, self._repo.desk)
        if reason != self.paused:
            self._logger.info("paused: %s" if reason else "going on%s", reason)
            self.paused = reason
        if reason:
            lane.turn.give_back()
            return False
        if personal.one_at_a_time and not lane.turn.ask():
            lane.waits_for_turn = True
        return not lane.waits_for_turn

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
            if job.kind not in MODEL_KINDS:
                self._cuts = 0
            jobs.finish(job)
        elif outcome == "superseded" or (outcome == "cut short" and job.kind in MODEL_KINDS):
            jobs.drop(job, SUPERSEDED)
        elif outcome in ("full", "busy"):
            jobs.put_back(job, message)
        elif outcome == "cut short":
            self._cuts += 1
            jobs.cut_short(job, priority=HISTORY_PRIORITY)
        else:
            jobs.fail(job, message, final=outcome == "final")
