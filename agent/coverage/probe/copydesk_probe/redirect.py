"""Editable installs lead to the commit's tree, not to the working tree that they name.

What is not committed must not run while a commit is measured. An editable install puts folders of
the working tree on the import path (.pth files), or finders that know the place of each module;
both have been read when this runs, and are pointed at the tree of the commit.
"""

from __future__ import annotations

import json
import os
import sys
from types import MappingProxyType
from typing import Any

VARIABLE = "COPYDESK_REDIRECT"
"""The variable that holds the working trees, the tree, and which of its folders are installed."""

_DEEPEST = 4
"""How deep into a finder's own containers is looked."""


class Redirect:
    """Where paths of the working trees lead instead.

    Args:
        worktrees: The working trees of the repository.
        tree: The files of the commit.
        kept: Folders in the working trees that are no part of them: virtual environments, the
            git folder.
    """

    def __init__(self, worktrees: list[str], tree: str, kept: list[str]) -> None:
        self.tops = [top.rstrip(os.sep) for top in worktrees]
        self.tree = tree.rstrip(os.sep)
        self.kept = [self.tree, *(folder.rstrip(os.sep) for folder in kept)]

    @classmethod
    def from_environment(cls) -> Redirect | None:
        """As the environment says; None where it says nothing."""
        text = os.environ.get(VARIABLE)
        if not text:
            return None
        settings = json.loads(text)
        return cls(settings["worktrees"], settings["tree"], settings["kept"])

    def relative(self, path: str) -> str | None:
        """A path as a working tree knows it; None where it lies in none."""
        for name in (path, os.path.realpath(path)):
            if any(_is_below(name, folder) for folder in self.kept):
                return None
            for top in self.tops:
                if _is_below(name, top):
                    return name[len(top) + 1 :]
        return None

    def moved(self, path: str) -> str:
        """Where a path leads: in the tree instead of a working tree, else where it did."""
        relative = self.relative(path) if path[:1] == os.sep else None
        return path if relative is None else os.path.join(self.tree, relative).rstrip(os.sep)

    def install(self, roots: list[str]) -> None:
        """Point the import path and its finders at the tree.

        Args:
            roots: The folders of the tree, relative, that are installed: where the working tree
                is hidden, the interpreter has not taken them up.
        """
        path = [self.moved(entry) if isinstance(entry, str) else entry for entry in sys.path]
        path += [os.path.normpath(os.path.join(self.tree, root)) for root in roots]
        sys.path[:] = list(dict.fromkeys(path))
        sys.path_importer_cache.clear()
        for finder in [*sys.meta_path, *sys.path_hooks]:
            self._move_all(getattr(finder, "__dict__", None))
            self._move_all(getattr(type(finder), "__dict__", None))
        for name, module in list(sys.modules.items()):
            if "editable" in name:
                self._move_all(getattr(module, "__dict__", None))
            elif getattr(module, "__file__", None) is None:  # a namespace that a .pth file made
                self._move_all({"": getattr(module, "__path__", None)})

    def _move_all(self, container: Any, depth: int = 0) -> Any:
        """Move the paths in a container, in place where that can be; what it is then."""
        if isinstance(container, str):
            return self.moved(container)
        if depth > _DEEPEST:
            return container
        if type(container) is tuple:
            moved_items = tuple(self._move_all(value, depth + 1) for value in container)
            return moved_items if moved_items != container else container
        if isinstance(container, dict):
            self._move_values(container, depth)
        elif isinstance(container, list):
            container[:] = [self._move_all(value, depth + 1) for value in container]
        elif isinstance(container, MappingProxyType):  # of a class
            self._move_attributes(container, depth)
        return container

    def _move_attributes(self, attributes: MappingProxyType[str, Any], depth: int) -> None:
        """Move the paths in the containers of a class, which itself cannot be written here."""
        for value in list(attributes.values()):
            if isinstance(value, (dict, list)):
                self._move_all(value, depth + 1)

    def _move_values(self, container: dict[Any, Any], depth: int) -> None:
        for key, value in list(container.items()):
            moved = self._move_all(value, depth + 1)
            if moved is not value:
                container[key] = moved

    def strays(self) -> list[str]:
        """The modules that were imported from a working tree all the same."""
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        real = {os.path.realpath(file) for file in files if isinstance(file, str)}
        return sorted(file for file in real if self.relative(file) is not None)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def start() -> None:
    """Do it, where the environment asks for it."""
    redirect = Redirect.from_environment()
    if redirect is not None:
        redirect.install(json.loads(os.environ[VARIABLE])["roots"])
