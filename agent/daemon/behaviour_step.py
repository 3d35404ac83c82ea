"""The daemon's step that compares what a commit changed with its parent."""

from __future__ import annotations

from copydesk.agent import config
from copydesk.agent.behaviour import BehaviourSearch, Limits, changes_functions, compare_commit
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Sha
from copydesk.agent.text import plural

BEHAVIOUR_PRIORITY = -15
"""Behind the drafts, before the story that may tell of it."""


def ask_for_comparison(context: StepContext, commit: Commit) -> None:
    """Ask for the comparison of a commit, where it changes functions and the user allows it."""
    seconds = config.load_personal(context.repo)[0].behaviour_seconds
    if seconds and changes_functions(commit):
        context.db.jobs.enqueue("behaviour", commit.sha, priority=BEHAVIOUR_PRIORITY)


def behaviour_step(context: StepContext, sha: Sha) -> None:
    """Compare the functions that a commit changed with its parent's, within the user's limits.

    A newer commit cuts it short; what was compared by then stays.

    Raises:
        Superseded: The commit is no tip any more.
    """
    seconds = config.load_personal(context.repo)[0].behaviour_seconds
    search = BehaviourSearch(
        context.repo,
        context.db,
        context.say,
        is_wanted=lambda: sha in git.tips(context.repo),
        limits=Limits(seconds=seconds),
    )
    try:
        rows = list(compare_commit(search, sha))
    except CopydeskError as error:
        if error.slug != "no-sandbox":
            raise
        context.say(f"nothing compared: {error}")
        return
    suspects = sum(row.is_suspect for row in rows)
    if suspects:
        functions = plural(suspects, "function does", "functions do")
        context.say(f"{sha[:8]}: {functions} something else, and the commit does not say so")
