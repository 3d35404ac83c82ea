"""What the desk knows of the lines of a change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.coverage.gate.changed_lines import Change
from copydesk.agent.coverage.gate.verdict import Judged
from copydesk.agent.coverage.source import moved, parse
from copydesk.agent.coverage.store import FileLines, numbits_to_nums, of_total
from copydesk.agent.coverage.store import totals as total_rows
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo, Sha
from copydesk.hooks import gate as hook

VERSIONS = 5
"""How many measured versions of a file are looked through for an unchanged block."""

NEAR = 100
"""How many ancestors are looked through for a measured commit."""


class Version(NamedTuple):
    """A measured version of a file."""

    blob: str
    lines: FileLines


@dataclass(frozen=True, slots=True)
class Desk:
    """What has been measured, asked for the changed lines of file versions.

    `near` is what the nearest measured commit says, by path; `uncounted` are files that it has
    and does not count. `exact` says that it is the very commit that is judged.
    """

    db: Database
    near: Mapping[str, Version]
    uncounted: frozenset[str] = frozenset()
    exact: bool = False

    def judged(self, change: Change, read: Callable[[str], str]) -> dict[str, Judged]:
        """The changed lines by path; files that do not count are left out.

        Args:
            change: The change.
            read: The text of a blob.
        """
        found = {}
        new_tests = not self.exact and self._has_new_tests(change)
        for path, (blob, lines) in change.files.items():
            near, asked = self.near.get(path), frozenset(lines)
            if near and (self.exact or near.blob == blob):
                found[path] = _asked(near.lines, asked)
            elif not (self.exact or path in self.uncounted or hook.is_test(path)):
                found[path] = self._carried(path, blob, asked, read)
            if new_tests and path in found:
                found[path] = _in_doubt(found[path])
        return found

    def _has_new_tests(self, change: Change) -> bool:
        """Whether the change brings tests that were never run: they may reach what was missing."""
        tests = [(path, blob) for path, (blob, _) in change.files.items() if hook.is_test(path)]
        return not all(self.db.traces.has_file(*test) for test in tests)

    def _carried(
        self, path: str, blob: str, asked: frozenset[LineNo], read: Callable[[str], str]
    ) -> Judged:
        """What measured versions of a file say of lines in blocks that did not change since."""
        text = read(blob)
        left = asked & parse(text).lines.keys()
        result = Judged()
        for version in self._versions(path, blob):
            if not left:
                break
            known, held = version.lines, left
            if version.blob != blob:
                known, held = _translated(known, read(version.blob), text)
            said = _asked(known, left & held)
            left -= held
            result = Judged(*(a | b for a, b in zip(result, said, strict=True)))
        return result._replace(unknown=left)

    def _versions(self, path: str, blob: str) -> list[Version]:
        """The measured versions of a file, the nearest first."""
        rows = self.db.totals.measured_versions(path, blob, VERSIONS)
        found = [_version(*row) for row in rows]
        near = self.near.get(path)
        if near is None:
            return found
        return sorted([near, *found], key=lambda v: v.blob != blob)


def _in_doubt(judged: Judged) -> Judged:
    return judged._replace(missing=frozenset(), unknown=judged.unknown | judged.missing)


def _version(blob: str, statements: bytes, missing: str, arcs: str) -> Version:
    lost = frozenset(json.loads(missing))
    partial = frozenset(abs(first) for first, _ in json.loads(arcs)) - lost
    return Version(blob, FileLines(frozenset(numbits_to_nums(statements)), lost, partial))


def _asked(file: FileLines, asked: frozenset[LineNo]) -> Judged:
    missing = asked & file.missing
    return Judged((asked & file.statements) - missing, missing, (asked & file.partial) - missing)


def _translated(file: FileLines, old: str, new: str) -> tuple[FileLines, frozenset[LineNo]]:
    """What is known of an old version, in the lines of the new one, and for which of them.

    A comment may take a line out of the count. So a line is held only while its comment is the
    same, and where the exclusions of the file changed nothing is held against it.
    """
    before, after = old.split("\n"), new.split("\n")
    there = {
        a: b
        for a, b in moved(parse(old), parse(new)).items()
        if before[a - 1].strip() == after[b - 1].strip()
        and (a not in file.missing or _exclusions(before) == _exclusions(after))
    }

    def put(lines: frozenset[LineNo]) -> frozenset[LineNo]:
        return frozenset(there[n] for n in lines if n in there)

    translated = FileLines(put(file.statements), put(file.missing), put(file.partial))
    return translated, frozenset(there.values())


def _exclusions(lines: list[str]) -> Counter[str]:
    return Counter(line.strip() for line in lines if "pragma" in line)


def nearest(repo: Repository, db: Database, sha: Sha) -> Sha | None:
    """The measured commit nearest to this one among itself and its ancestors."""
    known = set(db.measures.shas())
    if sha in known or not known:
        return sha if known else None
    return next((s for s in git.ancestors(repo, sha, NEAR) if s in known), None)


def desk_at(repo: Repository, db: Database, sha: Sha | None, *, exact: bool) -> Desk:
    """The desk as seen from a measured commit (from nowhere when there is none)."""
    if sha is None:
        return Desk(db, {})
    near = {t.path: Version(t.blob, of_total(t)) for t in total_rows.of_commit(db, sha) or ()}
    return Desk(db, near, frozenset(git.tree(repo, sha)) - near.keys(), exact)
