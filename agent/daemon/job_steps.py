"""The steps of the daemon's work, one function a kind of job. Each is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable

from copydesk.agent import config
from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.store import Measure
from copydesk.agent.daemon import prune
from copydesk.agent.daemon.behaviour_step import ask_for_comparison, behaviour_step
from copydesk.agent.daemon.drafts_and_stories import draft_and_order, tell_story
from copydesk.agent.daemon.feedback_steps import inbox_step, pull_step
from copydesk.agent.daemon.first_floor import settle_floor
from copydesk.agent.daemon.model_steps import model_draft_step, model_story_step
from copydesk.agent.daemon.reconcile import HISTORY_PRIORITY, MEASURE
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.failures import failed_words, failure_lines
from copydesk.agent.desk.jobs import MODEL_DRAFT, MODEL_STORY
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.missing_modules import missing_packages
from copydesk.agent.model import deferred_work
from copydesk.agent.records import Sha
from copydesk.agent.scoring import score_commit as scoring
from copydesk.agent.scoring.order_tests import ordering
from copydesk.agent.testgen.pipeline import (
    DraftingOptions,
    PreviousDrafts,
    gaps_to_draft,
)

DRAFT_PRIORITY, STORY_PRIORITY, LEARN_PRIORITY = -10, -20, -30
"""Below a measure's 0: what was just committed is measured before anything is drafted."""

NAMED = 20
"""Failing tests that the daemon's log names."""


def measure_step(context: StepContext, sha: Sha) -> None:
    """Measure a commit, then ask for its drafts and its story where it is, or was, a tip."""
    db, commit = context.db, Commit(context.repo, sha)
    if db.measures.get(sha) is None:
        measured = measure(db, commit, say=context.say, order=ordering(db, commit))
        _name_failing_tests(context, measured)
    measured_before = db.measures.get(sha)
    if measured_before and (done := settle_floor(context.repo, measured_before)):
        context.say(done)
    if _behind_a_tip(context, sha):
        return
    if scoring.after_measure(db, commit, say=context.say):
        db.jobs.enqueue("learn", sha, priority=LEARN_PRIORITY)
    db.jobs.enqueue("draft", sha, priority=DRAFT_PRIORITY)
    ask_for_comparison(context, commit)
    if config.load(context.repo, sha).project.stories:
        db.jobs.enqueue("story", sha, priority=STORY_PRIORITY)


def _name_failing_tests(context: StepContext, measured: Measure) -> None:
    """Put the names of the tests that failed into the daemon's log."""
    count, sha = measured.failed, measured.sha
    if not count:
        return
    tests = context.db.failed_tests.of_commit(sha)
    context.say(f"{sha[:8]}: {failed_words(count, tests)}")
    for line in failure_lines(count, tests, limit=NAMED, sha=sha):
        context.say(f"  {line}")
    python = context.db.measures.interpreter(sha).rpartition(" (")[0]
    install = missing_packages(context.repo, sha, python, [test.error for test in tests])
    if install:
        context.say(f"  {install.in_words}")


def _behind_a_tip(context: StepContext, sha: Sha) -> bool:
    return context.db.jobs.priority(MEASURE, sha) == HISTORY_PRIORITY


def draft_step(context: StepContext, sha: Sha) -> None:
    """Draft tests for a commit's gaps. Where nothing may be run, the gaps simply stay listed.

    What a model could add comes later; see model_steps. As of measures, those of the tips alone
    are wanted: a newer commit does not wait until the drafts of the one before it are done.

    Raises:
        Superseded: The commit is no tip any more.
    """
    limit = config.load(context.repo, sha).project.drafts_per_commit
    previous = PreviousDrafts(context.db, Commit(context.repo, sha))
    gaps = gaps_to_draft(previous, limit)
    if not gaps:
        return
    options = DraftingOptions(is_wanted=lambda: sha in git.tips(context.repo), asks_model=False)
    draft_and_order(context, sha, previous, gaps, options)


def learn_step(context: StepContext, sha: Sha) -> None:
    """Read the history up to a commit, and train the predictor where that is due."""
    scoring.learn(context.db, Commit(context.repo, sha), say=context.say)


def story_step(context: StepContext, sha: Sha) -> None:
    """Bring the story of what is checked out up to a commit.

    It is the template's; a model may word it later, see model_steps.
    """
    if sha not in git.worktrees(context.repo).values():
        deferred_work.cancel(context.db, "story", sha)
        return
    tell_story(context, sha, config.load(context.repo, sha).project)


def prune_step(context: StepContext, subject: str) -> None:
    """Bring the desk back into its disk budget."""
    budget = config.load_personal(context.repo)[0].disk_mb
    context.say(prune.prune(context.repo, context.db, budget))


STEPS: dict[str, Callable[[StepContext, str], None]] = {
    "measure": measure_step,
    "draft": draft_step,
    "behaviour": behaviour_step,
    "story": story_step,
    "learn": learn_step,
    "prune": prune_step,
    "inbox": inbox_step,
    "pull": pull_step,
    MODEL_DRAFT: model_draft_step,
    MODEL_STORY: model_story_step,
}
