"""Reads Python source without running it: what a change means for what tests execute.

In go the texts of a file or of a commit's tree; out come blocks (the unit in which coverage is
stored: an outermost function, or one statement of a module), functions with their lines, the
import graph, the names a module binds, and the difference of two modules or two trees.
"""

from copydesk.agent.coverage.source import cached_functions
from copydesk.agent.coverage.source.blocks import Block, Module, moved, parse
from copydesk.agent.coverage.source.constant_changes import swapped_in
from copydesk.agent.coverage.source.functions import MODULE, Span, functions
from copydesk.agent.coverage.source.import_graph import Import, ImportGraph, imports_of
from copydesk.agent.coverage.source.module_diff import compare, hooks_into_pytest
from copydesk.agent.coverage.source.name_visibility import Names
from copydesk.agent.coverage.source.python_files import DEFAULT_PATTERNS, is_test_file
from copydesk.agent.coverage.source.tree_diff import Change, Tree, difference, file_of, may_mention

__all__ = [
    "DEFAULT_PATTERNS",
    "MODULE",
    "Block",
    "Change",
    "Import",
    "ImportGraph",
    "Module",
    "Names",
    "Span",
    "Tree",
    "cached_functions",
    "compare",
    "difference",
    "file_of",
    "functions",
    "hooks_into_pytest",
    "imports_of",
    "is_test_file",
    "may_mention",
    "moved",
    "parse",
    "swapped_in",
]
