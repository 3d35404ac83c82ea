"""The outcome of each test, as a pytest plugin that watches and changes nothing.

`-p copydesk_probe.outcomes` in the reference runs of a replay: writes JSON, outcome by node id, to
the file that $COPYDESK_OUTCOMES names.
"""

from __future__ import annotations

import json
import os
from typing import Any

RANK = {"passed": 0, "skipped": 1, "xfailed": 2, "xpassed": 3, "failed": 4, "error": 5}
"""Outcomes, the better first; a test's is the worst of its phases."""

OUTCOMES: dict[str, str] = {}
"""The outcome of each test so far, by node id."""


def outcome_of(report: Any) -> str:
    """The outcome of one phase of a test."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return str(report.outcome)


def worse_of(former: str, now: str) -> str:
    """The worse of two outcomes; one that a plugin invented counts as a failure."""
    return now if RANK.get(now, 4) > RANK.get(former, 4) else former


def pytest_runtest_logreport(report: Any) -> None:
    """Keep the worst thing that happened to a test."""
    OUTCOMES[report.nodeid] = worse_of(OUTCOMES.get(report.nodeid, "passed"), outcome_of(report))


def pytest_unconfigure() -> None:
    """Write the outcomes."""
    with open(os.environ["COPYDESK_OUTCOMES"], "w", encoding="utf-8") as file:
        json.dump(OUTCOMES, file)
