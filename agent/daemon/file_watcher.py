"""Waking the daemon when something stirs in the git folder.

A wake-up and nothing more: inotify's queue can overflow without a word, so what happened is
always read from the spool and from git itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.agent.daemon import notifications

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

POLL_SECONDS = 2.0

_QUIET_NAMES = frozenset(
    {"index", "COMMIT_EDITMSG", "FETCH_HEAD", "ORIG_HEAD", "config", "gc.pid", "copydesk"}
)
_CHANGES = frozenset({"created", "modified", "moved", "deleted"})


class FileWatcher:
    """Watches the spool and the places where refs change, in both ref formats.

    Args:
        common_dir: The git folder that all worktrees share.
        wake: Called, from another thread, whenever something may have happened.
        polling: Look from time to time instead of asking the kernel.
    """

    def __init__(
        self, common_dir: Path, wake: Callable[[], None], *, polling: bool = False
    ) -> None:
        self._wake = wake
        self._spool = notifications.folder(common_dir / "copydesk")
        self._folders = {
            self._spool: False,
            common_dir: False,
            common_dir / "logs": False,
            common_dir / "refs" / "heads": True,
            common_dir / "worktrees": True,
            common_dir / "reftable": False,
        }
        self._watched: dict[Path, tuple[int, Any]] = {}
        self.polling = polling
        self._observer = self._start()

    def _start(self) -> BaseObserver:
        # watchdog takes 40 ms to import, and nothing else needs it
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        if not self.polling:
            observer = Observer()
            with contextlib.suppress(OSError):  # no inotify instance or watch is left
                observer.start()
                self._observer = observer
                if self.refresh():
                    return observer
            with contextlib.suppress(RuntimeError, OSError):
                observer.stop()
            self.polling, self._watched = True, {}
        self._observer = PollingObserver(timeout=POLL_SECONDS)
        self._observer.start()
        self.refresh()
        return self._observer

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch further folders, without those in them, from the next refresh on."""
        for folder in folders:
            self._folders.setdefault(folder, False)

    def refresh(self) -> bool:
        """Watch the folders that have appeared since, and anew those that were made anew.

        Returns:
            Whether every folder that exists is watched.
        """
        watched = [self._watch_anew(folder) for folder in self._folders]
        return all(watched)

    def _watch_anew(self, folder: Path) -> bool:
        """Watch a folder unless it is watched already; False when the kernel cannot."""
        try:
            inode = folder.stat().st_ino
        except OSError:
            inode = 0
        former_inode, former_watch = self._watched.get(folder, (0, None))
        if inode == former_inode:
            return True
        if former_watch is not None:
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(former_watch)
        self._watched[folder] = (0, None)
        if inode:
            handler: Any = _Handler(self)
            deep = self._folders[folder]
            try:
                watch = self._observer.schedule(handler, str(folder), recursive=deep)
            except OSError:
                return False
            self._watched[folder] = (inode, watch)
        return True

    def is_relevant(self, event: FileSystemEvent) -> bool:
        """Whether an event may mean a notification or a moved ref."""
        change = event.event_type
        if change not in _CHANGES:
            return False
        if event.is_directory and change == "modified":
            return False  # says only that something in it came or went, which is told apart
        path = Path(str(event.dest_path or event.src_path))
        if path == self._spool:
            return False
        if path.parent == self._spool:
            return change in ("created", "moved")
        return path.name not in _QUIET_NAMES and path.suffix != ".lock"

    def on_event(self, event: FileSystemEvent) -> None:
        """Take an event from watchdog."""
        if self.is_relevant(event):
            self._wake()

    def stop(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join(5.0)


class _Handler:
    """What watchdog calls; its own base class would have to be imported with the module."""

    def __init__(self, watcher: FileWatcher) -> None:
        self._watcher = watcher

    def dispatch(self, event: FileSystemEvent) -> None:
        self._watcher.on_event(event)
