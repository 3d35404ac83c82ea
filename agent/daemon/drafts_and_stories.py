"""What the daemon's steps do about drafts and stories in both lanes, with a model or without."""

from __future__ import annotations

import time
from collections.abc import Sequence

from copydesk.agent.config import Project
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import ExampleSearch, tell_examples
from copydesk.agent.git.repository import worktrees
from copydesk.agent.model.client import Client
from copydesk.agent.records import Gap, Sha
from copydesk.agent.review.reader_offers import DeskReaders
from copydesk.agent.scoring import order_drafts as draft_scores
from copydesk.agent.stories.write_story import Helpers, update_story
from copydesk.agent.testgen.pipeline import DraftingOptions, PreviousDrafts, write_drafts


def draft_and_order(
    context: StepContext,
    sha: Sha,
    previous: PreviousDrafts,
    gaps: Sequence[Gap],
    options: DraftingOptions,
) -> None:
    """Draft tests for gaps of a commit, and bring the desk's drafts into the order of their scores.

    Where nothing may be run, the gaps simply stay listed.
    """
    try:
        write_drafts(previous, gaps, say=context.say, options=options)
    except CopydeskError as error:
        if error.slug != "no-sandbox":
            raise
        context.say(f"no drafts: {error}")
    with context.db.failed_items.contained(
        "score", sha, "the order of the drafts", say=context.say
    ):
        draft_scores.score(context.db)


def tell_story(
    context: StepContext, sha: Sha, project: Project, client: Client | None = None
) -> None:
    """Bring the story that grows up to a commit, with examples of what is new in it.

    Args:
        context: What the step works with.
        sha: The commit.
        project: The project's settings there.
        client: The model that words it; without one it is the template's.
    """
    repo, db, say = context.repo, context.db, context.say
    helpers = Helpers(client, DeskReaders(repo, db, project, time.time()))
    draft = update_story(repo, db, sha, project=project, say=say, helpers=helpers)
    if draft is None:
        return

    def is_checked_out() -> bool:
        return sha in worktrees(repo).values()

    tell_examples(ExampleSearch(repo, db, say, is_checked_out), draft.id)
