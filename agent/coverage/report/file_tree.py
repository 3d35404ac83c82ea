"""The files of a report by folder, with what tests reach of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from copydesk.agent.coverage.store import Sum


def tree(entries: Sequence[FileEntry]) -> Folder:
    """The files by folder, each level by name."""
    top = Folder("")
    for entry in sorted(entries, key=lambda entry: entry.path):
        folder = top
        for part in PurePosixPath(entry.path).parent.parts:
            folder = folder.folders.setdefault(part, Folder(part))
        folder.files.append(entry)
    return top


@dataclass(slots=True)
class Folder:
    """A folder of the project in the tree of files: what is in it, and the sum of that."""

    name: str
    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[FileEntry] = field(default_factory=list)

    @property
    def total(self) -> Sum:
        """The sum of all files below it."""
        parts = [entry.total for entry in self.files]
        parts += [folder.total for folder in self.folders.values()]
        return Sum(sum(part.executable for part in parts), sum(part.covered for part in parts))


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file in the tree: its name, its path, its page, and what is reached of it."""

    name: str
    path: str
    page: str
    total: Sum
    missing: int
