"""The verdict by what has been measured, or is measured for it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Literal

from copydesk.agent.config import load_personal, load_project, tests_may_fail
from copydesk.agent.coverage.gate.changed_configuration import remarks_on_change
from copydesk.agent.coverage.gate.changed_lines import index_file, merge_base, texts
from copydesk.agent.coverage.gate.failing_tests import with_failing_tests
from copydesk.agent.coverage.gate.line_status import measured_lines_at, nearest_measured
from copydesk.agent.coverage.gate.request import (
    GateRequest,
    changed_file_reader,
    floors_for,
    with_files,
)
from copydesk.agent.coverage.gate.verdict import Floors, JudgedProject, LineStatus, Verdict, judge
from copydesk.agent.coverage.store import Measure
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import uncommitted
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha


class _TooLate(BaseException):
    """Time is up. No Exception: whoever expects an OSError on the way must not take it for one."""


@dataclass(slots=True)
class MeasuredGate:
    """Judges by what has been measured. `say` is told when something is being measured."""

    repo: Repository
    db: Database
    say: Progress = silent

    def judge(
        self, request: GateRequest, floors: Floors, *, unknown: str = "pass", within: float = 60.0
    ) -> Verdict:
        """Judge a change.

        Args:
            request: The change.
            floors: What is asked of it.
            unknown: What to do with lines without a verdict: pass, measure or fail.
            within: Seconds that a measure may take.
        """
        # the hook takes the same files for sources
        request = with_files(self.repo, request, self.db.measures.counted_scripts())
        target = None if request.is_staged else request.head
        statuses, measured, failures = self._statuses(request, target)
        trouble = ""
        may_fail = tests_may_fail(floors.tests_may_fail, load_personal(self.repo)[0].failing_tests)
        needs_tests = request.is_staged and may_fail == "never" and bool(request.change.lines)
        has_unknown = unknown == "measure" and self._has_unknown(request, statuses, measured)
        if needs_tests or has_unknown:
            trouble, target = self._measure(request, within)
            statuses, measured, failures = self._statuses(request, target)
        projects = self._projects(request, floors, measured, exact=target is not None)
        verdict = judge(
            statuses,
            replace(floors, unknown=_kept_policy(unknown, floors), projects=tuple(projects)),
            read=changed_file_reader(self.repo, request.change),
            total=measured.percent if measured else None,
            base_total=self._base_total(request, exact=target is not None),
            doubts=measured.doubts if measured else (),
        )
        foreign = self.db.foreign_maps.shares(measured.sha) if measured else []
        remarks = (*(share.words for share in foreign), *_remarks(failures, trouble))
        remarks = (*remarks, *remarks_on_change(self.repo, request))
        verdict = replace(verdict, remarks=(*verdict.remarks, *remarks))
        return self._with_failing_tests(verdict, request, target, may_fail)

    def _with_failing_tests(
        self, verdict: Verdict, request: GateRequest, target: Sha | None, may_fail: str
    ) -> Verdict:
        """The verdict with the tests that fail: at the change where that was measured, else, where
        it is staged, at the commit that it is staged on, which stops nobody.
        """
        measure = self.db.measures.get(target) if target else None
        if measure is not None:
            tests = self.db.failed_tests.of_commit(measure.sha)
            stops = may_fail == "never" or (may_fail == "commit" and not request.is_staged)
            return with_failing_tests(verdict, measure.failed, tests, stops=stops)
        former = self.db.measures.get(request.head) if request.is_staged and request.head else None
        if former is None:
            return verdict
        tests = self.db.failed_tests.of_commit(former.sha)
        return with_failing_tests(
            verdict, former.failed, tests, stops=False, where="at the commit before, "
        )

    def _projects(
        self, request: GateRequest, floors: Floors, measured: Measure | None, *, exact: bool
    ) -> list[JudgedProject]:
        """The projects of what is judged, each with its own floors; none where it is one."""
        totals = self.db.measures.projects(measured.sha) if measured else []
        if not totals:
            return []
        base = self._measured_base(request, exact=exact)
        before = self.db.measures.projects(base.sha) if base else []
        percents = {project.folder: project.percent for project in before}
        projects = []
        for total in totals:
            settings = load_project(
                self.repo, None if request.is_staged else request.head, total.folder
            )
            own = floors_for(
                request, *settings, fail_under=floors.named[0], diff_fail_under=floors.named[1]
            )
            own = replace(own, unknown=floors.unknown)
            before_it = percents.get(total.folder)
            projects.append(
                JudgedProject(total.folder, total.percent, before_it, total.doubts, own)
            )
        return projects

    def _has_unknown(
        self, request: GateRequest, statuses: Mapping[str, LineStatus], measured: Measure | None
    ) -> bool:
        """Whether a measure would tell something that is asked for."""
        is_measured = measured is not None and not request.is_staged
        if any(s.unknown and not (is_measured and s.why) for s in statuses.values()):
            return True
        return measured is None and not request.is_staged

    def _statuses(
        self, request: GateRequest, target: Sha | None
    ) -> tuple[dict[str, LineStatus], Measure | None, list[str]]:
        """The changed lines, the measure that the total is from (the target's if there is), and
        the files that copydesk failed on.
        """
        exact = target is not None and self.db.measures.get(target) is not None
        measured_sha = target
        if not exact:
            start = target or request.head
            measured_sha = nearest_measured(self.repo, self.db, start) if start else None
        lines = measured_lines_at(self.repo, self.db, measured_sha, exact=exact)
        statuses = lines.statuses(request.change, texts(self.repo, request.change))
        if measured_sha is None or not (exact or request.is_staged):
            return statuses, None, lines.failures
        return statuses, self.db.measures.get(measured_sha), lines.failures

    def _base_total(self, request: GateRequest, *, exact: bool) -> float | None:
        """The total of what the change is compared with, where that was measured."""
        measure = self._measured_base(request, exact=exact)
        return measure.percent if measure else None

    def _measured_base(self, request: GateRequest, *, exact: bool) -> Measure | None:
        """The measure of what the change is compared with, where there is one that says a total."""
        if request.base is None:
            candidates = [request.head] if exact and request.head else []
        else:
            assert request.head is not None
            candidates = [merge_base(self.repo, request.base, request.head), request.base]
        for sha in candidates:
            measure = self.db.measures.get(sha)
            if measure and measure.percent is not None:
                return measure
        return None

    def _measure(self, request: GateRequest, within: float) -> tuple[str, Sha | None]:
        """Measure what is judged; what went wrong, in words, and the commit that was measured."""
        # imports all that runs tests, and mostly nothing is measured
        from copydesk.agent.coverage.measure import measure

        target = None if request.is_staged else request.head
        try:
            target = target or self._commit_of_index(request)
            with _at_most(within):
                measure(self.db, Commit(self.repo, target), say=self.say)
        except (CopydeskError, _TooLate) as error:
            return f"it could not be measured: {error}", None if request.is_staged else target
        return "", target

    def _commit_of_index(self, request: GateRequest) -> Sha:
        """What is staged, as a commit that no branch names."""
        parents = (request.head,) if request.head else ()
        return uncommitted.commit_index(self.repo, index_file(self.repo, os.environ), parents)


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise _TooLate in the block after some seconds; only the main thread can be timed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLate(f"it took longer than {seconds:g} s")

    former = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _kept_policy(unknown: str, floors: Floors) -> Literal["pass", "fail"]:
    """What becomes of lines that have no verdict even now: "fail" or "pass"."""
    may_not_pass = unknown == "fail" or (unknown == "measure" and floors.is_strict)
    return "fail" if may_not_pass else "pass"


def _remarks(failures: Sequence[str], trouble: str) -> list[str]:
    """What is to be said of files that copydesk failed on, and of a measure that was not made."""
    remarks = [f"{failure.strip()}: its lines are unknown" for failure in failures]
    return [*remarks, trouble] if trouble else remarks
