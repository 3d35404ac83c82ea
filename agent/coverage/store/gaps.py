"""Uncovered lines by function, ranked by risk."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from copydesk.agent.coverage.source import MODULE, Span, functions
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import GapRow
from copydesk.agent.records import Gap, LineNo, Sha
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
        """Work it out."""
        return cls(functions(source), shapes(source))

    @classmethod
    def from_json(cls, value: Any) -> Outline:
        """Read back what JSON made of one."""
        spans, found = value
        return cls(
            [Span(*span) for span in spans], {n: Shape(*shape) for n, shape in found.items()}
        )


class Unreached(NamedTuple):
    """What no test reaches of one file: lines and arcs in JSON, as the totals have them."""

    path: str
    blob: str
    lines: str
    arcs: str

    @property
    def key(self) -> str:
        """A name for what the gaps of the file follow from while its lines are not new."""
        said = "\0".join((self.blob, self.lines, self.arcs))
        return hashlib.sha256(said.encode()).hexdigest()[:24]


def find(
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
        spans, known = outline(file.blob)
        for gap in _of_file(sha, file, spans, frozenset(changed.get(file.path, ()))):
            gaps.append(gap)
            shape = known.get(gap.function)
            features.append(
                GapFeatures(
                    lines_uncovered=len(gap.lines),
                    lines_added_in_commit=_within(changed.get(gap.path, ()), gap),
                    function_lines=gap.last_line - gap.first_line + 1,
                    branches=shape.branches if shape else None,
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
    sha: Sha, file: Unreached, spans: Iterable[Span], changed: frozenset[int]
) -> Iterable[Gap]:
    missing = set(json.loads(file.lines))
    partial = {(start, end) for start, end in json.loads(file.arcs)}
    for span in spans:
        inside = {n for n in missing if span.first <= n <= span.last}
        arcs = {a for a in partial if span.first <= a[0] <= span.last and a[0] not in missing}
        missing -= inside
        partial = {a for a in partial if not span.first <= a[0] <= span.last}
        if inside or arcs:
            touched = any(span.first <= n <= span.last for n in changed)
            yield Gap(
                sha, file.path, span.name, span.first, span.last,
                tuple(sorted(inside)), tuple(sorted(arcs)), changed=touched,
            )  # fmt: skip
    arcs = {a for a in partial if a[0] not in missing}
    if missing or arcs:
        lines = sorted(missing | {a[0] for a in arcs})
        yield Gap(
            sha, file.path, MODULE, lines[0], lines[-1],
            tuple(sorted(missing)), tuple(sorted(arcs)), changed=bool(missing & changed),
        )  # fmt: skip


def record(
    db: Database,
    sha: Sha,
    files: Iterable[Unreached],
    changed: Mapping[str, tuple[LineNo, ...]],
    outline: Callable[[str], Outline],
) -> None:
    """Find the gaps of a measured commit and write them, in place of what was there.

    Those of a file of which the commit changed no line follow from what no test reaches there:
    they are worked out once.

    Args:
        db: The desk.
        sha: The commit.
        files: What no test reaches of its files.
        changed: The lines that the commit changed, by path.
        outline: The functions of a blob.
    """
    some = [file for file in files if (file.lines, file.arcs) != ("[]", "[]")]
    touched = [file for file in some if changed.get(file.path)]
    by_key = {file.key: file for file in some if not changed.get(file.path)}
    found: dict[str, list[GapRow]] = {}
    # what is kept leaves out the path: a file of the same content may stand elsewhere
    known = db.content_cache(_kind(), lambda key: [row[1:] for row in found[by_key[key].path]])
    new = [by_key[key] for key in known.fetch(by_key)]
    for gap in find(sha, [*touched, *new], outline, changed):
        found.setdefault(gap.path, []).append(GapRow.of(gap))
    rows = [row for file in touched for row in found[file.path]]
    for file in some:
        if not changed.get(file.path):
            rows += [GapRow(file.path, *row) for row in known(file.key)]
    with transaction(db):
        known.save()
        db.gaps.replace(sha, rows)


def _kind() -> str:
    """What the gaps of a file follow from besides the file, for what is kept of them."""
    return f"gaps/1/{sys.version_info[0]}.{sys.version_info[1]}/{identity(shipped())[:16]}"
