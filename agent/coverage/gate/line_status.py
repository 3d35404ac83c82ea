"""The status of a change's lines, by what the desk has measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.coverage.gate.changed_lines import Change
from copydesk.agent.coverage.gate.changed_statements import ChangedStatements
from copydesk.agent.coverage.gate.verdict import LineStatus, status_of
from copydesk.agent.coverage.source import moved_lines, parse
from copydesk.agent.coverage.store import FileLines, load_totals, numbits_to_nums
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo, Sha
from copydesk.hooks.gate import is_test

VERSIONS = 5
"""How many measured versions of a file are looked through for an unchanged block."""

NEAR = 100
"""How many ancestors are looked through for a measured commit."""


class Version(NamedTuple):
    """A measured version of a file."""

    blob: str
    lines: FileLines


@dataclass(frozen=True, slots=True)
class MeasuredLines:
    """What has been measured, asked for the changed lines of file versions.

    `nearest` is what the nearest measured commit says, by path; `uncounted` are files that it has
    and does not count, `passed_over` those that coverage.py passes over, with the reason. `sha` is
    that commit, and `is_exact` says that it is the very one that is judged. `failures` names the
    files that copydesk failed on, whose lines are unknown.
    """

    db: Database
    nearest: Mapping[str, Version]
    uncounted: frozenset[str] = frozenset()
    is_exact: bool = False
    sha: Sha = ""
    failures: list[str] = field(default_factory=list)
    passed_over: Mapping[str, str] = field(default_factory=dict)

    def statuses(self, change: Change, read: Callable[[str], str]) -> dict[str, LineStatus]:
        """The changed lines by path; files that do not count are left out.

        Args:
            change: The change.
            read: The text of a blob.
        """
        statuses: dict[str, LineStatus] = {}
        for path, (blob, lines) in change.files.items():
            status: LineStatus | None = LineStatus(unknown=frozenset(lines))
            with self.db.failed_items.contained("gate", self.sha, path, say=self.failures.append):
                status = self._status(path, blob, lines, read)
            if status is not None:
                statuses[path] = status
        if not self.is_exact and self._has_new_tests(change):
            return {path: _with_missing_unknown(status) for path, status in statuses.items()}
        return statuses

    def _status(
        self, path: str, blob: str, lines: Sequence[LineNo], read: Callable[[str], str]
    ) -> LineStatus | None:
        version = self.nearest.get(path)
        if version and (self.is_exact or version.blob == blob):
            return ChangedStatements(read(blob), lines, version.lines.statements).status(
                version.lines
            )
        if path in self.passed_over:
            return self._passed_over(path, blob, lines, read)
        if self.is_exact or path in self.uncounted or is_test(path):
            return None
        return self._carried_over(path, blob, lines, read)

    def _passed_over(
        self, path: str, blob: str, lines: Sequence[LineNo], read: Callable[[str], str]
    ) -> LineStatus:
        """The lines of a file that coverage.py passes over, in the nearest measured commit."""
        if self.is_exact:
            status = ChangedStatements(read(blob), lines).unknown()
        else:
            status = self._carried_over(path, blob, lines, read)
        return status._replace(why=self.passed_over[path])

    def _has_new_tests(self, change: Change) -> bool:
        """Whether the change brings tests that were never run: they may reach what was missing."""
        for path, (blob, _) in change.files.items():
            if is_test(path) and not self.db.traces.has_file(path, blob):
                return True
        return False

    def _carried_over(
        self, path: str, blob: str, lines: Sequence[LineNo], read: Callable[[str], str]
    ) -> LineStatus:
        """What measured versions of a file say of lines in blocks that did not change since."""
        text = read(blob)
        statements = ChangedStatements(text, lines)
        undecided = statements.starts
        status = LineStatus()
        for version in self._versions(path, blob):
            if not undecided:
                break
            file, comparable = version.lines, undecided
            if version.blob != blob:
                try:
                    old_text = read(version.blob)
                except CopydeskError:  # git has thrown it away
                    continue
                file, comparable = _translated(version.lines, old_text, text)
            decided = status_of(undecided & comparable, file)
            undecided -= comparable
            status = LineStatus(
                status.reached | decided.reached,
                status.missing | decided.missing,
                status.partial | decided.partial,
            )
        return statements.shown(status._replace(unknown=undecided))

    def _versions(self, path: str, blob: str) -> list[Version]:
        """The measured versions of a file, the nearest first."""
        rows = self.db.totals.measured_versions(path, blob, VERSIONS)
        versions = [_version(*row) for row in rows]
        nearest = self.nearest.get(path)
        if nearest is None:
            return versions
        return sorted([nearest, *versions], key=lambda version: version.blob != blob)


def _with_missing_unknown(status: LineStatus) -> LineStatus:
    return status._replace(missing=frozenset(), unknown=status.unknown | status.missing)


def _version(blob: str, statements: bytes, missing: str, arcs: str) -> Version:
    missing_lines = frozenset(json.loads(missing))
    partial = frozenset(abs(start) for start, _ in json.loads(arcs)) - missing_lines
    return Version(blob, FileLines(frozenset(numbits_to_nums(statements)), missing_lines, partial))


def _translated(file: FileLines, old: str, new: str) -> tuple[FileLines, frozenset[LineNo]]:
    """What is known of an old version, in the lines of the new one, and for which of them.

    A comment may take a line out of the count. So a line is comparable only while its comment is
    the same, and where the exclusions of the file changed no line counts as missing.
    """
    old_lines, new_lines = old.split("\n"), new.split("\n")
    has_same_exclusions = _exclusions(old_lines) == _exclusions(new_lines)
    moved_to = {}
    for before, after in moved_lines(parse(old), parse(new)).items():
        if old_lines[before - 1].strip() != new_lines[after - 1].strip():
            continue
        if has_same_exclusions or before not in file.missing:
            moved_to[before] = after

    def translate(lines: frozenset[LineNo]) -> frozenset[LineNo]:
        return frozenset(moved_to[line] for line in lines if line in moved_to)

    translated = FileLines(
        translate(file.statements), translate(file.missing), translate(file.partial)
    )
    return translated, frozenset(moved_to.values())


def _exclusions(lines: list[str]) -> Counter[str]:
    return Counter(line.strip() for line in lines if "pragma" in line)


def nearest_measured(repo: Repository, db: Database, sha: Sha) -> Sha | None:
    """The measured commit nearest to this one among itself and its ancestors."""
    measured = set(db.measures.shas())
    if sha in measured:
        return sha
    if not measured:
        return None
    return next((s for s in git.ancestors(repo, sha, NEAR) if s in measured), None)


def measured_lines_at(
    repo: Repository, db: Database, sha: Sha | None, *, exact: bool
) -> MeasuredLines:
    """What has been measured, seen from a measured commit (from nowhere when there is none).

    Args:
        repo: The repository.
        db: Its desk.
        sha: The measured commit.
        exact: It is the very commit that is judged.
    """
    if sha is None:
        return MeasuredLines(db, {})
    nearest = {}
    for total in load_totals(db, sha) or ():
        nearest[total.path] = Version(total.blob, total.file_lines)
    passed_over = db.passed_over.of_commit(sha)
    uncounted = frozenset(git.tree(repo, sha)) - nearest.keys() - passed_over.keys()
    return MeasuredLines(db, nearest, uncounted, exact, sha, passed_over=passed_over)
