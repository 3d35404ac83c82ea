"""What is known of the lines of one file, whoever measured it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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


class Sum(NamedTuple):
    """A commit's total as coverage.py counts it: statements, and branches where measured."""

    executable: int
    covered: int

    @property
    def percent(self) -> float | None:
        """Covered of executable, of 100; None where nothing counts, which is not 100 %."""
        return 100.0 * self.covered / self.executable if self.executable else None


def add_up(files: Iterable[FileLines]) -> Sum:
    """The sum over files, as coverage.py counts it: statements and branches."""
    executable = missing = 0
    for file in files:
        executable += len(file.statements) + file.branches
        missing += len(file.missing) + file.missing_branches
    return Sum(executable, executable - missing)
