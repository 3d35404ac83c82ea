"""Why the figures of a measure say nothing about how well the code is tested.

Nothing counted is not 100 %: a run in which no test passed, no line counted or a test file could
not be collected has no verdict. This is the one place that decides it; the hook, the gate, the
command line, the reports and the dev log ask here.
"""

from __future__ import annotations

NO_LINE = "no line of code was counted"


def doubts_of(total: int, passed: int, failed: int, skipped: int, executable: int) -> list[str]:
    """What is wrong with a measure as a whole, each in words; empty where its figures hold.

    Args:
        total: The tests that were collected.
        passed: Those that passed.
        failed: Those that failed, and the test files that could not be collected.
        skipped: Those that were skipped.
        executable: The lines (and branches) that count.
    """
    doubts = []
    broken = broken_files(total, passed, failed, skipped)
    if broken:
        doubts.append(f"{broken:,} test file{'s' if broken > 1 else ''} could not be collected")
    if total and not passed:
        doubts.append("no test passed")
    elif not total and not broken:
        doubts.append("no test was found")
    if not executable:
        doubts.append(NO_LINE)
    return doubts


def percent_of(covered: int, executable: int, doubts: list[str]) -> float | None:
    """Covered of executable, of 100; None where that says nothing.

    Args:
        covered: The lines that were reached.
        executable: The lines that count.
        doubts: What `doubts_of` says. What nothing reaches is 0 % all the same.
    """
    if not executable or (doubts and covered):
        return None
    return 100.0 * covered / executable


def broken_files(total: int, passed: int, failed: int, skipped: int) -> int:
    """How many test files could not be collected: what failed and is no test."""
    return max(0, passed + failed + skipped - total)
