"""The child process that does one job: `python -m ...daemon.worker_main COMMON_DIR JOB`.

Whatever a step imports and allocates goes with this process; the daemon stays small. Without
a job it only brings the desk up to date, for that too needs large libraries.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from copydesk.agent.daemon.log import daemon_logger
from copydesk.agent.daemon.step_context import Step, StepContext, repository
from copydesk.agent.daemon.worker_process import BUSY, DONE, FINAL, FULL, RETRY, SUPERSEDED
from copydesk.agent.desk import space
from copydesk.agent.desk.jobs import MODEL_KINDS
from copydesk.agent.desk.store import mend, open_desk
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.repository import Repository
from copydesk.agent.process import lower_priority
from copydesk.hooks import failpoints, filesystem

WORK_LOCK, MODEL_LOCK = "work.lock", "model.lock"
"""What a worker holds while it runs, and one that asks a model; files on the desk."""

_PATIENCE_SECONDS = 30.0


def main(argv: Sequence[str], steps: Mapping[str, Step] | None = None) -> int:
    """Do one job.

    Args:
        argv: The shared git folder and the job's id; without an id the desk is made ready,
            with "mend" in its place it is checked first.
        steps: What to do for each kind of job; copydesk's own steps when left out.

    Returns:
        The exit code: see agent/daemon/worker_process.py.
    """
    repo = repository(Path(argv[0]))
    command = argv[1:]
    try:
        if not command or command == ["mend"]:
            _make_desk_ready(repo, check=bool(command))
            return DONE
        return _do_job(repo, int(command[0]), steps)
    except Superseded:
        return SUPERSEDED
    except CopydeskError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        if space.is_full(error):
            return FULL
        if space.is_busy(error):
            return BUSY
        return RETRY if getattr(error, "retry", False) else FINAL
    except Exception as error:
        traceback.print_exc()
        return FULL if space.is_full(error) else RETRY


def _make_desk_ready(repo: Repository, *, check: bool) -> None:
    """Bring the schema of the desk up to date; with check, begin anew where it is damaged."""
    if check:
        mend(repo.desk, daemon_logger(repo.desk).info)
    with open_desk(repo.desk):
        pass


def _do_job(repo: Repository, identity: int, steps: Mapping[str, Step] | None) -> int:
    _die_with_the_daemon()
    _unwind_on_sigterm()
    lower_priority()
    with open_desk(repo.desk) as db:
        job = db.jobs.by_id(identity)
        if job is None:
            return SUPERSEDED
        lock = MODEL_LOCK if job.kind in MODEL_KINDS else WORK_LOCK
        if not _wait_for_other_worker(repo.desk / lock):
            print("another worker has not ended yet", file=sys.stderr)
            return RETRY
        step = _step(job.kind, steps)
        failpoints.failpoint("work.step")
        step(StepContext(repo, db, daemon_logger(repo.desk).info), job.sha)
        _ignore_sigterm()
        failpoints.failpoint("work.done")
    return DONE


def _step(kind: str, steps: Mapping[str, Step] | None) -> Step:
    if steps is None:
        # the steps bring in everything there is, and a test brings its own
        from copydesk.agent.daemon.job_steps import STEPS

        steps = STEPS
    if kind not in steps:
        raise CopydeskError(
            f"there is no kind of job named {kind!r}",
            slug="unknown-step",
            hint="The job was queued by another version of copydesk.",
        )
    return steps[kind]


def _die_with_the_daemon() -> None:
    """End the whole group when standard input ends: a daemon that was killed ends nothing."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.killpg(os.getpgid(0), signal.SIGKILL)

    if os.getpgid(0) == os.getpid():  # not when run by hand, in somebody else's group
        threading.Thread(target=watch, daemon=True).start()


def _unwind_on_sigterm() -> None:
    """Let SIGTERM unwind the stack, so that programs that were started are ended."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if _is_ended_by_signal():
        signal.signal(signal.SIGTERM, end)


def _ignore_sigterm() -> None:
    """A job that is done and then says that it was ended would be done again."""
    if _is_ended_by_signal():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_ended_by_signal() -> bool:
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and os.getpgid(0) == os.getpid()


def _wait_for_other_worker(path: Path) -> bool:
    """Wait until the worker of a daemon that was killed is gone; False when it stays.

    Args:
        path: The lock that workers of its kind hold.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if filesystem.take_lock(lock):  # held until this process ends
            return True
        if time.monotonic() > until:
            os.close(lock)
            return False
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
