"""Reads the project that tests are drafted for.

In go a commit's tree and the path of a module; out come its functions, its nearest tests and
fixtures, the name it is imported by, the parts of a test module, and a workspace in which drafts
are run.
"""

from copydesk.agent.testgen.project.free_names import (
    WELL_KNOWN,
    absolute_imports,
    defined_names,
    free_names,
)
from copydesk.agent.testgen.project.functions import (
    Function,
    first_statement,
    is_text,
    target_functions,
)
from copydesk.agent.testgen.project.layout import (
    FunctionNode,
    fixtures,
    function_node,
    has_test_of_each_module,
    import_name,
    named_test,
    nearest_test,
    project_folder,
    project_tests,
    python_files,
    source_roots,
)
from copydesk.agent.testgen.project.parse import parse
from copydesk.agent.testgen.project.test_modules import find_tests, keep_tests, prune_imports
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.project.workspace import Workspace, open_workspace

__all__ = [
    "TOOLS",
    "WELL_KNOWN",
    "Function",
    "FunctionNode",
    "Workspace",
    "absolute_imports",
    "defined_names",
    "find_tests",
    "first_statement",
    "fixtures",
    "free_names",
    "function_node",
    "has_test_of_each_module",
    "import_name",
    "is_text",
    "keep_tests",
    "named_test",
    "nearest_test",
    "open_workspace",
    "parse",
    "project_folder",
    "project_tests",
    "prune_imports",
    "python_files",
    "source_roots",
    "target_functions",
]
