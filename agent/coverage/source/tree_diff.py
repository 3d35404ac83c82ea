"""The files of two commits, and what differs between them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.source.blocks import Module, parse
from copydesk.agent.coverage.source.import_graph import Import, ImportGraph, Sources


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit: blob by path, and how to read a blob as text."""

    blobs: Mapping[str, str]
    read: Callable[[str], str]
    imports: Callable[[str], Iterable[Import]] | None = None
    """The imports of a blob, where they are known without reading it."""
    variables: Callable[[str], str] | None = None
    """A name for the value of an environment variable, as the tests would see it."""

    def graph(self) -> ImportGraph:
        """The imports between its Python files."""
        python = {path: blob for path, blob in self.blobs.items() if path.endswith(".py")}
        known = self.imports
        by_path = None if known is None else lambda path: known(python[path])
        return ImportGraph(Sources(python, self.read), imports=by_path)


@dataclass(slots=True)
class Change:
    """The difference of two trees, as far as Python and data files are concerned."""

    modified: dict[str, tuple[Module, Module]]
    added: set[str]
    deleted: set[str]
    data: set[str]
    folders: set[str]
    texts: frozenset[str] = frozenset()
    """What of the data is no Python file."""

    @property
    def python(self) -> set[str]:
        """The Python files among them."""
        return set(self.modified) | self.added | self.deleted


def difference(old: Tree, new: Tree) -> Change:
    """What differs between two trees."""
    paths = {path for path, _ in old.blobs.items() ^ new.blobs.items()}
    python = {p for p in paths if p.endswith(".py")}
    added = {p for p in python if p not in old.blobs}
    deleted = {p for p in python if p not in new.blobs}
    modified = {
        p: (parse(old.read(old.blobs[p])), parse(new.read(new.blobs[p])))
        for p in python - added - deleted
    }
    came_or_went = {p for p in paths if (p in old.blobs) != (p in new.blobs)}
    whole = _folders(old.blobs) ^ _folders(new.blobs) if came_or_went else set()
    folders = {posixpath.dirname(p) or "." for p in came_or_went | whole}
    return Change(modified, added, deleted, paths | whole, folders, frozenset(paths - python))


def _folders(paths: Iterable[str]) -> set[str]:
    """The folders that hold some files, and those above them."""
    found: set[str] = set()
    for folder in {posixpath.dirname(p) for p in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def file_of(node_id: str) -> str:
    """The file that a test stands in."""
    return node_id.partition("::")[0]


def may_mention(source: str, names: Collection[str]) -> bool:
    """Whether one of some names stands in a source: a search is quicker than taking it apart."""
    return any(name in source for name in names)
