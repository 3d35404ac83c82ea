"""The changed lines of a file, gathered by the statement they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from copydesk.agent.coverage.gate.verdict import LineStatus, status_of
from copydesk.agent.coverage.source import statement_starts
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.records import LineNo


class ChangedStatements:
    """The statements that changed lines belong to.

    A changed line has the verdict of its statement, and a statement counts once, however many of
    its lines changed. It is shown by its first line where that changed, else by all its changed
    lines. Lines that hold no code belong to none.

    Args:
        text: The file as the change leaves it.
        lines: The changed lines.
        counted: Lines that are known to count by themselves, whatever statement they are in.
    """

    def __init__(
        self, text: str, lines: Iterable[LineNo], counted: Collection[LineNo] = ()
    ) -> None:
        starts = statement_starts(text)
        self._lines: dict[LineNo, list[LineNo]] = {}
        for line in sorted(lines):
            start = line if line in counted else starts.get(line)
            if start is not None:
                self._lines.setdefault(start, []).append(line)

    @property
    def starts(self) -> frozenset[LineNo]:
        """The first lines of the statements, which coverage.py counts them by."""
        return frozenset(self._lines)

    def status(self, file: FileLines) -> LineStatus:
        """The changed lines, by what is known of the file."""
        return self.shown(status_of(self.starts, file))

    def unknown(self) -> LineStatus:
        """The changed lines of a file of which nothing is known."""
        return self.shown(LineStatus(unknown=self.starts))

    def shown(self, status: LineStatus) -> LineStatus:
        """A status of statements as one of changed lines."""
        starts = {}
        for start, lines in self._lines.items():
            if start not in lines:
                starts.update(dict.fromkeys(lines, start))
        return LineStatus(
            self._lines_of(status.reached),
            self._lines_of(status.missing),
            self._lines_of(status.partial),
            self._lines_of(status.unknown),
            starts,
        )

    def _lines_of(self, starts: Iterable[LineNo]) -> frozenset[LineNo]:
        lines: list[LineNo] = []
        for start in starts:
            changed = self._lines[start]
            lines += [start] if start in changed else changed
        return frozenset(lines)
