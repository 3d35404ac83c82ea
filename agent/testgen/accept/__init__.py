"""Puts an accepted draft into the project's own test files.

In go a draft and the working tree; out comes the text of the test module it belongs to, in that
module's style, formatted as the project formats, never over text that changed meanwhile.
"""

from copydesk.agent.testgen.accept.formatter import formatted
from copydesk.agent.testgen.accept.placement import Placement, accept, placement, revert
from copydesk.agent.testgen.accept.reverify_edit import recheck
from copydesk.agent.testgen.accept.run_in_place import in_place

__all__ = [
    "Placement",
    "accept",
    "formatted",
    "in_place",
    "placement",
    "recheck",
    "revert",
]
