"""The texts of a commit's files, read from git once each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.source import Import, imports_of
from copydesk.agent.coverage.store import gaps as gap_rows
from copydesk.agent.desk.content_cache import ContentCache
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository


@dataclass(slots=True)
class Blobs:
    """Texts of blobs, read in bulk and kept, and what was worked out from them before.

    `later` are blobs that are read all together once one of them is asked for.
    """

    repo: Repository
    texts: dict[str, str] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    imports: ContentCache | None = None
    outlines: ContentCache | None = None
    _unasked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, repo: Repository, db: Database, *trees: Mapping[str, str]) -> Blobs:
        """Be ready to read every Python file of some trees, given as blob by path.

        Read at once are those that differ between the trees.
        """
        mine = cls(repo)

        def outline(blob: str) -> gap_rows.Outline:
            return gap_rows.Outline.of(mine(blob))

        language = f"{sys.version_info[0]}.{sys.version_info[1]}"
        mine.imports = db.content_cache(
            f"imports/1/{language}", lambda blob: imports_of(mine(blob))
        )
        mine.outlines = db.content_cache(f"outline/2/{language}", outline)
        python = [{b for p, b in tree.items() if p.endswith(".py")} for tree in trees]
        every = set[str]().union(*python)
        differing = {blob for blob in every if not all(blob in tree for tree in python)}
        mine.later, mine._unasked = every - differing, every
        mine.read(differing)
        return mine

    def read(self, blobs: set[str]) -> None:
        """Read some at once."""
        self.texts |= {b: _text(raw) for b, raw in git.read_blobs(self.repo, blobs).items()}

    def __call__(self, blob: str) -> str:
        """The text of a blob."""
        if blob in self.later:
            self.read(self.later)
            self.later = set()
        if blob not in self.texts:
            self.texts[blob] = _text(git.read_blob(self.repo, blob))
        return self.texts[blob]

    def imported(self, blob: str) -> list[Import]:
        """The imports of a blob."""
        if self.imports and self._unasked:
            self.imports.fetch(self._unasked)  # who asks for one asks for most of them
            self._unasked = set()
        found = self.imports(blob) if self.imports else imports_of(self(blob))
        return [Import(name, tuple(names), level, lazy) for name, names, level, lazy in found]

    def outlined(self, blob: str) -> gap_rows.Outline:
        """The functions of a blob."""
        if self.outlines is None:
            return gap_rows.Outline.of(self(blob))
        return gap_rows.Outline.from_json(self.outlines(blob))

    def save(self) -> None:
        """Keep what was worked out."""
        for known in (self.imports, self.outlines):
            if known:
                known.save()


def files_of(entries: Mapping[str, git.Entry]) -> dict[str, str]:
    """The blob of every path of a tree that is a file."""
    return {path: entry.blob for path, entry in entries.items() if entry.mode != "120000"}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n").removeprefix("\ufeff")
