"""Outcomes for which a test is run again."""

from __future__ import annotations

FAILED = "failed before"
"""Why a failing test is run again."""

UNFINISHED = "unfinished"
"""The outcome of a test that never came to its end, as the run was cut short."""

RECONFIGURED = "reconfigured"
"""The outcome of a test whose project was configured otherwise when it was run."""

RERUN_REASONS = {
    "failed": FAILED,
    "error": FAILED,
    UNFINISHED: "was not run to its end",
    RECONFIGURED: "in a project whose configuration changed",
}
"""Why a test is run again, by its outcome."""
