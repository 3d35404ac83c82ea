"""What is measured, as the desk keeps it: traces, totals, gaps and measures of commits.

In go the traces of a run (which test executed which lines of which block); out come the coverage
map of a commit, its totals a file, the lines that nothing reaches, and the record of the measure.
"""

from copydesk.agent.coverage.store import file_lines, gaps, measures, totals, traces
from copydesk.agent.coverage.store.file_lines import FileLines, Sum
from copydesk.agent.coverage.store.gaps import Outline, Unreached
from copydesk.agent.coverage.store.hits import (
    Hit,
    Stored,
    of_other_versions,
    on_paths,
    pack,
    paths_of,
    unpack,
)
from copydesk.agent.coverage.store.measures import FIELDS, Measure, stored
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
from copydesk.agent.coverage.store.traces import CoverageMap, Trace, pack_ids, unpack_ids

__all__ = [
    "FIELDS",
    "CoverageMap",
    "FileLines",
    "Hit",
    "Measure",
    "Outline",
    "Stored",
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
    "measures",
    "numbits_to_nums",
    "of_other_versions",
    "of_total",
    "on_paths",
    "pack",
    "pack_ids",
    "paths_of",
    "stored",
    "totals",
    "traces",
    "united",
    "unpack",
    "unpack_ids",
]
