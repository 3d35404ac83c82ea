"""The daemon's steps that ask a model; they run in a lane of their own (see job_runner)."""

from __future__ import annotations

from collections.abc import Callable

from copydesk.agent import config
from copydesk.agent.config import Config
from copydesk.agent.daemon.drafts_and_stories import draft_and_order, tell_story
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.errors import Superseded
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.model import deferred_work
from copydesk.agent.model.activity import ActivityFile, log_interrupted
from copydesk.agent.model.background import why_not_asked
from copydesk.agent.model.client import Client
from copydesk.agent.model.deferred_work import WorkKind
from copydesk.agent.model.loaded_model import LoadedModel, remember
from copydesk.agent.records import Sha
from copydesk.agent.stories.write_story import is_wanted
from copydesk.agent.testgen.pipeline import (
    DraftingOptions,
    PreviousDrafts,
    gaps_to_draft,
    reach_model,
)

Work = Callable[[StepContext, Sha, Config, Client], None]
"""What a model is asked for about a commit; defers itself where that fails."""


def model_draft_step(context: StepContext, sha: Sha) -> None:
    """Have a model draft tests for what the embedded drafter left of a commit's gaps.

    Raises:
        Superseded: The commit is no tip any more.
    """
    if sha not in git.tips(context.repo):
        raise Superseded
    _ask(context, "draft", sha, _draft)


def model_story_step(context: StepContext, sha: Sha) -> None:
    """Have a model word the story that grows, unless the editor has touched it."""
    if not is_wanted(context.repo, context.db, sha):
        deferred_work.cancel(context.db, "story", sha)
        return
    _ask(context, "story", sha, _word)


def _ask(context: StepContext, kind: WorkKind, sha: Sha, work: Work) -> None:
    """Reach a model and have it do a piece of work, as far as it may and should."""
    db, say = context.db, context.say
    log_interrupted(db, context.repo.desk)
    settings = config.load(context.repo, sha)
    last_call = db.model_calls.last_id()
    with ActivityFile(context.repo.desk, kind, sha) as activity:
        client = reach_model(
            settings, db, say, prose=kind == "story", progress=activity, in_background=True
        )
        if client is None:
            deferred_work.defer(db, kind, sha, "no model answered")
        elif why := why_not_asked(db, client.name, client.digest, kind):
            say(f"{kind} {sha[:8]}: {why}")
            deferred_work.cancel(db, kind, sha)
        else:
            try:
                work(context, sha, settings, client)
            finally:
                loaded = LoadedModel(client.name, client.expires_at())
                remember(context.repo.desk, loaded, by_us=client.has_loaded)
    was_asked = db.model_calls.last_id() != last_call
    if words := deferred_work.after_try(db, kind, sha, asked=was_asked):
        say(f"{kind} {sha[:8]}: {words}")


def _draft(context: StepContext, sha: Sha, settings: Config, client: Client) -> None:
    previous = PreviousDrafts(context.db, Commit(context.repo, sha))
    gaps = gaps_to_draft(previous, settings.project.drafts_per_commit)
    options = DraftingOptions(
        is_wanted=lambda: sha in git.tips(context.repo),
        model_seconds=settings.personal.measure_seconds / 2,  # the job itself is ended after all
        client=client,
    )
    if not gaps:
        deferred_work.cancel(context.db, "draft", sha)
        return
    draft_and_order(context, sha, previous, gaps, options)


def _word(context: StepContext, sha: Sha, settings: Config, client: Client) -> None:
    tell_story(context, sha, settings.project, client)
