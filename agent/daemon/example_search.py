"""The search for examples of a story, as the daemon's steps begin it.

Apart from the context of a step: the daemon itself imports that, and stays small.
"""

from __future__ import annotations

from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.examples import ExampleSearch
from copydesk.agent.git.repository import worktrees
from copydesk.agent.records import Sha


def example_search(context: StepContext, sha: Sha) -> ExampleSearch:
    """What examples of a commit's story are looked for with, as long as it is checked out."""

    def is_wanted() -> bool:
        return sha in worktrees(context.repo).values()

    return ExampleSearch(context.repo, context.db, context.say, is_wanted)
