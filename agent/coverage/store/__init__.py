"""What is measured, as the desk keeps it: traces, totals, gaps and measures of commits.

In go the traces of a run (which test executed which lines of which block); out come the coverage
map of a commit, its totals a file, the lines that nothing reaches, and the record of the measure.
"""

from copydesk.agent.coverage.store.file_lines import FileLines, Sum, add_up
from copydesk.agent.coverage.store.gaps import Outline, Unreached, prepare_gaps
from copydesk.agent.coverage.store.hits import LazyHits
from copydesk.agent.coverage.store.missing_texts import describe_missing
from copydesk.agent.coverage.store.numbits import numbits_to_nums, nums_to_numbits
from copydesk.agent.coverage.store.totals import (
    Total,
    assemble,
    distinct_hits,
    executed_lines,
    load_totals,
    unite_hits,
)
from copydesk.agent.coverage.store.traces import (
    CoverageMap,
    Trace,
    add_traces,
    load_map,
    load_traces,
    pack_arcs,
    store_new_traces,
    unpack_arcs,
)
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
    "add_traces",
    "add_up",
    "assemble",
    "describe_missing",
    "distinct_hits",
    "executed_lines",
    "load_map",
    "load_totals",
    "load_traces",
    "numbits_to_nums",
    "nums_to_numbits",
    "pack_arcs",
    "prepare_gaps",
    "store_new_traces",
    "unite_hits",
    "unpack_arcs",
]
