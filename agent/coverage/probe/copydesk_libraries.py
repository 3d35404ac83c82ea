"""Libraries that do what no audit event tells of: they are listened to once they are imported.

Runs inside the user's pytest. Standard library only; never imported as part of copydesk.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable

Note = Callable[[Any], None]


class Libraries:
    """What to do with a library's module once it is there.

    Args:
        measures: Told coverage.py's class of what collects.
        starts: Told of a Python that multiprocessing spawns: executable, argv, folder, environment.
        asks: Told that a fork server, which belongs to whoever needed it first, starts a process.
    """

    def __init__(self, measures: Note, starts: Note, asks: Note) -> None:
        self._known: dict[str, Callable[[Any], None]] = {
            "coverage.collector": lambda module: measures(module.Collector),
            "multiprocessing.util": lambda module: self._tell(
                module, "spawnv_passfds", lambda path, args, fds: starts((path, args, None, None))
            ),
            "multiprocessing.forkserver": lambda module: self._tell(
                module, "connect_to_new_process", lambda fds: asks(())
            ),
        }

    def present(self) -> None:
        """Listen to those that are imported already."""
        for name in self._known.keys() & sys.modules.keys():
            self._known[name](sys.modules[name])

    def came(self, module: Any) -> None:
        """Listen to a module that was just imported, if it is one of them."""
        if module.__name__ in self._known:
            self._known[module.__name__](module)

    @staticmethod
    def _tell(module: Any, name: str, note: Callable[..., None]) -> None:
        inner = getattr(module, name)

        def function(*args: Any) -> Any:
            with contextlib.suppress(Exception):  # ours to bear, not the user's
                note(*args)
            return inner(*args)

        setattr(module, name, function)
