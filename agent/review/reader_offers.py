"""What readers said, brought to the stories: the one place where both rooms meet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from copydesk.agent.community.changes import changes_of
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.offers import offers, undecided
from copydesk.agent.community.priority import constants_of
from copydesk.agent.community.topics import Topic, rank_topics
from copydesk.agent.config import Project
from copydesk.agent.desk.database import Database
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import silent
from copydesk.agent.records import Sha
from copydesk.agent.scoring.reader_needs import code_index
from copydesk.agent.stories.readers import ReaderOffer
from copydesk.agent.stories.stored_stories import growing_story
from copydesk.agent.stories.write_story import Helpers, update_story

MOST_COMMITS = 200
"""Commits of a span that may answer a topic; of more the newest."""


class DeskReaders:
    """What the readers on a desk said that a story could take up.

    Args:
        repo: The repository.
        db: Its desk.
        project: The project's settings.
        now: Unix time, from which the age of messages is counted.
    """

    def __init__(self, repo: Repository, db: Database, project: Project, now: float) -> None:
        self._repo = repo
        self._db = db
        self._project = project
        self._now = now

    def __call__(self, shas: Sequence[Sha]) -> Sequence[ReaderOffer]:
        """The offers for a story of these commits, oldest first, that the editor neither took for
        an earlier story nor dropped.
        """
        if not self._topics:
            return ()
        index = code_index(self._db, Commit(self._repo, shas[-1]))
        changes = changes_of(self._repo, shas[-MOST_COMMITS:])
        open_offers = undecided(
            offers(self._topics, (), changes, index.mentions),
            self._db.feedback_state.decisions(),
        )
        return [ReaderOffer(offer.kind, offer.facts) for offer in open_offers]

    @cached_property
    def _topics(self) -> list[Topic]:
        if not self._db.feedback.count():
            return []
        label_messages(self._db, silent)
        return rank_topics(self._db, self._now, constants_of(self._project))


def tell_without(repo: Repository, db: Database, project: Project, now: float) -> int | None:
    """Tell the story that grows once more, after offers were taken or dropped.

    It is told by the template; where a model worded it, that is asked for again.

    Args:
        repo: The repository.
        db: Its desk.
        project: The project's settings.
        now: Unix time.

    Returns:
        The id of its draft; None where no story grows, or the editor has touched it.
    """
    growing = growing_story(db)
    if growing is None or growing.state != "open":
        return None
    helpers = Helpers(None, DeskReaders(repo, db, project, now))
    draft = update_story(repo, db, growing.span.last, project=project, say=silent, helpers=helpers)
    return draft.id if draft else None
