"""Uncovered lines by function, ranked by risk."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from copydesk.agent.coverage.source import MODULE, Span, functions
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.gaps import FileGaps, GapRow
from copydesk.agent.records import Arc, Gap, LineNo, Sha
from copydesk.predictor.rank_gaps import score
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.function_metrics import Shape, shapes
from copydesk.predictor.subjects.commits.model import identity, shipped


class Outline(NamedTuple):
    """The functions of a source: where they stand, and their shapes by name."""

    spans: list[Span]
    shapes: dict[str, Shape]

    @classmethod
    def of(cls, source: str) -> Outline:
        """The outline of a source."""
        return cls(functions(source), shapes(source))

    @classmethod
    def from_json(cls, value: Any) -> Outline:
        """Read back what JSON made of one."""
        spans, shapes_by_name = value
        return cls(
            [Span(*span) for span in spans],
            {name: Shape(*shape) for name, shape in shapes_by_name.items()},
        )


class Unreached(NamedTuple):
    """What no test reaches of one file: lines and arcs in JSON, as the totals have them."""

    path: str
    blob: str
    lines: str
    arcs: str

    @property
    def is_empty(self) -> bool:
        """Whether all of the file is reached."""
        return (self.lines, self.arcs) == ("[]", "[]")

    @property
    def key(self) -> str:
        """A name for what the gaps of the file follow from while its lines are not new."""
        text = "\0".join((self.blob, self.lines, self.arcs))
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def find_gaps(
    sha: Sha,
    files: Iterable[Unreached],
    outline: Callable[[str], Outline],
    changed: Mapping[str, tuple[LineNo, ...]],
) -> list[Gap]:
    """The gaps of a measured commit: changed functions first, then the riskiest.

    Args:
        sha: The commit.
        files: What no test reaches of its files.
        outline: The functions of a blob.
        changed: The lines the commit changed, by path.
    """
    gaps: list[Gap] = []
    features: list[GapFeatures] = []
    for file in files:
        spans, shapes_by_name = outline(file.blob)
        lines = changed.get(file.path, ())
        for gap in _FileGaps(sha, file, frozenset(lines)).find(spans):
            gaps.append(gap)
            features.append(_features(gap, shapes_by_name.get(gap.function), lines))
    ranked = [
        replace(gap, risk=gap_score.value, reasons=gap_score.reasons)
        for gap, gap_score in zip(gaps, score(features), strict=True)
    ]
    return sorted(ranked, key=lambda g: (not g.changed, -g.risk, g.path, g.first_line))


def _features(gap: Gap, shape: Shape | None, changed: Iterable[LineNo]) -> GapFeatures:
    return GapFeatures(
        lines_uncovered=len(gap.lines),
        lines_added_in_commit=sum(gap.first_line <= line <= gap.last_line for line in changed),
        function_lines=gap.last_line - gap.first_line + 1,
        branches=shape.branches if shape else None,
        callers=shape.callers if shape else None,
    )


class _FileGaps:
    """Shares what no test reaches of one file out among its functions.

    Args:
        sha: The commit.
        file: What no test reaches of the file.
        changed: The lines of it that the commit changed.
    """

    def __init__(self, sha: Sha, file: Unreached, changed: frozenset[LineNo]) -> None:
        self.sha = sha
        self.path = file.path
        self.changed = changed
        self.lines: set[LineNo] = set(json.loads(file.lines))
        self.arcs: set[Arc] = {(start, end) for start, end in json.loads(file.arcs)}

    def find(self, spans: Iterable[Span]) -> Iterator[Gap]:
        """The gaps of the functions, then that of the module's own code."""
        for span in spans:
            gap = self._take(span)
            if gap is not None:
                yield gap
        arcs = {arc for arc in self.arcs if arc[0] not in self.lines}
        if self.lines or arcs:
            ends = self.lines | {start for start, _ in arcs}
            module = Span(MODULE, min(ends), max(ends))
            yield self._gap(module, self.lines, arcs, not self.lines.isdisjoint(self.changed))

    def _take(self, span: Span) -> Gap | None:
        """Take out what belongs to a function; None where that is nothing."""
        lines = {line for line in self.lines if span.first <= line <= span.last}
        arcs = {arc for arc in self.arcs if span.first <= arc[0] <= span.last}
        self.arcs -= arcs
        arcs = {arc for arc in arcs if arc[0] not in self.lines}
        self.lines -= lines
        if not lines and not arcs:
            return None
        is_changed = any(span.first <= line <= span.last for line in self.changed)
        return self._gap(span, lines, arcs, is_changed)

    def _gap(self, span: Span, lines: set[LineNo], arcs: set[Arc], is_changed: bool) -> Gap:
        return Gap(
            self.sha,
            self.path,
            span.name,
            span.first,
            span.last,
            tuple(sorted(lines)),
            tuple(sorted(arcs)),
            changed=is_changed,
        )


def prepare_gaps(
    db: Database,
    sha: Sha,
    files: Iterable[Unreached],
    changed: Mapping[str, tuple[LineNo, ...]],
    outline: Callable[[str], Outline],
) -> FileGaps:
    """Find the gaps of a measured commit, and write what no commit had before of them.

    Those of a file of which the commit changed no line follow from what no test reaches there:
    they are worked out once.

    Args:
        db: The desk.
        sha: The commit.
        files: What no test reaches of its files.
        changed: The lines that the commit changed, by path.
        outline: The functions of a blob.

    Returns:
        What gives them to the commit, see `Gaps.replace`.
    """
    touched, untouched = _split_by_change(files, {path for path in changed if changed[path]})
    rows_by_path: dict[str, list[GapRow]] = {}

    def rows_without_path(key: str) -> list[Sequence[object]]:
        # a file of the same content may stand elsewhere
        return [row[1:] for row in rows_by_path[untouched[key][0].path]]

    cache = db.content_cache(_kind(), rows_without_path)
    new = [untouched[key][0] for key in cache.fetch(untouched)]
    for gap in find_gaps(sha, [*touched, *new], outline, changed):
        rows_by_path.setdefault(gap.path, []).append(GapRow.of(gap))
    rows = [row for file in touched for row in rows_by_path[file.path]]
    for key, same_files in untouched.items():
        for file in same_files:
            rows += [GapRow(file.path, *row) for row in cache(key)]
    cache.save()
    return db.gaps.prepare(rows)


def _split_by_change(
    files: Iterable[Unreached], changed: Collection[str]
) -> tuple[list[Unreached], dict[str, list[Unreached]]]:
    """Those of the uncovered files that changed, and the others by what their gaps follow from."""
    touched: list[Unreached] = []
    untouched: dict[str, list[Unreached]] = {}
    for file in files:
        if file.is_empty:
            continue
        if file.path in changed:
            touched.append(file)
        else:
            untouched.setdefault(file.key, []).append(file)
    return touched, untouched


def _kind() -> str:
    """What the gaps of a file follow from besides the file, for what is kept of them."""
    return f"gaps/1/{sys.version_info[0]}.{sys.version_info[1]}/{identity(shipped())[:16]}"
