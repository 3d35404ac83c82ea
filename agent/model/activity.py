"""What a model does for the daemon right now, in a small file on the desk that `status` reads."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.model.deferred_work import JOB_KINDS, WorkKind
from copydesk.agent.records import Sha
from copydesk.agent.text import plural

NAME: Final = "model.json"
_WRITE_SECONDS = 1.0
_LONG_SILENCE = 10.0  # seconds without a word in answer to a request


class Activity(NamedTuple):
    """What a model is doing.

    `step` is "", "loading", "reading" or "writing", `tokens` what it has written for this piece of
    work so far. Times are Unix times: when the work began, when the request under way was sent (0:
    none is), and when this was written.
    """

    kind: WorkKind
    sha: Sha
    step: str
    tokens: int
    began: float
    asked: float
    written: float


class ActivityFile:
    """Writes what a model does while one piece of work is done; a TokenProgress.

    Args:
        desk: The desk's folder.
        kind: What it works on.
        sha: For which commit.
        clock: The Unix time.
    """

    def __init__(
        self, desk: Path, kind: WorkKind, sha: Sha, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = desk / NAME
        self._clock = clock
        now = clock()
        self._activity = Activity(kind, sha, "", 0, now, 0.0, now)
        self._before = 0  # tokens of the answers that have ended

    def __enter__(self) -> ActivityFile:
        self._write()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)

    def __call__(self, step: str, pieces: int) -> None:
        """Take a step of the model, and how many pieces of its answer have come."""
        now, before = self._clock(), self._activity
        if not step:
            before = before._replace(asked=0.0)
        elif not before.asked:
            self._before = before.tokens
            before = before._replace(asked=now)
        tokens = self._before + pieces if step == "writing" else before.tokens
        is_due = step != before.step or now - before.written >= _WRITE_SECONDS
        self._activity = before._replace(step=step, tokens=tokens)
        if is_due:
            self._write()

    def _write(self) -> None:
        self._activity = self._activity._replace(written=self._clock())
        partial = self._path.with_suffix(".partial")
        with contextlib.suppress(OSError):  # a full disk does not end the work
            partial.write_text(json.dumps(self._activity._asdict()), "utf-8")
            partial.replace(self._path)


def read_activity(desk: Path) -> Activity | None:
    """What was last written there; None where nothing is. Its writer may have been killed."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Activity(**json.loads((desk / NAME).read_text("utf-8")))
    return None


def current_activity(db: Database, desk: Path) -> Activity | None:
    """What a model is doing for the daemon; None where it does nothing."""
    activity = read_activity(desk)
    if activity is None or not db.jobs.is_running(JOB_KINDS[activity.kind], activity.sha):
        return None
    return activity


def log_interrupted(db: Database, desk: Path) -> None:
    """Log the request of a worker that was killed, whose time counts like any other's; only for
    whoever has taken that worker's place."""
    left = read_activity(desk)
    (desk / NAME).unlink(missing_ok=True)
    if left is None or not left.asked:
        return
    db.model_calls.add(
        CallRecord(
            purpose="test" if left.kind == "draft" else "devlog",
            model="",
            digest="",
            prompt="",
            response="",
            options={},
            prompt_tokens=0,
            output_tokens=left.tokens,
            seconds=max(0.0, left.written - left.asked),
            outcome="cancelled",
        )
    )


def activity_words(activity: Activity, *, now: float | None = None) -> str:
    """What a model is doing, in one clause."""
    seconds = (time.time() if now is None else now) - activity.began
    for_how_long = f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
    work = "tests for" if activity.kind == "draft" else "the story of"
    doing = f"writing {work} {activity.sha[:8]}"
    if activity.step == "loading":
        return f"a model is loaded for {doing} ({for_how_long})"
    if not activity.step:
        return f"a model is between two answers, {doing} ({for_how_long})"
    if activity.step == "reading" and activity.asked:
        silence = (time.time() if now is None else now) - activity.asked
        if silence >= _LONG_SILENCE:
            return f"a model reads, or answers others first ({silence:.0f} s), before {doing}"
    return f"a model is {doing} ({plural(activity.tokens, 'token')}, {for_how_long})"
