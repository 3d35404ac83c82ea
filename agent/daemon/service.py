"""The daemon: `python -m copydesk.agent.daemon.service COMMON_DIR`.

A loop until a flag. Each turn reads notifications, compares the refs, sees to the one job that
may be running, and then sleeps until something stirs or is due. It keeps nothing in memory
that matters: SIGKILL at any point loses nothing.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent.daemon import lock, notifications, reconcile, worker_process
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.job_runner import JobRunner
from copydesk.agent.daemon.log import daemon_logger
from copydesk.agent.daemon.main_loop import RESCAN_SECONDS, MainLoop, Pace
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.daemon.step_context import repository
from copydesk.agent.daemon.wakeup import WakeUp
from copydesk.agent.desk import space
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.recorded_host import record_host
from copydesk.agent.process import ProcessError
from copydesk.agent.process import run as run_program
from copydesk.agent.text import one_line
from copydesk.hooks import start_daemon

CHECK_SECONDS = 600.0
"""How long bringing the desk up to date, or checking it after an unclean end, may take."""


class Service:
    """A daemon for one repository: it takes the lock, serves, and leaves without losing anything.

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
        self._command = list(worker_command or worker_process.command())
        self._pace = Pace(idle_seconds, rescan_seconds)
        self._logger = daemon_logger(self._desk)
        self.wakeup = WakeUp()
        self._stopping = False
        self._successor = ""

    def stop(self) -> None:
        """Have the loop end; a job in hand goes back to the queue."""
        self._stopping = True
        self.wakeup()

    def close(self) -> None:
        """Give the loop's pipe back."""
        self.wakeup.close()

    def run(self) -> int:
        """Be the daemon until there is nothing to do, or told to stop.

        Returns:
            The exit code: 0, or 1 when the desk cannot be used.
        """
        try:
            with lock.try_lock(self._desk) as own_lock:
                if own_lock is None:
                    return 0
                self._make_ready()
                with open_desk(self._desk) as db:
                    self._serve(own_lock, db)
        except (CopydeskError, OSError, sqlite3.Error) as error:
            if isinstance(error, CopydeskError) or space.is_full(error) or space.is_busy(error):
                self._logger.error("cannot go on: %s", error)
                return 1
            raise
        if self._successor:
            common = str(self._repo.common_dir)
            argv = start_daemon.daemon_command(common, self._successor)
            start_daemon.start_detached(argv, common)
        return 0

    def _make_ready(self) -> None:
        """Say who is the daemon, and prepare spool and desk; on a full disk without the ballast."""
        unclean = (self._desk / start_daemon.NOTE).exists()
        try:
            self._prepare(unclean)
        except (CopydeskError, OSError) as error:
            if not (space.is_full(error) or space.low(self._desk)):
                raise
            if not space.throw_ballast(self._desk):
                raise
            self._logger.warning("the disk is full: threw off the ballast to be able to start")
            self._prepare(unclean)

    def _prepare(self, unclean: bool) -> None:
        """Bring the desk's schema up to date in a child: migrations need large libraries.

        After an unclean end it is checked first, and mended where that is needed.
        """
        lock.write_note(self._desk)
        self._record_model_host()
        notifications.prepare(self._desk)
        argv = [*self._command, str(self._repo.common_dir), *(["mend"] if unclean else [])]
        try:
            run_program(argv, timeout=CHECK_SECONDS, env=worker_process.worker_environment())
        except ProcessError as error:
            raise CopydeskError(
                f"the desk cannot be made ready: {error.output or error.reason}", slug="bad-desk"
            ) from error

    def _record_model_host(self) -> None:
        """Keep which model server is meant; a repository that cannot be written has none kept."""
        try:
            record_host(self._repo)
        except CopydeskError as error:
            self._logger.warning("the model's server is not recorded: %s", one_line(str(error)))

    def _serve(self, own_lock: lock.DaemonLock, db: Database) -> None:
        db.jobs.release_orphans()
        watcher = FileWatcher(self._repo.common_dir, self.wakeup)
        polling = ", polling" if watcher.polling else ""
        self._logger.info("started, process %d%s", os.getpid(), polling)
        runner = JobRunner(self._repo, db, self._command, self.wakeup, self._logger)
        scanner = Scanner(self._repo, db, watcher, self._logger, self._make_room)
        loop = MainLoop(self._repo, scanner, runner, self.wakeup, self._pace, self._logger)
        try:
            while True:
                loop.run(lambda: not self._stopping and not self._is_homeless(own_lock))
                if not self._must_go_on(own_lock, db, disk_is_full=loop.disk.is_full):
                    break
        finally:
            runner.stop()
            watcher.stop()
        self._logger.info("stopped")

    def _make_room(self, python: str) -> None:
        self._successor = python
        self.stop()

    def _must_go_on(self, own_lock: lock.DaemonLock, db: Database, *, disk_is_full: bool) -> bool:
        """Leave without orphaning what came meanwhile.

        Whoever found the lock held before it was released has left a notification before, so
        the look after the release finds it.

        Returns:
            Whether something came, and the lock is ours again.
        """
        if self._is_homeless(own_lock):
            return False
        if not disk_is_full:
            db.checkpoint()
        lock.remove_note(self._desk)
        if self._stopping:
            return False
        own_lock.release()
        if not self._has_work(db):
            return False
        if not own_lock.acquire():
            return False
        lock.write_note(self._desk)
        return True

    def _has_work(self, db: Database) -> bool:
        return (
            notifications.waiting(self._desk)
            or db.jobs.next_due() is not None
            or reconcile.pending(self._repo, db)
        )

    def _is_homeless(self, own_lock: lock.DaemonLock) -> bool:
        """Whether the repository, the desk or copydesk itself has gone."""
        return not (own_lock.in_place() and Path(sys.prefix).is_dir())


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
    signal.set_wakeup_fd(service.wakeup.descriptor, warn_on_full_buffer=False)
    try:
        return service.run()
    except Exception:
        daemon_logger(common_dir / "copydesk").critical("ended by a bug", exc_info=True)
        return 1
    finally:
        signal.set_wakeup_fd(-1)
        service.close()


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
