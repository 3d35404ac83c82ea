"""The daemon's log: lines of text in a file that cannot grow without end."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from copydesk.agent.text import clean
from copydesk.hooks import failpoints

MAX_BYTES = 1_000_000
NAME = "daemon.log"


class Log:
    """Appends lines to `<desk>/daemon.log`; the file before it is kept as daemon.log.1."""

    def __init__(self, desk: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = desk / NAME
        self._max_bytes = max_bytes

    def say(self, text: str) -> None:
        """Write a line (each line of the text) with the time. A full disk is borne in silence."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = "".join(f"{moment} {line}\n" for line in clean(text).splitlines())
        with contextlib.suppress(OSError):
            failpoints.failpoint("log.say")
            if self._path.exists() and self._path.stat().st_size > self._max_bytes:
                self._path.replace(self._path.with_name(NAME + ".1"))
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(lines)


def tail(desk: Path, count: int) -> list[str]:
    """The last lines of the log, the oldest first."""
    lines: list[str] = []
    for name in (NAME + ".1", NAME):
        with contextlib.suppress(OSError):
            lines += (desk / name).read_text("utf-8", "replace").splitlines()
    return lines[-count:] if count > 0 else []
