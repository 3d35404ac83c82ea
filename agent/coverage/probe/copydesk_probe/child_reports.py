"""What the Pythons that tests started have written down, read by the process that ran the tests."""

from __future__ import annotations

import os

UNKNOWN = "?"
"""Stands for the context of a report that has not been begun."""


class ChildReports:
    """A folder with a report of each child.

    Args:
        folder: Where `child_process.ChildProcess` writes them.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._context_of: dict[str, str] = {}

    def read(self) -> tuple[dict[str, set[tuple[str, str]]], dict[str, int]]:
        """What each context's children depend on, and how many reports the context has."""
        needs: dict[str, set[tuple[str, str]]] = {}
        counts: dict[str, int] = {}
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            context, *lines = self._text(name).split("\0")
            counts[context] = counts.get(context, 0) + 1
            context_needs = needs.setdefault(context, set())
            for line in filter(None, lines):
                kind, _, dependency = line.partition(" ")
                context_needs.add((kind, dependency))
        return needs, counts

    def contexts(self) -> set[str]:
        """The contexts that have started a Python so far; "?" is one that is not known yet."""
        for name in os.listdir(self.folder):
            if name not in self._context_of:
                context, separator, _ = self._text(name).partition("\0")
                if not separator:
                    return {UNKNOWN, *self._context_of.values()}
                self._context_of[name] = context
        return set(self._context_of.values())

    def _text(self, name: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
