"""Drafts tests with a language model, and mends what it wrote.

In go a gap and the project's own tests; out come prompts, and of each answer the Python in it, the
imports put right, the tests that fail split off or given the observed value.
"""

from copydesk.agent.testgen.model.combine import combine
from copydesk.agent.testgen.model.drafter import REPAIRS, ModelDrafter
from copydesk.agent.testgen.model.extract_code import python_in
from copydesk.agent.testgen.model.path_conditions import BranchGroup
from copydesk.agent.testgen.model.prompt_excerpts import calls_of
from copydesk.agent.testgen.model.repair import Aim, repair

__all__ = [
    "REPAIRS",
    "Aim",
    "BranchGroup",
    "ModelDrafter",
    "calls_of",
    "combine",
    "python_in",
    "repair",
]
