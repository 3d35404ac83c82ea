"""Selects the tests that a change may affect.

In go the coverage map of a measured commit and the trees of that and of another one; out come the
tests to run again, each with its reason, and the traces that still hold.
"""

from copydesk.agent.coverage.selection.affected import Selection, select
from copydesk.agent.coverage.selection.rerun_outcomes import UNFINISHED
from copydesk.agent.coverage.selection.test_files_to_collect import (
    in_words,
    test_file_check,
    to_collect,
)

__all__ = [
    "UNFINISHED",
    "Selection",
    "in_words",
    "select",
    "test_file_check",
    "to_collect",
]
