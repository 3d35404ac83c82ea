"""The open database of a desk, and the classes that own its tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from copydesk.agent.desk.commits import Commits
from copydesk.agent.desk.connection import Connection
from copydesk.agent.desk.content_cache import ContentCache
from copydesk.agent.desk.jobs import Jobs


class Database(Connection):
    """An open desk: `open_desk` gives one, in autocommit mode; write inside `transaction`.

    Each property is the class that runs all SQL of a family of tables. It is given this
    connection, so that its statements are part of a transaction that is open here.
    """

    @cached_property
    def jobs(self) -> Jobs:
        """The queue of work."""
        return Jobs(self)

    @cached_property
    def commits(self) -> Commits:
        """The commits that copydesk has seen."""
        return Commits(self)

    def content_cache(self, kind: str, compute: Callable[[str], Any]) -> ContentCache:
        """A function whose results stay on the desk; see `ContentCache`."""
        return ContentCache(self, kind, compute)
