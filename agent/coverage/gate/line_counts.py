"""What a coverage file of another tool says of one source file: hits a line, branches a line."""

from __future__ import annotations

from dataclasses import dataclass, field

from copydesk.agent.coverage.store import FileLines
from copydesk.agent.records import LineNo


@dataclass(slots=True)
class LineCounts:
    """What a coverage file says of one source file; several records of one file add up.

    `branches` holds by line: branches there are, and branches taken.
    """

    hits: dict[LineNo, int] = field(default_factory=dict)
    branches: dict[LineNo, tuple[int, int]] = field(default_factory=dict)

    def add_hits(self, line: LineNo, hits: int) -> None:
        """Count hits of a line."""
        self.hits[line] = self.hits.get(line, 0) + hits

    def add_branches(self, line: LineNo, total: int, taken: int) -> None:
        """Count the branches of a line, and those taken; of two counts the larger holds."""
        former_total, former_taken = self.branches.get(line, (0, 0))
        self.branches[line] = (max(total, former_total), max(taken, former_taken))

    def merge(self, other: LineCounts) -> None:
        """Add what another record says of the same file."""
        for line, hits in other.hits.items():
            self.add_hits(line, hits)
        for line, (total, taken) in other.branches.items():
            self.add_branches(line, total, taken)

    def to_lines(self) -> FileLines:
        """The file's executable, missing and partly reached lines, and counts of its branches."""
        missing, partial = set(), set()
        for line, hits in self.hits.items():
            if not hits:
                missing.add(line)
        all_branches = all_taken = 0
        for line, (total, taken) in self.branches.items():
            all_branches += total
            all_taken += taken
            if taken < total and line not in missing:
                partial.add(line)
        return FileLines(
            frozenset(self.hits), frozenset(missing), frozenset(partial),
            all_branches, all_branches - all_taken,
        )  # fmt: skip
