"""What a coverage file of another tool says of one source file: hits a line, branches a line."""

from __future__ import annotations

from dataclasses import dataclass, field

from copydesk.agent.coverage.store import FileLines
from copydesk.agent.records import LineNo


@dataclass(slots=True)
class FileHits:
    """What a coverage file says of one source file; several records of one file add up.

    `branches` holds by line: branches there are, and branches taken.
    """

    hits: dict[LineNo, int] = field(default_factory=dict)
    branches: dict[LineNo, tuple[int, int]] = field(default_factory=dict)

    def add(self, line: LineNo, hits: int) -> None:
        """Count hits of a line."""
        self.hits[line] = self.hits.get(line, 0) + hits

    def add_branches(self, line: LineNo, there: int, taken: int) -> None:
        """Count the branches of a line, and those taken; of two counts the larger holds."""
        before = self.branches.get(line, (0, 0))
        self.branches[line] = (max(there, before[0]), max(taken, before[1]))

    def lines(self) -> FileLines:
        """The file's executable, missing and partly reached lines."""
        missing = frozenset(n for n, hits in self.hits.items() if not hits)
        partial = frozenset(n for n, (there, taken) in self.branches.items() if taken < there)
        there = sum(there for there, _ in self.branches.values())
        taken = sum(taken for _, taken in self.branches.values())
        return FileLines(frozenset(self.hits), missing, partial - missing, there, there - taken)
