"""Bringing the stories up to a commit, with a model where one answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from copydesk.agent.config import Project
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.circuit_breaker import is_temporary
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft, Sha
from copydesk.agent.stories.open_story import (
    Readers,
    StoryDesk,
    nobody,
    update_stories,
    write_span,
)
from copydesk.agent.stories.span import Chosen
from copydesk.agent.stories.span_template import PLAIN
from copydesk.agent.stories.stored_stories import growing_story
from copydesk.agent.stories.word_devlog import ModelClient
from copydesk.agent.stories.word_span import Wording


@dataclass(frozen=True, slots=True)
class Helpers:
    """Who helps with a story: the model that words it, where there is one, and the readers."""

    client: ModelClient | None = None
    readers: Readers = nobody


_ALONE = Helpers()


@dataclass(slots=True)
class _FaultLog:
    """Tells what went wrong with a model, and keeps what may be over later."""

    say: Progress
    temporary: list[str] = field(default_factory=list)

    def __call__(self, error: ModelFault | ModelUnavailable) -> None:
        self.say(f"no model: {error}")
        if is_temporary(error):
            self.temporary.append(str(error))


def update_story(
    repo: Repository,
    db: Database,
    sha: Sha,
    *,
    project: Project,
    say: Progress,
    helpers: Helpers = _ALONE,
) -> Draft | None:
    """Bring the stories up to a commit.

    Where no model words the one that grows that could have, the commit waits for one.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit.
        project: The project's settings.
        say: Told what is going on.
        helpers: The model that words it, and what readers said.

    Returns:
        The text of the story that grows, or was closed last; None while there is too little to
        tell.
    """
    faults = _FaultLog(say, [] if helpers.client else ["no model answered"])
    wording = Wording(helpers.client, faults)
    desk = StoryDesk(repo, db, project, say, wording, helpers.readers)
    story = update_stories(desk, sha)
    is_plain = story is not None and story.state == "open" and story.story.origin == PLAIN
    if is_plain and faults.temporary:
        deferred_work.defer(db, "story", sha, faults.temporary[0])
    else:
        deferred_work.cancel(db, "story", sha)
    return None if story is None else db.drafts.get(story.draft_id)


def is_wanted(repo: Repository, db: Database, sha: Sha) -> bool:
    """Whether a model may word the story that grows: it tells a commit that is checked out, and
    the editor has not touched it.
    """
    growing = growing_story(db)
    is_here = sha in git.worktrees(repo).values()
    return is_here and growing is not None and growing.state == "open"


def write_range(
    repo: Repository,
    db: Database,
    chosen: Chosen,
    *,
    project: Project,
    say: Progress,
    helpers: Helpers = _ALONE,
) -> Draft:
    """Write a story of just these commits; as `update_story`, but it does not grow.

    Args:
        repo: The repository.
        db: Its desk.
        chosen: The commits; at least one.
        project: The project's settings.
        say: Told what is going on.
        helpers: The model that words it, and what readers said.
    """
    wording = Wording(helpers.client, _FaultLog(say))
    desk = StoryDesk(repo, db, project, say, wording, helpers.readers)
    return db.drafts.get(write_span(desk, chosen.commits, since=chosen.since).draft_id)
