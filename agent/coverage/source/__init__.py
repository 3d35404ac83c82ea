"""Reads Python source without running it: what a change means for what tests execute.

In go the texts of a file or of a commit's tree; out come blocks (the unit in which coverage is
stored: an outermost function, or one statement of a module), functions with their lines, the
import graph, the names a module binds, and the difference of two modules or two trees.
"""

from copydesk.agent.coverage.source.blocks import Block, Module, moved_lines, parse
from copydesk.agent.coverage.source.cached_functions import cached_functions
from copydesk.agent.coverage.source.constant_changes import modules_with_changed_constants
from copydesk.agent.coverage.source.functions import MODULE, Span, functions
from copydesk.agent.coverage.source.import_graph import Import, ImportGraph, imports_of
from copydesk.agent.coverage.source.module_diff import (
    ModuleDifference,
    compare_modules,
    hooks_into_pytest,
)
from copydesk.agent.coverage.source.name_visibility import ChangedNames
from copydesk.agent.coverage.source.python_files import (
    DEFAULT_PATTERNS,
    is_script,
    is_test_file,
)
from copydesk.agent.coverage.source.statements import statement_starts
from copydesk.agent.coverage.source.tree_diff import (
    GIT_HEAD,
    Tree,
    TreeDifference,
    compare_trees,
    file_of,
    may_mention,
)

__all__ = [
    "DEFAULT_PATTERNS",
    "GIT_HEAD",
    "MODULE",
    "Block",
    "ChangedNames",
    "Import",
    "ImportGraph",
    "Module",
    "ModuleDifference",
    "Span",
    "Tree",
    "TreeDifference",
    "cached_functions",
    "compare_modules",
    "compare_trees",
    "file_of",
    "functions",
    "hooks_into_pytest",
    "imports_of",
    "is_script",
    "is_test_file",
    "may_mention",
    "modules_with_changed_constants",
    "moved_lines",
    "parse",
    "statement_starts",
]
