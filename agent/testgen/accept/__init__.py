"""Puts an accepted draft into the project's own test files.

In go a draft and the working tree; out comes the text of the test module it belongs to, in that
module's style, formatted as the project formats, never over text that changed meanwhile.
"""

from copydesk.agent.testgen.accept.formatter import format_placement
from copydesk.agent.testgen.accept.placement import (
    Placement,
    place_behind,
    place_draft,
    read_test_file,
)
from copydesk.agent.testgen.accept.reverify_edit import verify_edit
from copydesk.agent.testgen.accept.run_in_copy import run_in_copy
from copydesk.agent.testgen.accept.run_in_place import run_placement
from copydesk.agent.testgen.accept.write_placement import revert_placement, write_placement

__all__ = [
    "Placement",
    "format_placement",
    "place_behind",
    "place_draft",
    "read_test_file",
    "revert_placement",
    "run_in_copy",
    "run_placement",
    "verify_edit",
    "write_placement",
]
