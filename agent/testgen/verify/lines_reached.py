"""Which lines and branches of a file a set of arcs reaches, in coverage.py's own terms."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.records import Arc, Gap, LineNo


class ReachedLines(NamedTuple):
    """Executed statements by their first line, executed branches, and the arcs as traced."""

    lines: frozenset[LineNo]
    branches: frozenset[Arc]
    arcs: frozenset[Arc] = frozenset()


def reached_lines(source: Path, arcs: Collection[Arc]) -> ReachedLines:
    """Ask coverage.py what the arcs amount to.

    It joins statements of several lines and mends the jumps of `with`, so that the answer speaks
    the language of the gaps, which come from its reports too.

    Args:
        source: The file that was traced, unchanged.
        arcs: As the tracer recorded them.
    """
    # 0.1 s, and only a job that verifies drafts needs it
    from coverage import Coverage
    from coverage.exceptions import CoverageException

    if not arcs:
        return ReachedLines(frozenset(), frozenset())
    cov = Coverage(data_file=None, config_file=False, branch=True)
    cov.set_option("report:exclude_lines", [])
    cov.get_data().add_arcs({str(source): arcs})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            cov.json_report(morfs=[str(source)], outfile=str(report))
        except CoverageException:  # a syntax that this Python does not know
            every = frozenset(arcs)
            return ReachedLines(frozenset(line for _, line in arcs if line > 0), every, every)
        (file,) = json.loads(report.read_text(encoding="utf-8"))["files"].values()
    return ReachedLines(
        frozenset(file["executed_lines"]),
        frozenset((first, second) for first, second in file["executed_branches"]),
        frozenset(arcs),
    )


class GainedLines(NamedTuple):
    """The lines and branches of a gap that some tests reach."""

    lines: frozenset[LineNo] = frozenset()
    branches: frozenset[Arc] = frozenset()

    def all_lines(self) -> frozenset[LineNo]:
        """The lines, those from which a gained branch starts included."""
        return self.lines | {abs(first) for first, _ in self.branches}


def gained_lines(gap: Gap, reached: Iterable[ReachedLines]) -> GainedLines:
    """What of a gap is among the lines and branches that were reached."""
    lines: set[LineNo] = set()
    branches: set[Arc] = set()
    for one in reached:
        lines |= one.lines
        branches |= one.branches
    return GainedLines(frozenset(gap.lines) & lines, frozenset(gap.branches) & branches)
