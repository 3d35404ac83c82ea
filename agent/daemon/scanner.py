"""Looking for what is new: notifications, commits, and a model that answers again."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.community.inbox_folders import files_in, inbox_folders
from copydesk.agent.config import Personal
from copydesk.agent.daemon import notifications, reconcile
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.notifications import Notification
from copydesk.agent.desk.connection import point
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.background import budget_spent
from copydesk.agent.model.loaded_model import unload_when_short
from copydesk.agent.model.types import ModelSettings
from copydesk.agent.text import one_line, plural
from copydesk.hooks import spool


class Scanner:
    """Turns what is new in a repository into jobs.

    Args:
        repo: The repository.
        db: Its desk.
        watcher: Told to watch what has appeared since.
        logger: Told what was found.
        make_room: Called with the Python of a newer copydesk that asks for this daemon's place.
    """

    def __init__(
        self,
        repo: Repository,
        db: Database,
        watcher: FileWatcher,
        logger: logging.Logger,
        make_room: Callable[[str], None],
    ) -> None:
        self._repo = repo
        self._db = db
        self._watcher = watcher
        self._logger = logger
        self._make_room = make_room
        self._inbox: tuple[Path, ...] = ()

    def scan(self, personal: Personal) -> bool:
        """Read the notifications, compare the refs, and ask for the work that follows.

        A notification goes only after the refs have been looked at and what they say is on the
        desk: a crash in between repeats that look, which finds the same commits again.

        Args:
            personal: The user's settings.

        Returns:
            Whether there was anything new.
        """
        desk = self._repo.desk
        notifications.prepare(desk)
        notifications.sweep(desk)
        self._watcher.refresh()
        waiting = notifications.unread(desk)
        upgrades = [notification for notification in waiting if _asks_for_room(notification)]
        if upgrades:
            notifications.remove(upgrades)  # one that stayed would end the successor, too
            self._logger.info("making room for a newer copydesk")
            self._make_room(upgrades[0].worktree)
            return True
        self._retry_deferred_work(personal)
        self._give_memory_back()
        self._look_into_inboxes(personal)
        self._ask_for_pull(personal)
        new_tips = self._compare_refs(personal)
        point("notifications.reconciled")
        self._log_notifications(waiting)
        notifications.remove(waiting)
        return bool(waiting or new_tips)

    def _log_notifications(self, waiting: Iterable[Notification]) -> None:
        counts = Counter((notification.hook, notification.worktree) for notification in waiting)
        for (hook, worktree), times in counts.items():
            often = f" ({times} times)" if times > 1 else ""
            self._logger.info("notified by %s in %s%s", hook, worktree, often)

    def _compare_refs(self, personal: Personal) -> bool:
        """Ask for measures of the commits that are new. Returns whether there are any."""
        try:
            news = reconcile.reconcile(self._repo, self._db, personal)
        except CopydeskError as error:
            self._logger.warning("the refs could not be read: %s", one_line(str(error)))
            return False
        if news.tips:
            dropped = f", {plural(news.dropped, 'measure')} superseded" if news.dropped else ""
            commits, tips = plural(news.commits, "new commit"), plural(len(news.tips), "tip")
            self._logger.info("%s, %s%s", commits, tips, dropped)
        return bool(news.tips)

    def _look_into_inboxes(self, personal: Personal) -> None:
        """Ask for the import of files that lie in an inbox, once for each set of them."""
        folders = inbox_folders(self._repo.desk, personal.inbox)
        self._watcher.watch(folders)
        if not any(files_in(folders)):
            return
        # what imports is only loaded when there is something to import
        from copydesk.agent.community.inbox import waiting_files

        waiting = tuple(waiting_files(self._db, folders))
        if waiting and waiting != self._inbox:
            self._db.jobs.enqueue("inbox", "inbox", again=True)
            self._logger.info("inbox: %s", plural(len(waiting), "new file"))
        self._inbox = waiting

    def _ask_for_pull(self, personal: Personal) -> None:
        """Ask for a pull when one is due, for users who set `copydesk.pullEvery`."""
        if not personal.pull_every:
            return
        # loaded for those alone who want it
        from copydesk.agent.community.pull_schedule import ask_for_pull

        if ask_for_pull(self._db, personal.pull_every, time.time()):
            self._logger.info("pull: it is due")

    def _retry_deferred_work(self, personal: Personal) -> None:
        obstacle = ""

        def look() -> str:
            nonlocal obstacle
            obstacle = budget_spent(self._db, personal.model_seconds) or self._model_is_away()
            return obstacle

        for work in deferred_work.retry_due(self._db, look):
            self._logger.info("%s %s: a model can be asked", work.kind, work.sha[:12])
        if obstacle:
            self._logger.info("no model: %s", one_line(obstacle))

    def _give_memory_back(self) -> None:
        """Unload what was loaded for this daemon, where memory is short."""
        if name := unload_when_short(self._repo.desk, self._model_settings):
            self._logger.info("memory is short: %s is unloaded", name)

    def _model_settings(self) -> ModelSettings:
        # a daemon at rest stays small, see above
        from copydesk.agent.model.settings import model_settings

        return model_settings(config.load(self._repo))

    def _model_is_away(self) -> str:
        """Why there is no model to ask now, "" when there is one; loads nothing large and takes
        2 s at most."""
        # a daemon at rest stays small: http.client is only loaded when something waits
        from copydesk.agent.model.client import available
        from copydesk.agent.model.settings import model_settings

        try:
            return available(model_settings(config.load(self._repo), self._db))[2]
        except CopydeskError as error:
            return str(error)  # settings that cannot be read


def _asks_for_room(notification: Notification) -> bool:
    return notification.hook == spool.UPGRADE and os.access(notification.worktree, os.X_OK)
