"""The daemon's log: lines of text in a file that cannot grow without end."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from copydesk.agent.text import clean
from copydesk.hooks import failpoints

MAX_BYTES = 1_000_000
NAME = "daemon.log"


def daemon_logger(desk: Path) -> logging.Logger:
    """The logger of a desk's daemon and of its workers, which writes to `<desk>/daemon.log`."""
    logger = logging.getLogger(f"copydesk.daemon:{desk}")
    if not logger.handlers:
        logger.addHandler(DaemonLogHandler(desk))
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


class DaemonLogHandler(RotatingFileHandler):
    """Appends to `<desk>/daemon.log`; the file before it is kept as daemon.log.1.

    The file is opened for each record, since the daemon and its worker both write and rotate it.
    What cannot be written, on a full disk, is borne in silence.

    Args:
        desk: The folder of the desk.
        max_bytes: The size that a file does not exceed.
    """

    def __init__(self, desk: Path, *, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(
            desk / NAME,
            maxBytes=max_bytes,
            backupCount=1,
            encoding="utf-8",
            errors="replace",
            delay=True,
        )
        self.setFormatter(_Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, a line for each line of its text."""
        with contextlib.suppress(OSError):
            failpoints.failpoint("log.write")
            super().emit(record)
        if self.stream:
            stream = self.stream
            self.stream = None  # opened again by the next record
            with contextlib.suppress(OSError):
                stream.close()

    def handleError(self, record: logging.LogRecord) -> None:  # logging's name
        """Bear it in silence."""


class _Formatter(logging.Formatter):
    """The time, the level where it is a warning or worse, and text that moves no cursor."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level = f" {record.levelname.lower()}:" if record.levelno >= logging.WARNING else ""
        lines = clean(super().format(record)).splitlines()
        return "\n".join(f"{moment}{level} {line}" for line in lines)


def tail(desk: Path, count: int) -> list[str]:
    """The last lines of the log, the oldest first."""
    lines: list[str] = []
    for name in (NAME + ".1", NAME):
        with contextlib.suppress(OSError):
            lines += (desk / name).read_text("utf-8", "replace").splitlines()
    return lines[-count:] if count > 0 else []
