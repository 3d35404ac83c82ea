"""Which lines and branches of a file a set of arcs reaches, in coverage.py's own terms."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.records import Arc, LineNo


class Reached(NamedTuple):
    """Executed statements by their first line, executed branches, and the arcs as traced."""

    lines: frozenset[LineNo]
    branches: frozenset[Arc]
    arcs: frozenset[Arc] = frozenset()


def reached(source: Path, arcs: Collection[Arc]) -> Reached:
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
        return Reached(frozenset(), frozenset())
    cov = Coverage(data_file=None, config_file=False, branch=True)
    cov.set_option("report:exclude_lines", [])
    cov.get_data().add_arcs({str(source): arcs})
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "report.json"
        try:
            cov.json_report(morfs=[str(source)], outfile=str(answer))
        except CoverageException:  # a syntax that this Python does not know
            every = frozenset(arcs)
            return Reached(frozenset(line for _, line in arcs if line > 0), every, every)
        (file,) = json.loads(answer.read_text(encoding="utf-8"))["files"].values()
    return Reached(
        frozenset(file["executed_lines"]),
        frozenset((first, second) for first, second in file["executed_branches"]),
        frozenset(arcs),
    )
