"""Notes what is read of the place that a call runs in: variables, and pytest's own arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, List, Set

EVERY = "*"
"""Read: all variables there are."""
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_MAPPINGS = ("<frozen", os.__file__, _LIBRARY + "_collections_abc.py")
_DEEPEST = 12
"""Frames of the standard library that may lie between the project's code and a variable."""


class Reads:
    """Listens to reads of os.environ from its making on, for as long as the process lives.

    Args:
        top: The project's folder. What its code reads is noted, and what the standard library
            reads on its behalf.

    Attributes:
        names: The names of the variables that were read, in order.
        active: Whether anything is noted.
    """

    def __init__(self, top: str) -> None:
        self.names: List[str] = []
        self.active = True
        self._seen: Set[str] = set()
        self._top = top.rstrip(os.sep) + os.sep
        kind: Any = type(os.environ)
        get, every = kind.__getitem__, kind.__iter__

        def getitem(this: Any, key: Any) -> Any:
            if self._is_new(key) and self._asked_by_project(sys._getframe(1)):
                self._add(key)
            return get(this, key)

        def iterate(this: Any) -> Iterator[Any]:
            if self._is_new(EVERY) and self._project_iterates(sys._getframe(1)):
                self._add(EVERY)
            return iter(list(every(this)))

        kind.__getitem__, kind.__iter__ = getitem, iterate

    def _is_new(self, name: Any) -> bool:
        return self.active and isinstance(name, str) and name not in self._seen

    def _add(self, name: str) -> None:
        self._seen.add(name)
        self.names.append(name)

    def _asked_by_project(self, frame: Any) -> bool:
        for _ in range(_DEEPEST):
            if frame is None:
                return False
            file = frame.f_code.co_filename
            if file.startswith(self._top):
                return True
            if "site-packages" in file or not file.startswith((_LIBRARY, "<frozen")):
                return False
            frame = frame.f_back
        return False

    def _project_iterates(self, frame: Any) -> bool:
        """Whether the project's own code goes through all variables: much of the standard library
        does for what makes no difference.
        """
        while frame is not None and frame.f_code.co_filename.startswith(_MAPPINGS):
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.startswith(self._top)


class NotedArguments(List[str]):
    """sys.argv, which says so when more of it than the program's name is read."""

    def __init__(self, words: List[str], heard: Callable[[], None]) -> None:
        super().__init__(words)
        self._heard = heard

    def __getitem__(self, index: Any) -> Any:
        """Read one word, or several."""
        if index != 0:
            self._heard()
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[str]:
        """Read them all."""
        self._heard()
        return super().__iter__()

    def __len__(self) -> int:
        """Count them."""
        self._heard()
        return super().__len__()
