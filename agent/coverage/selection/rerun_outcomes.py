"""Outcomes for which a test is run again."""

from __future__ import annotations

FAILED = "failed before"
"""Why a failing test is run again."""

UNFINISHED = "unfinished"
"""The outcome of a test that never came to its end, as the run was cut short."""

RERUN_REASONS = {"failed": FAILED, "error": FAILED, UNFINISHED: "was not run to its end"}
"""Why a test is run again, by its outcome."""
