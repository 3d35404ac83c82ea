"""The daemon's loop: look for what is new, see to the running job, sleep."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from copydesk.agent import config
from copydesk.agent.config import Personal
from copydesk.agent.daemon import notifications
from copydesk.agent.daemon.disk_space import DiskSpace
from copydesk.agent.daemon.job_runner import JobRunner
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.daemon.wakeup import WakeUp
from copydesk.agent.desk import space
from copydesk.agent.desk.failures import costs_one_item
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import one_line

RESCAN_SECONDS = 45.0
PAUSE_SECONDS = 30.0
"""How often is looked whether what holds the work back is over."""

MAX_FAILURES = 10
"""How many turns in a row may fail for an unforeseen reason before the daemon gives up."""


class Pace(NamedTuple):
    """How long to stay with nothing to do (None: as the user set it), and how often to look
    although nothing stirred, in seconds."""

    idle_seconds: float | None = None
    rescan_seconds: float = RESCAN_SECONDS


class MainLoop:
    """Takes turns until there is nothing to do.

    Args:
        repo: The repository.
        scanner: Finds what is new.
        runner: Does what is asked for.
        wakeup: What to sleep on.
        pace: How long to stay, and how often to look.
        logger: Told of settings that cannot be read, and of a full disk.
    """

    def __init__(
        self,
        repo: Repository,
        scanner: Scanner,
        runner: JobRunner,
        wakeup: WakeUp,
        pace: Pace,
        logger: logging.Logger,
    ) -> None:
        self._repo = repo
        self._scanner = scanner
        self._runner = runner
        self._wakeup = wakeup
        self._pace = pace
        self._logger = logger
        self.disk = DiskSpace(repo.desk, logger)
        self._personal = Personal()
        self._busy_until = self._scanned_at = 0.0
        self._failures = 0
        self._desk_is_busy = False

    @property
    def _desk(self) -> Path:
        return self._repo.desk

    @property
    def _is_held_up(self) -> bool:
        """Whether the last turn failed, or could not use the desk."""
        return self._failures > 0 or self._desk_is_busy

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Take turns until it has been idle for long enough.

        Args:
            may_go_on: Asked before each turn; the loop ends when it says no.
        """
        self._personal = self._read_personal()
        self._busy_until = time.monotonic()
        self._scanned_at = -self._pace.rescan_seconds
        something_stirred = True
        while may_go_on():
            self._try_turn(something_stirred)
            seconds = self._seconds_to_sleep()
            if seconds is None:
                return
            until_scan = self._scanned_at + self._pace.rescan_seconds - time.monotonic()
            something_stirred = self._wakeup.sleep(max(0.0, min(seconds, until_scan)))

    def _try_turn(self, something_stirred: bool) -> None:
        """Take a turn; one that fails for no reason that was foreseen costs that turn alone."""
        try:
            self._take_turn(something_stirred)
        except Exception as error:
            self._failures += 1
            if self._failures >= MAX_FAILURES or not costs_one_item(error):
                raise
            self._logger.error("a turn of the daemon failed; it goes on", exc_info=True)
        else:
            self._failures = 0

    def _take_turn(self, something_stirred: bool) -> None:
        now = time.monotonic()
        try:
            if something_stirred or now - self._scanned_at >= self._pace.rescan_seconds:
                self._scanned_at = now
                self._personal = self._read_personal()
                if self._scanner.scan(self._personal):
                    self._busy_until = now
            if self._runner.step(self._personal):
                self._busy_until = time.monotonic()
            self.disk.look()
        except (CopydeskError, OSError, sqlite3.Error) as error:
            if space.is_busy(error):
                self._wait_for_the_desk(error)
            elif space.is_full(error):
                self.disk.ran_out(error)
            else:
                raise
        else:
            self._desk_is_busy = False

    def _wait_for_the_desk(self, error: Exception) -> None:
        """Another process holds the desk: say so once, and look again after a pause."""
        if not self._desk_is_busy:
            self._logger.warning("waiting for the desk: %s", one_line(str(error)))
        self._desk_is_busy = True

    def _seconds_to_sleep(self) -> float | None:
        """How long nothing is due; None when it is time to end."""
        is_idle, due = self._outlook()
        if is_idle and not self._is_held_up:
            seconds = self._busy_until + self._personal.idle_seconds - time.monotonic()
            if seconds <= 0:
                return None
        else:
            self._busy_until = time.monotonic()
            seconds = self._pace.rescan_seconds
            if due is not None:
                seconds = max(0.05, due - time.time())
        if self._runner.paused or self.disk.is_full or self._is_held_up:
            seconds = PAUSE_SECONDS
        deadline = self._runner.deadline
        if deadline is not None:
            seconds = min(seconds, deadline - time.monotonic())
        return seconds

    def _outlook(self) -> tuple[bool, float | None]:
        """Whether there is nothing to do, and when the next job may start, as far as the desk can
        be asked."""
        try:
            is_idle = self._runner.is_idle and not notifications.waiting(self._desk)
            return is_idle, self._runner.next_due()
        except sqlite3.Error as error:
            if not space.is_busy(error):
                raise
            self._wait_for_the_desk(error)
            return False, None

    def _read_personal(self) -> Personal:
        """The user's settings as they are now; one that cannot be read leaves them all alone."""
        try:
            personal = config.load_personal(self._repo)[0]
        except CopydeskError as error:
            self._logger.warning("settings: %s", one_line(str(error)))
            personal = Personal()
        if self._pace.idle_seconds is not None:
            personal = dataclasses.replace(personal, idle_seconds=self._pace.idle_seconds)
        return personal
