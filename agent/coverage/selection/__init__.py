"""Selects the tests that a change may affect.

In go the coverage map of a measured commit and the trees of that and of another one; out come the
tests to run again, each with its reason, and the traces that still hold.
"""

from copydesk.agent.coverage.selection.affected import Selection, select
from copydesk.agent.coverage.selection.collection_order import (
    collection_order,
    conftests_for_all,
    describe,
    test_file_check,
)
from copydesk.agent.coverage.selection.rerun_outcomes import RECONFIGURED, UNFINISHED
from copydesk.agent.coverage.selection.run_together import (
    AFTER,
    EVERY_FILE,
    after_predecessors,
)

__all__ = [
    "AFTER",
    "EVERY_FILE",
    "RECONFIGURED",
    "UNFINISHED",
    "Selection",
    "after_predecessors",
    "collection_order",
    "conftests_for_all",
    "describe",
    "select",
    "test_file_check",
]
