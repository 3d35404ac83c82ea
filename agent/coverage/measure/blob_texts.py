"""The texts of a commit's files, read from git once each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.source import Import, imports_of
from copydesk.agent.coverage.store import Outline
from copydesk.agent.desk.content_cache import ContentCache
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.source_text import decode_source


@dataclass(slots=True)
class BlobTexts:
    """Texts of blobs, read in bulk and kept, and what was worked out from them before.

    `_unread` are blobs that are read all together once one of them is asked for; `_unfetched`
    those of which the imports are read from the desk together.
    """

    repo: Repository
    texts: dict[str, str] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)
    _unfetched: set[str] = field(default_factory=set)
    _imports: ContentCache | None = None
    _outlines: ContentCache | None = None

    @classmethod
    def of(cls, repo: Repository, db: Database, *trees: Mapping[str, str]) -> BlobTexts:
        """Be ready to read every Python file of some trees, given as blob by path.

        Read at once are those that differ between the trees.
        """
        texts = cls(repo)

        def imports(blob: str) -> tuple[Import, ...]:
            return imports_of(texts(blob))

        def outline(blob: str) -> Outline:
            return Outline.of(texts(blob))

        language = f"{sys.version_info[0]}.{sys.version_info[1]}"
        texts._imports = db.content_cache(f"imports/2/{language}", imports)
        texts._outlines = db.content_cache(f"outline/3/{language}", outline)
        python = [{b for path, b in tree.items() if path.endswith(".py")} for tree in trees]
        all_blobs = set[str]().union(*python)
        differing = all_blobs.difference(python[0].intersection(*python[1:]))
        texts._unread, texts._unfetched = all_blobs - differing, all_blobs
        texts.read(differing)
        return texts

    def read(self, blobs: set[str]) -> None:
        """Read some at once."""
        contents = git.read_blobs(self.repo, blobs)
        for blob in blobs:
            # what is gone, with a submodule or a generated file, is like nothing else
            self.texts[blob] = decode_source(contents.get(blob, b"\xff" + blob.encode()))

    def __call__(self, blob: str) -> str:
        """The text of a blob."""
        if blob in self._unread:
            self.read(self._unread)
            self._unread = set()
        if blob not in self.texts:
            self.read({blob})
        return self.texts[blob]

    def imports(self, blob: str) -> list[Import]:
        """The imports of a blob."""
        if self._imports is None:
            return list(imports_of(self(blob)))
        if self._unfetched:
            self._imports.fetch(self._unfetched)  # who asks for one asks for most of them
            self._unfetched = set()
        return [
            Import(module, tuple(names), level, lazy)
            for module, names, level, lazy in self._imports(blob)
        ]

    def outline(self, blob: str) -> Outline:
        """The functions of a blob."""
        if self._outlines is None:
            return Outline.of(self(blob))
        return Outline.from_json(self._outlines(blob))

    def save(self) -> None:
        """Keep what was worked out."""
        for cache in (self._imports, self._outlines):
            if cache:
                cache.save()


def files_of(entries: Mapping[str, git.Entry]) -> dict[str, str]:
    """The blob of every path of a tree that is a file."""
    return {path: entry.blob for path, entry in entries.items() if entry.mode != "120000"}
