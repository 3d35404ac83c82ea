"""What a measure says in numbers."""

from __future__ import annotations

from collections import Counter

from copydesk.agent.coverage.measure.merge_traces import COLLECTION
from copydesk.agent.coverage.measure.plan import Plan
from copydesk.agent.coverage.measure.reusable_totals import FileTotal
from copydesk.agent.coverage.runner import Recording
from copydesk.agent.coverage.store import Measure, Trace
from copydesk.agent.records import Sha
from copydesk.hooks.doubts import percent_of


def figures(
    sha: Sha,
    plan: Plan,
    traces: list[Trace],
    totals: list[FileTotal],
    recording: Recording | None,
    seconds: float,
) -> Measure:
    """The measure of a commit in numbers.

    Args:
        sha: The commit.
        plan: What was run, and what it started from.
        traces: The traces that make the commit.
        totals: The totals of its files.
        recording: What was recorded now, if anything.
        seconds: How long it took.
    """
    outcomes = Counter(trace.outcome for trace in traces if trace.kind == "test")
    broken_files = sum(trace.kind == COLLECTION for trace in traces)
    measure = Measure(
        sha=sha,
        base=plan.base.sha if plan.base else None,
        reason=plan.reason,
        selected=len(recording.tests) if recording else 0,
        total=outcomes.total(),
        passed=outcomes["passed"] + outcomes["xfailed"] + outcomes["xpassed"],
        failed=outcomes["failed"] + outcomes["error"] + broken_files,
        skipped=outcomes["skipped"],
        executable=sum(file.sum.executable for file in totals),
        covered=sum(file.sum.covered for file in totals),
        percent=None,
        seconds=seconds,
    )
    doubts = list(measure.doubts)
    return measure._replace(percent=percent_of(measure.covered, measure.executable, doubts))
