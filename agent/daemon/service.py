"""The daemon: `python -m copydesk.agent.daemon.service COMMON_DIR`.

A loop until a flag. Each turn takes in events, compares the refs, sees to the one job that
may be running, and then sleeps until something stirs or is due. It keeps nothing in memory
that matters: SIGKILL at any point loses nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.config import Personal
from copydesk.agent.daemon import (
    lock,
    notifications,
    prune,
    reconcile,
    resources,
    superseded,
    worker,
)
from copydesk.agent.daemon.answers import model_answers
from copydesk.agent.daemon.context import repository
from copydesk.agent.daemon.log import Log
from copydesk.agent.daemon.watch import Watcher
from copydesk.agent.desk import space
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk, point
from copydesk.agent.errors import CopydeskError
from copydesk.agent.model import deferred_work
from copydesk.agent.process import ProcessError
from copydesk.agent.process import run as run_program
from copydesk.agent.text import one_line, plural
from copydesk.hooks import failpoints, spool, start_daemon

RESCAN_SECONDS = 45.0
DEBOUNCE_SECONDS = 0.02
PAUSE_SECONDS = 30.0
"""How often is looked whether what holds the work back is over."""

CHECK_SECONDS = 600.0
"""How long bringing the desk up to date, or checking it after an unclean end, may take."""


class Service:
    """A daemon for one repository.

    Args:
        common_dir: The git folder that all its worktrees share.
        worker_command: What runs a job; gets the common dir and the job's id as arguments.
        idle_seconds: How long to stay with nothing to do; the user's setting when left out.
        rescan_seconds: How often to look although nothing stirred.
    """

    def __init__(
        self,
        common_dir: Path,
        *,
        worker_command: Sequence[str] | None = None,
        idle_seconds: float | None = None,
        rescan_seconds: float = RESCAN_SECONDS,
    ) -> None:
        self._repo = repository(common_dir)
        self._desk = self._repo.desk
        self._command = list(worker_command or worker.command())
        self._idle_seconds = idle_seconds
        self._rescan_seconds = rescan_seconds
        self._log = Log(self._desk)
        self._listen, self._poke = os.pipe()
        os.set_blocking(self._listen, False)
        os.set_blocking(self._poke, False)
        self._stopping = False
        self._worker: worker.Worker | None = None
        self._turn = resources.Turn(self.wake)
        self._paused = ""
        self._full = False
        self._successor = ""
        self._cuts = 0

    @property
    def poke(self) -> int:
        """The file descriptor that wakes the loop when a byte is written to it."""
        return self._poke

    def wake(self) -> None:
        """Have the loop take a turn soon; safe from any thread and from a signal handler."""
        with contextlib.suppress(OSError):  # a full pipe wakes just as well
            os.write(self._poke, b".")

    def stop(self) -> None:
        """Have the loop end; a job in hand goes back to the queue."""
        self._stopping = True
        self.wake()

    def run(self) -> int:
        """Be the daemon until there is nothing to do, or told to stop.

        Returns:
            The exit code: 0, or 1 when the desk cannot be used.
        """
        try:
            with lock.held(self._desk) as held:
                if held is None:
                    return 0
                self._begin(held)
        except (CopydeskError, OSError, sqlite3.Error) as error:
            if isinstance(error, CopydeskError) or space.is_full(error):
                self._log.say(f"cannot go on: {error}")
                return 1
            raise
        if self._successor:
            common = str(self._repo.common_dir)
            argv = start_daemon.daemon_command(common, self._successor)
            start_daemon.start_detached(argv, common)
        return 0

    def _begin(self, held: lock.Lock) -> None:
        unclean = (self._desk / start_daemon.NOTE).exists()
        try:
            lock.write_note(self._desk)
            notifications.prepare(self._desk)
            self._prepare_desk(unclean)
        except (CopydeskError, OSError) as error:
            if not (space.is_full(error) or space.low(self._desk)):
                raise
            if not space.throw_ballast(self._desk):
                raise
            self._log.say("the disk is full: threw off the ballast to be able to start")
            lock.write_note(self._desk)
            notifications.prepare(self._desk)
            self._prepare_desk(unclean)
        with open_desk(self._desk) as db:
            self._serve(held, db)

    def close(self) -> None:
        """Give the loop's pipe back."""
        self._turn.close()
        os.close(self._listen)
        os.close(self._poke)

    def _prepare_desk(self, unclean: bool) -> None:
        """Bring the desk's schema up to date in a child: migrations need large libraries.

        After an unclean end it is checked first, and mended where that is needed.
        """
        argv = [*self._command, str(self._repo.common_dir), *(["mend"] if unclean else [])]
        try:
            run_program(argv, timeout=CHECK_SECONDS, env=worker.worker_environment())
        except ProcessError as error:
            raise CopydeskError(
                f"the desk cannot be made ready: {error.output or error.reason}", slug="bad-desk"
            ) from error

    def _serve(self, held: lock.Lock, db: Database) -> None:
        db.jobs.release_orphans()
        watcher = Watcher(self._repo.common_dir, self.wake)
        self._log.say(f"started, process {os.getpid()}" + (", polling" if watcher.polling else ""))
        try:
            while True:
                self._loop(held, db, watcher)
                if not self._ends(held, db):
                    break
        finally:
            self._end_worker(db)
            self._turn.close()
            watcher.stop()
        self._log.say("stopped")

    def _ends(self, held: lock.Lock, db: Database) -> bool:
        """Leave without orphaning what came meanwhile; True when the loop must go on.

        Whoever found the lock held before it was released has dropped an event before, so
        the look after the release finds it.
        """
        if self._homeless(held):
            return False
        if not self._full:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        lock.remove_note(self._desk)
        if self._stopping:
            return False
        held.release()
        if not self._anything(db):
            return False
        if not held.acquire():
            return False
        lock.write_note(self._desk)
        return True

    def _anything(self, db: Database) -> bool:
        return (
            notifications.waiting(self._desk)
            or db.jobs.next_due() is not None
            or reconcile.pending(self._repo, db)
        )

    def _homeless(self, held: lock.Lock) -> bool:
        """Whether the repository, the desk or copydesk itself has gone."""
        return not (held.in_place() and Path(sys.prefix).is_dir())

    def _loop(self, held: lock.Lock, db: Database, watcher: Watcher) -> None:
        busy_until = time.monotonic()
        looked = -self._rescan_seconds
        personal = self._personal()
        stirred = True
        while not self._stopping and not self._homeless(held):
            now = time.monotonic()
            try:
                if stirred or now - looked >= self._rescan_seconds:
                    looked = now
                    personal = self._personal()
                    if self._look(db, watcher, personal):
                        busy_until = now
                if self._work(db, personal):
                    busy_until = time.monotonic()
                self._has_room()
            except (CopydeskError, OSError, sqlite3.Error) as error:
                if not space.is_full(error):
                    raise
                self._is_full(error)
            due = db.jobs.next_due()
            if due is None and self._worker is None and not notifications.waiting(self._desk):
                left = busy_until + personal.idle_seconds - time.monotonic()
                if left <= 0:
                    return
            else:
                left = self._rescan_seconds if due is None else max(0.05, due - time.time())
                busy_until = time.monotonic()
            if self._paused:
                left = PAUSE_SECONDS
            if self._worker:
                left = self._worker.deadline - time.monotonic()
            until_look = looked + self._rescan_seconds - time.monotonic()
            stirred = self._sleep(max(0.0, min(left, until_look)))

    def _is_full(self, error: Exception) -> None:
        """There is no room to write: make some, and go on when there is more."""
        if space.throw_ballast(self._desk) or not self._full:
            self._log.say(f"the disk is full: paused ({one_line(str(error))})")
        self._full = True
        self._paused = self._paused or "the disk is full"

    def _has_room(self) -> None:
        if not space.low(self._desk):
            if self._full:
                self._log.say("there is room on the disk again")
                self._full = False
            space.lay_ballast(self._desk)

    def _sleep(self, seconds: float) -> bool:
        """Sleep until something stirs; True when something did."""
        if not select.select([self._listen], [], [], seconds)[0]:
            return False
        if not self._stopping:
            time.sleep(DEBOUNCE_SECONDS)  # one commit moves several files
        with contextlib.suppress(BlockingIOError):
            while os.read(self._listen, 4096):
                pass
        return True

    def _look(self, db: Database, watcher: Watcher, personal: Personal) -> bool:
        """Take in events and compare the refs. Returns whether there was anything new."""
        notifications.prepare(self._desk)
        notifications.sweep(self._desk)
        watcher.refresh()
        events = notifications.take_in(db, self._desk)
        for event in events:
            if event.hook == spool.UPGRADE and os.access(event.worktree, os.X_OK):
                self._log.say("making room for a newer copydesk")
                self._successor = event.worktree
                self.stop()
                return True
        for work in deferred_work.retry_due(db, lambda: model_answers(self._repo, db)):
            self._log.say(f"{work.kind} {work.sha[:12]}: a model answers again")
        try:
            seen = reconcile.reconcile(self._repo, db, personal)
        except CopydeskError as error:
            self._log.say(f"the refs could not be read: {one_line(str(error))}")
            return bool(events)
        if seen.tips:
            self._log.say(
                f"{plural(seen.commits, 'new commit')}, {plural(len(seen.tips), 'tip')}"
                + (f", {plural(seen.dropped, 'measure')} superseded" if seen.dropped else "")
            )
        return bool(events or seen.tips)

    def _work(self, db: Database, personal: Personal) -> bool:
        """See to the running job and start the next. Returns whether anything changed."""
        if self._worker:
            if self._worker.running():
                if not superseded.is_superseded(db, self._worker.job, self._cuts):
                    return False
                self._worker.end()
            self._settle(db, self._worker)
            self._worker = None
            self._turn.give_back()
        due = db.jobs.next_due()
        if due is None or due > time.time() or not self._may_work(personal):
            return False
        point("service.lease")
        job = db.jobs.lease(seconds=personal.measure_seconds + 60)
        if job is None:
            self._turn.give_back()
            return False
        failpoints.failpoint("service.leased")
        argv = [*self._command, str(self._repo.common_dir), str(job.id)]
        self._log.say(f"{job.kind} {job.sha[:12]}: started")
        seconds = personal.measure_seconds
        self._worker = worker.Worker(argv, self._repo.common_dir, job, seconds, self.wake)
        failpoints.failpoint("service.working")
        return True

    def _may_work(self, personal: Personal) -> bool:
        reason = resources.pause_reason(personal, self._desk)
        if reason != self._paused:
            self._log.say(f"paused: {reason}" if reason else "going on")
            self._paused = reason
        if reason:
            self._turn.give_back()
            return False
        return not personal.one_at_a_time or self._turn.ask()

    def _settle(self, db: Database, ended: worker.Worker) -> None:
        how, said = ended.result()
        job = ended.job
        if how == "retry" and space.low(self._desk):
            how = "full"
        point("service.settle")
        if how == "done":
            self._cuts = 0
            db.jobs.finish(job)
        elif how == "superseded":
            db.jobs.drop(job, "superseded")
        elif how == "full":
            db.jobs.put_back(job, said)
        elif how == "cut short":
            self._cuts += 1
            superseded.put_back(db, job)
        else:
            db.jobs.fail(job, said, final=how == "final")
        failpoints.failpoint("service.settled")
        prune.ask_when_due(db, self._desk, self._personal().disk_mb)
        reason = said.splitlines()[-1] if said and how in ("retry", "final", "full") else ""
        self._log.say(f"{job.kind} {job.sha[:12]}: {how} {one_line(reason)}".rstrip())

    def _end_worker(self, db: Database) -> None:
        if self._worker:
            self._worker.kill()
            how, _ = self._worker.result()
            with contextlib.suppress(sqlite3.Error):  # the desk itself may be gone
                if how == "done":
                    db.jobs.finish(self._worker.job)
                db.jobs.release_orphans()

    def _personal(self) -> Personal:
        """The user's settings as they are now; one that cannot be read leaves them all alone."""
        try:
            personal = config.load_personal(self._repo)[0]
        except CopydeskError as error:
            self._log.say(f"settings: {one_line(str(error))}")
            personal = Personal()
        if self._idle_seconds is not None:
            personal = dataclasses.replace(personal, idle_seconds=self._idle_seconds)
        return personal


def run(
    common_dir: Path,
    *,
    worker_command: Sequence[str] | None = None,
    idle_seconds: float | None = None,
    rescan_seconds: float = RESCAN_SECONDS,
) -> int:
    """Be the daemon in this process, until SIGTERM, SIGINT or nothing to do. See Service."""
    service = Service(
        common_dir,
        worker_command=worker_command,
        idle_seconds=idle_seconds,
        rescan_seconds=rescan_seconds,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # the flag alone would not end a select that Python restarts after the handler
    signal.set_wakeup_fd(service.poke, warn_on_full_buffer=False)
    try:
        return service.run()
    except Exception:
        Log(common_dir / "copydesk").say(traceback.format_exc())
        return 1
    finally:
        signal.set_wakeup_fd(-1)
        service.close()


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
