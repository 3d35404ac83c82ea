"""What failing tests mean for the verdict on a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from copydesk.agent.coverage.gate.verdict import Verdict
from copydesk.agent.desk.failures import SHOW_FAILURES, FailedTest, failed_words
from copydesk.agent.text import clean

NAMED = 3
"""Failing tests that a finding names."""


def with_failing_tests(
    verdict: Verdict,
    count: int,
    tests: Sequence[FailedTest],
    *,
    stops: bool,
    where: str = "",
) -> Verdict:
    """A verdict that tells of failing tests too.

    Args:
        verdict: What is said of the lines.
        count: How many tests failed.
        tests: Those that are kept, what the change broke first.
        stops: Whether they stop the change.
        where: What they failed at, where that is not the change itself.
    """
    if not count:
        return verdict
    names = [test.in_words for test in tests[:NAMED]]
    if count > len(names):
        names.append(f"{count - len(names):,} more")
    finding = f"{where}{failed_words(count, tests)}: {'; '.join(names)} (`{SHOW_FAILURES}`)"
    finding = clean(finding, keep="")
    if not stops:
        return replace(verdict, remarks=(*verdict.remarks, finding))
    return replace(verdict, verdict="fail", reasons=(*verdict.reasons, finding))
