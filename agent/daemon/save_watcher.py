"""Waiting until something is saved in a worktree."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

QUIET_SECONDS = 0.1
"""An editor writes a file in several steps; a save is over when nothing stirs for so long."""
LOOK_SECONDS = 5.0
"""How long a wake-up that never came can delay a look."""


class SaveWatcher:
    """Watches folders, each without those in it: what git ignores may be large.

    Use as a context manager.
    """

    def __init__(self) -> None:
        # watchdog takes 40 ms to import, and nothing else needs it
        from watchdog.observers import Observer

        self._stirred = threading.Event()
        self._observer = Observer()
        self._watched: dict[Path, Any] = {}

    def __enter__(self) -> SaveWatcher:
        with contextlib.suppress(OSError):  # none is left: then it is looked from time to time
            self._observer.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):
            self._observer.stop()
            self._observer.join(5.0)

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders and no others."""
        new_folders = set(folders)
        handler: Any = self
        for folder in self._watched.keys() - new_folders:
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(self._watched.pop(folder))
        for folder in sorted(new_folders - self._watched.keys()):
            with contextlib.suppress(OSError):
                self._watched[folder] = self._observer.schedule(handler, str(folder))

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take an event from watchdog; reading a file is none that counts."""
        if event.event_type in ("created", "modified", "moved", "deleted"):
            self._stirred.set()

    def wait(self) -> None:
        """Return when something may have been saved, or after a while."""
        if self._stirred.wait(LOOK_SECONDS):
            self._stirred.clear()
            while self._stirred.wait(QUIET_SECONDS):
                self._stirred.clear()
