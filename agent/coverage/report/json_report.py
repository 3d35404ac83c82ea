"""The report as JSON, with stable keys."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Protocol

from copydesk.agent.coverage.gate import verdict_as_json
from copydesk.agent.coverage.report.community_facts import community_json
from copydesk.agent.coverage.report.rendered_parts import RenderedParts
from copydesk.agent.coverage.report.report_data import Report, Row
from copydesk.agent.coverage.store import Measure
from copydesk.agent.git.repository import CommitInfo
from copydesk.agent.records import Draft, Gap, Json


class HasFields(Protocol):
    """A named tuple."""

    def _asdict(self) -> Json:
        """Its fields by name."""


def render_json(report: Report) -> Json:
    """The report as plain values; a part that cannot be written is null and named in `failures`."""
    parts = RenderedParts()
    values: Json = {"project": report.name, "commit": _commit(report.commit)}
    values |= _measure(report.measure)
    for key, render in _PARTS.items():
        values[key] = parts.get(key, functools.partial(render, report), None)
    values["failures"] = [*report.failures, *parts.failures]
    return values


_PARTS: dict[str, Callable[[Report], object]] = {
    "projects": lambda report: _fields(report.projects),
    "history": lambda report: _fields(report.history),
    "foreign": lambda report: _fields(report.foreign),
    "gate": lambda report: verdict_as_json(report.verdict) if report.verdict else None,
    "diff": lambda report: {path: _lines(rows) for path, rows in report.diff.items()},
    "left_out": lambda report: report.left_out,
    "failing": lambda report: _fields(report.failed),
    "install": lambda report: _or_none(report.install),
    "behaviour": lambda report: [changed.as_json() for changed in report.behaviour],
    "gaps": lambda report: [_gap(gap) for gap in report.gaps],
    "slowest": lambda report: [{"test": name, "seconds": took} for name, took in report.slowest],
    "unsteady": lambda report: _fields(report.flaky),
    "insight": lambda report: _or_none(report.insight),
    "community": lambda report: community_json(report.community) if report.community else None,
    "drafts": lambda report: [_draft(draft) for draft in report.drafts],
    "models": lambda report: list(report.models),
    "next": lambda report: _fields(report.steps),
}
"""What stands under each key."""


def _fields(values: Iterable[HasFields]) -> list[Json]:
    """Named tuples as JSON."""
    return [value._asdict() for value in values]


def _or_none(value: HasFields | None) -> Json | None:
    """A named tuple as JSON; None for None."""
    return value._asdict() if value else None


def _commit(commit: CommitInfo) -> Json:
    return {
        "sha": commit.sha,
        "subject": commit.subject,
        "author": commit.author,
        "date": commit.date,
    }


def _measure(measure: Measure) -> Json:
    return {
        "total": {
            "percent": measure.percent,
            "covered": measure.covered,
            "executable": measure.executable,
        },
        "tests": {
            "total": measure.total,
            "selected": measure.selected,
            "passed": measure.passed,
            "failed": measure.failed,
            "skipped": measure.skipped,
        },
        "doubts": list(measure.doubts),
    }


def _lines(rows: tuple[Row, ...]) -> list[Json]:
    """The changed lines among the rows."""
    return [
        {"line": row.line, "state": row.state, "tests": list(row.tests)}
        for row in rows
        if row.state != "near"
    ]


def _gap(gap: Gap) -> Json:
    return {
        "path": gap.path,
        "function": gap.function,
        "lines": list(gap.lines),
        "branches": [list(arc) for arc in gap.branches],
        "risk": gap.risk,
        "reasons": list(gap.reasons),
        "changed": gap.changed,
    }


def _draft(draft: Draft) -> Json:
    return {
        "id": draft.id,
        "kind": draft.kind,
        "title": draft.title,
        "origin": draft.origin,
        "state": draft.state,
    }
