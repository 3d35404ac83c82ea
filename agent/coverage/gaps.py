"""Uncovered lines by function, ranked by risk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from copydesk.agent.coverage.spans import MODULE, Span, functions
from copydesk.agent.coverage.totals import Total
from copydesk.agent.desk.store import transaction
from copydesk.agent.records import Gap, LineNo, Sha
from copydesk.predictor.rank import score
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.functions import Shape, shapes


class Outline(NamedTuple):
    """The functions of a source: where they stand, and their shapes by name."""

    spans: list[Span]
    shapes: dict[str, Shape]

    @classmethod
    def of(cls, source: str) -> Outline:
        """Work it out."""
        return cls(functions(source), shapes(source))

    @classmethod
    def from_json(cls, value: Any) -> Outline:
        """Read back what JSON made of one."""
        spans, found = value
        return cls(
            [Span(*span) for span in spans], {n: Shape(*shape) for n, shape in found.items()}
        )


def find(
    sha: Sha,
    totals: Iterable[Total],
    read: Callable[[str], str],
    changed: Mapping[str, tuple[LineNo, ...]],
    history: Mapping[str, tuple[int, int, int]] | None = None,
    outline: Callable[[str], Outline] | None = None,
) -> list[Gap]:
    """The gaps of a measured commit: changed functions first, then the riskiest.

    Args:
        sha: The commit.
        totals: Its totals.
        read: The text of a blob.
        changed: The lines the commit changed, by path.
        history: By path: commits in 90 days, fixes in 180 days, authors ever; where known.
        outline: The functions of a blob; worked out from its text when left out.
    """
    outlined = outline or (lambda blob: Outline.of(read(blob)))
    gaps: list[Gap] = []
    features: list[GapFeatures] = []
    for total in totals:
        if total.missing or total.missing_branches:
            spans, known = outlined(total.blob)
            for gap in _of_file(sha, total, spans, frozenset(changed.get(total.path, ()))):
                gaps.append(gap)
                shape = known.get(gap.function)
                recent = (history or {}).get(gap.path, (None, None, None))
                features.append(
                    GapFeatures(
                        lines_uncovered=len(gap.lines),
                        lines_added_in_commit=_within(changed.get(gap.path, ()), gap),
                        function_lines=gap.last_line - gap.first_line + 1,
                        branches=shape.branches if shape else None,
                        times_changed=recent[0],
                        recent_fixes=recent[1],
                        authors=recent[2],
                        callers=shape.callers if shape else None,
                    )
                )
    # a score follows from its features alone, and small functions have the same
    different = list(dict.fromkeys(features))
    scores = dict(zip(different, score(different), strict=True))
    ranked = [
        Gap(
            g.commit, g.path, g.function, g.first_line, g.last_line, g.lines, g.branches,
            s.value, s.reasons, g.changed,
        )
        for g, s in zip(gaps, (scores[f] for f in features), strict=True)
    ]  # fmt: skip
    return sorted(ranked, key=lambda g: (not g.changed, -g.risk, g.path, g.first_line))


def _within(lines: Iterable[LineNo], gap: Gap) -> int:
    return sum(gap.first_line <= line <= gap.last_line for line in lines)


def _of_file(
    sha: Sha, total: Total, spans: Iterable[Span], changed: frozenset[int]
) -> Iterable[Gap]:
    missing, partial = set(total.missing), set(total.missing_branches)
    for span in spans:
        inside = {n for n in missing if span.first <= n <= span.last}
        arcs = {a for a in partial if span.first <= a[0] <= span.last and a[0] not in missing}
        missing -= inside
        partial = {a for a in partial if not span.first <= a[0] <= span.last}
        if inside or arcs:
            touched = any(span.first <= n <= span.last for n in changed)
            yield Gap(
                sha, total.path, span.name, span.first, span.last,
                tuple(sorted(inside)), tuple(sorted(arcs)), changed=touched,
            )  # fmt: skip
    arcs = {a for a in partial if a[0] not in missing}
    if missing or arcs:
        lines = sorted(missing | {a[0] for a in arcs})
        yield Gap(
            sha, total.path, MODULE, lines[0], lines[-1],
            tuple(sorted(missing)), tuple(sorted(arcs)), changed=bool(missing & changed),
        )  # fmt: skip


def store(db: sqlite3.Connection, sha: Sha, gaps: Iterable[Gap]) -> None:
    """Write a commit's gaps, in place of what was there."""
    with transaction(db):
        db.execute("DELETE FROM gaps WHERE sha = ?", (sha,))
        db.executemany(
            "INSERT INTO gaps (sha, path, function, first_line, last_line, lines, branches, risk,"
            " reasons, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(sha, g.path, g.function, g.first_line, g.last_line, json.dumps(g.lines)),
                    *(json.dumps(g.branches), g.risk, json.dumps(g.reasons), int(g.changed)),
                )
                for g in gaps
            ),
        )


def load(db: sqlite3.Connection, sha: Sha) -> list[Gap]:
    """The gaps of a measured commit, as ranked when it was measured."""
    rows = db.execute(
        "SELECT path, function, first_line, last_line, lines, branches, risk, reasons, changed"
        " FROM gaps WHERE sha = ? ORDER BY changed DESC, risk DESC, path, first_line",
        (sha,),
    )
    return [
        Gap(
            sha, path, function, first, last, tuple(json.loads(lines)),
            tuple((a, b) for a, b in json.loads(branches)), risk,
            tuple(json.loads(reasons)), bool(changed),
        )
        for path, function, first, last, lines, branches, risk, reasons, changed in rows
    ]  # fmt: skip
