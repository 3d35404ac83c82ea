"""The report as JSON, with stable keys."""

from __future__ import annotations

from typing import Protocol

from copydesk.agent.coverage.gate import verdict_as_json
from copydesk.agent.coverage.report.community_facts import community_json
from copydesk.agent.coverage.report.report_data import Report, Row
from copydesk.agent.coverage.store import Measure
from copydesk.agent.git.repository import CommitInfo
from copydesk.agent.records import Draft, Gap, Json


class HasFields(Protocol):
    """A named tuple."""

    def _asdict(self) -> Json:
        """Its fields by name."""


def render_json(report: Report) -> Json:
    """The report as plain values."""
    return {
        "project": report.name,
        "commit": _commit(report.commit),
        **_measure(report.measure),
        "projects": [project._asdict() for project in report.projects],
        "history": [point._asdict() for point in report.history],
        "gate": verdict_as_json(report.verdict) if report.verdict else None,
        "diff": {path: _lines(rows) for path, rows in report.diff.items()},
        "left_out": report.left_out,
        "failing": [test._asdict() for test in report.failed],
        "install": _or_none(report.install),
        "gaps": [_gap(gap) for gap in report.gaps],
        "slowest": [{"test": name, "seconds": seconds} for name, seconds in report.slowest],
        "unsteady": [test._asdict() for test in report.flaky],
        "insight": _or_none(report.insight),
        "community": community_json(report.community) if report.community else None,
        "drafts": [_draft(draft) for draft in report.drafts],
        "models": list(report.models),
        "failures": list(report.failures),
        "next": [step._asdict() for step in report.steps],
    }


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
