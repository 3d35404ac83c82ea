"""What a project offers to those who use it, and how that differs between two commits.

In go the sources of modules, read as syntax trees and never run; out come public functions,
classes and methods with their parameters, options of click and argparse, and the changes of them.
"""

from copydesk.agent.stories.public_api.between_commits import (
    changes_between,
    offers_anything,
)
from copydesk.agent.stories.public_api.compare import ApiChange, compare_modules
from copydesk.agent.stories.public_api.offered import offered
from copydesk.agent.stories.public_api.read_module import ModuleApi, read_module

__all__ = [
    "ApiChange",
    "ModuleApi",
    "changes_between",
    "compare_modules",
    "offered",
    "offers_anything",
    "read_module",
]
