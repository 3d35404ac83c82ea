"""Going through a full disk: the daemon pauses, and goes on by itself when there is room."""

from __future__ import annotations

import logging
from pathlib import Path

from copydesk.agent.desk import space
from copydesk.agent.text import one_line


class DiskSpace:
    """Whether the disk has room for the desk.

    Args:
        desk: The folder of the desk.
        logger: Told when the disk is full and when it is no more.
    """

    def __init__(self, desk: Path, logger: logging.Logger) -> None:
        self._desk = desk
        self._logger = logger
        self.is_full = False

    def ran_out(self, error: Exception) -> None:
        """Something could not be written for want of room: throw off the ballast."""
        if space.throw_ballast(self._desk) or not self.is_full:
            self._logger.warning("the disk is full: paused (%s)", one_line(str(error)))
        self.is_full = True

    def look(self) -> None:
        """See whether there is room, and if there is, lay the ballast again."""
        if space.low(self._desk):
            return
        if self.is_full:
            self._logger.info("there is room on the disk again")
            self.is_full = False
        space.lay_ballast(self._desk)
