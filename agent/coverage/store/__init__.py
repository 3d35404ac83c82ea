"""What is measured, as the desk keeps it: traces, totals, gaps and measures of commits.

In go the traces of a run (which test executed which lines of which block); out come the coverage
map of a commit, its totals a file, the lines that nothing reaches, and the record of the measure.
"""

from copydesk.agent.coverage.store import file_lines, gaps, totals, traces
from copydesk.agent.coverage.store.file_lines import FileLines, Sum
from copydesk.agent.coverage.store.gaps import Outline, Unreached
from copydesk.agent.coverage.store.hits import LazyHits
from copydesk.agent.coverage.store.numbits import numbits_to_nums
from copydesk.agent.coverage.store.totals import (
    Total,
    add_up,
    assemble,
    different,
    executed,
    of_total,
    united,
)
from copydesk.agent.coverage.store.traces import CoverageMap, Trace
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.traces import Hit

__all__ = [
    "CoverageMap",
    "FileLines",
    "Hit",
    "LazyHits",
    "Measure",
    "Outline",
    "Sum",
    "Total",
    "Trace",
    "Unreached",
    "add_up",
    "assemble",
    "different",
    "executed",
    "file_lines",
    "gaps",
    "numbits_to_nums",
    "of_total",
    "totals",
    "traces",
    "united",
]
