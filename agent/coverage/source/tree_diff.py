"""The files of two commits, and what differs between them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.source.blocks import Module, parse
from copydesk.agent.coverage.source.import_graph import Import, ImportGraph, Sources

GIT_HEAD = ".git/HEAD"
"""Stands among the files for what a test may ask git; its blob is the commit."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit: blob by path, and how to read a blob as text."""

    blobs: Mapping[str, str]
    read: Callable[[str], str]
    imports: Callable[[str], Iterable[Import]] | None = None
    """The imports of a blob, where they are known without reading it."""
    variables: Callable[[str], str] | None = None
    """A name for the value of an environment variable, as the tests would see it."""
    roots: tuple[str, ...] = ("", "src")
    """The folders that stand on the import path."""
    scripts: frozenset[str] = frozenset()
    """Python files that were executed although their names do not end in .py."""

    def is_python(self, path: str) -> bool:
        """Whether a file is source."""
        return path.endswith(".py") or path in self.scripts

    def graph(self) -> ImportGraph:
        """The imports between its Python files."""
        python = {path: blob for path, blob in self.blobs.items() if self.is_python(path)}
        imports_of_blob = self.imports
        if imports_of_blob is None:
            return ImportGraph(Sources(python, self.read), self.roots)
        return ImportGraph(
            Sources(python, self.read),
            self.roots,
            imports=lambda path: imports_of_blob(python[path]),
        )


@dataclass(slots=True)
class TreeDifference:
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


def compare_trees(old: Tree, new: Tree) -> TreeDifference:
    """What differs between two trees."""
    paths = {path for path, _ in old.blobs.items() ^ new.blobs.items()}
    python = {path for path in paths if new.is_python(path)}
    added, deleted = python - old.blobs.keys(), python - new.blobs.keys()
    modified = {}
    for path in python - added - deleted:
        modified[path] = parse(old.read(old.blobs[path])), parse(new.read(new.blobs[path]))
    added_or_deleted = (paths - old.blobs.keys()) | (paths - new.blobs.keys())
    changed_folders = set[str]()
    if added_or_deleted:
        changed_folders = _folders(old.blobs) ^ _folders(new.blobs)
    return TreeDifference(
        modified,
        added,
        deleted,
        data=paths | changed_folders,
        folders={posixpath.dirname(path) or "." for path in added_or_deleted | changed_folders},
        texts=frozenset(paths - python),
    )


def _folders(paths: Iterable[str]) -> set[str]:
    """The folders that hold some files, and those above them."""
    folders: set[str] = set()
    for folder in {posixpath.dirname(path) for path in paths}:
        while folder and folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    return folders


def file_of(node_id: str) -> str:
    """The file that a test stands in."""
    return node_id.partition("::")[0]


def may_mention(source: str, names: Collection[str]) -> bool:
    """Whether one of some names stands in a source: a search is quicker than taking it apart."""
    return any(name in source for name in names)
