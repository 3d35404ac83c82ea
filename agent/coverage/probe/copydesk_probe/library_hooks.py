"""Libraries that do what no audit event tells of: watched from the moment they are imported."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable

from .unaudited_calls import Replace


class LibraryHooks:
    """What to replace in a library's module once it is there.

    Args:
        on_collector: Told coverage.py's class of what collects.
        on_spawn: Told of a Python that multiprocessing spawns: executable, argv, folder,
            environment.
        on_fork_server: Told that a fork server, which belongs to whoever needed it first, starts a
            process.
        replace: Puts a function in place of another.
    """

    def __init__(
        self,
        on_collector: Callable[[Any], None],
        on_spawn: Callable[[tuple[Any, ...]], None],
        on_fork_server: Callable[[tuple[Any, ...]], None],
        replace: Replace,
    ) -> None:
        self._replace = replace
        self._hooks: dict[str, Callable[[Any], None]] = {
            "coverage.collector": lambda module: on_collector(module.Collector),
            "multiprocessing.util": lambda module: self._call_before(
                module,
                "spawnv_passfds",
                lambda path, argv, fds: on_spawn((path, argv, None, None)),
            ),
            "multiprocessing.forkserver": lambda module: self._call_before(
                module, "connect_to_new_process", lambda fds: on_fork_server(())
            ),
        }

    def watch(self, name: str, hook: Callable[[Any], None]) -> None:
        """Have one more module watched: the hook is called with it once it is imported."""
        self._hooks[name] = hook

    def watch_imported(self) -> None:
        """Watch those that are imported already."""
        for name in self._hooks.keys() & sys.modules.keys():
            self._hooks[name](sys.modules[name])

    def module_imported(self, module: Any) -> None:
        """Watch a module that was just imported, if it is one of them."""
        if module.__name__ in self._hooks:
            self._hooks[module.__name__](module)

    def _call_before(self, module: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(module, name)

        def function(*args: Any) -> Any:
            with contextlib.suppress(Exception):  # ours to bear, not the user's
                note(*args)
            return original(*args)

        self._replace(module, name, function)
