"""The verdict by what has been measured, or is measured for it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from copydesk.agent.coverage.gate.changed_lines import merge_base, texts
from copydesk.agent.coverage.gate.line_status import desk_at, nearest
from copydesk.agent.coverage.gate.question import Question, reader
from copydesk.agent.coverage.gate.verdict import Floors, Judged, Verdict, judge
from copydesk.agent.coverage.measure import commit as measuring
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import loose
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha

INDEX = "GIT_INDEX_FILE"


class _TooLate(BaseException):
    """Time is up. No Exception: whoever expects an OSError on the way must not take it for one."""


@dataclass(slots=True)
class FromDesk:
    """The verdict by what has been measured. `say` is told when something is being measured."""

    repo: Repository
    db: Database
    say: Progress = silent

    def verdict(
        self, question: Question, asked: Floors, *, unknown: str = "pass", within: float = 60.0
    ) -> Verdict:
        """Judge a change.

        Args:
            question: The change.
            asked: The floors.
            unknown: What to do with lines without a verdict: pass, measure or fail.
            within: Seconds that a measure may take.
        """
        target = question.head if question.base is not None else None
        judged, total = self._known(question, target)
        trouble = ""
        if unknown == "measure" and any(j.unknown for j in judged.values()):
            trouble, target = self._measured(question, within)
            judged, total = self._known(question, target)
        asked = replace(asked, unknown="fail" if unknown == "fail" else "pass")
        found = judge(
            judged, asked, read=reader(self.repo, question.change), total=total,
            base_total=self._base_total(question, exact=target is not None),
        )  # fmt: skip
        return replace(found, remarks=(*found.remarks, trouble)) if trouble else found

    def _known(
        self, question: Question, target: Sha | None
    ) -> tuple[dict[str, Judged], float | None]:
        """The changed lines and the total, from the target where it was measured."""
        exact = target is not None and self.db.measures.get(target) is not None
        start = target or question.head
        near = target if exact else nearest(self.repo, self.db, start) if start else None
        seen = desk_at(self.repo, self.db, near, exact=exact)
        judged = seen.judged(question.change, texts(self.repo))
        staged = question.base is None
        done = self.db.measures.get(near) if near and (exact or staged) else None
        return judged, done.percent if done else None

    def _base_total(self, question: Question, *, exact: bool) -> float | None:
        if question.base is None:
            candidates = [question.head] if exact and question.head else []
        else:
            assert question.head is not None
            candidates = [merge_base(self.repo, question.base, question.head), question.base]
        done = (self.db.measures.get(sha) for sha in candidates)
        return next((found.percent for found in done if found), None)

    def _measured(self, question: Question, within: float) -> tuple[str, Sha | None]:
        """Measure what is judged; what went wrong, in words, and the commit that was measured."""
        target = question.head if question.base is not None else None
        try:
            target = target or loose.of_index(
                self.repo,
                index_file(self.repo, os.environ),
                (question.head,) if question.head else (),
            )
            assert target is not None
            with _at_most(within):
                measuring.measure(self.db, Commit(self.repo, target), say=self.say)
        except (CopydeskError, _TooLate) as error:
            return f"it could not be measured: {error}", target if question.base else None
        return "", target


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise _TooLate in the block after some seconds; only the main thread can be timed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLate(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def index_file(repo: Repository, environ: Mapping[str, str]) -> Path:
    """The index that is staged into: `git commit -a` names another one than the worktree's."""
    named = environ.get(INDEX)
    return Path(named).absolute() if named else repo.git_dir / "index"
