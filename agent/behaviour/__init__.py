"""What a commit changed in what the code does.

In go two commits; the functions that differ are run at both ends, in the sandbox, on the same
inputs, and out comes what they do otherwise, with the calls that show it.
"""

from copydesk.agent.behaviour.announced import kind_of
from copydesk.agent.behaviour.changed_functions import (
    ChangedFunction,
    Version,
    changed_functions,
)
from copydesk.agent.behaviour.compare_commit import (
    BehaviourSearch,
    Limits,
    changes_functions,
    compare_commit,
)
from copydesk.agent.behaviour.compare_function import compare_function
from copydesk.agent.behaviour.draft_difference import draft_difference
from copydesk.agent.behaviour.records import Comparison, Difference
from copydesk.agent.behaviour.summary import difference_words, headline, summary

__all__ = [
    "BehaviourSearch",
    "ChangedFunction",
    "Comparison",
    "Difference",
    "Limits",
    "Version",
    "changed_functions",
    "changes_functions",
    "compare_commit",
    "compare_function",
    "difference_words",
    "draft_difference",
    "headline",
    "kind_of",
    "summary",
]
