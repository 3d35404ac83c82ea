"""What is known of the lines of one file, whoever measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from copydesk.agent.coverage.totals import Sum, Total
from copydesk.agent.records import LineNo


class FileLines(NamedTuple):
    """The lines of a file that count, those that no test reached, and its branches.

    `partial` are lines that were reached, but not every branch that leaves them.
    """

    statements: frozenset[LineNo]
    missing: frozenset[LineNo]
    partial: frozenset[LineNo] = frozenset()
    branches: int = 0
    missing_branches: int = 0


def of_total(total: Total) -> FileLines:
    """The lines of one file of a measured commit."""
    missing = frozenset(total.missing)
    starts = frozenset(abs(first) for first, _ in total.missing_branches)
    return FileLines(
        frozenset(total.statements),
        missing,
        starts - missing,
        total.branches,
        len(total.missing_branches),
    )


def of_totals(totals: Iterable[Total]) -> dict[str, FileLines]:
    """The lines of a measured commit, by path."""
    return {total.path: of_total(total) for total in totals}


def add_up(files: Mapping[str, FileLines]) -> Sum:
    """The sum over files, as coverage.py counts it: statements and branches."""
    executable = sum(len(f.statements) + f.branches for f in files.values())
    missing = sum(len(f.missing) + f.missing_branches for f in files.values())
    return Sum(executable, executable - missing)
