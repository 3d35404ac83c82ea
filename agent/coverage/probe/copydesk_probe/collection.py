"""Collecting some test files of those that pytest would collect by itself, and no other.

pytest collects whatever file it is given by name: one outside of `testpaths`, one that `--ignore`
leaves out or whose name `python_files` does not match. So it is given what a full run is given,
and everything but the wanted files is left out on the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any


class WantedFiles:
    """The files that are to be collected.

    Args:
        roots: The folder that the files are in, by all its names.
        files: The files, relative to it, in the order to run them in.
        conftests: Files whose hooks concern all tests: pytest is to find these, too.

    Attributes:
        project: Where in the root pytest's own root folder is, with a slash; empty for the root.
    """

    project = ""

    def __init__(
        self, roots: Iterable[str], files: Iterable[str], conftests: Iterable[str]
    ) -> None:
        self._rank = {path: number for number, path in enumerate(files)}
        self._paths: set[str] = set()
        self._folders: set[str] = set()
        for root in roots:
            self._folders.add(root)
            for path in self._rank:
                self._paths.add(os.path.join(root, path))
                self._add_folders(root, path)
            for path in conftests:
                self._add_folders(root, path)

    def _add_folders(self, root: str, path: str) -> None:
        folder = os.path.dirname(path)
        while folder:
            self._folders.add(os.path.join(root, folder))
            folder = os.path.dirname(folder)

    def is_left_out(self, path: str) -> bool:
        """Whether pytest need not look at a file or a folder, given in full."""
        if path in self._paths or path in self._folders:
            return False
        folder, name = os.path.split(path)
        # packages are collected by this file, and pytest takes them apart by itself
        return name != "__init__.py" or folder not in self._folders

    def take_from(self, items: list[Any]) -> None:
        """Keep the tests of the wanted files alone, the files in the order that was asked for."""
        wanted = []
        for item in items:
            rank = self._rank.get(self.project + item.nodeid.partition("::")[0])
            if rank is not None:
                wanted.append((rank, item))
        wanted.sort(key=lambda pair: pair[0])
        items[:] = [item for _, item in wanted]
