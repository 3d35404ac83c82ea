"""The report as JSON, with stable keys."""

from __future__ import annotations

from copydesk.agent.coverage.gate import verdict_as_json
from copydesk.agent.coverage.report.facts import Report
from copydesk.agent.records import Json


def render(report: Report) -> Json:
    """The report as plain values."""
    measure = report.measure
    return {
        "project": report.name,
        "commit": {
            "sha": report.commit.sha,
            "subject": report.commit.subject,
            "author": report.commit.author,
            "date": report.commit.date,
        },
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
        "history": [point._asdict() for point in report.history],
        "gate": verdict_as_json(report.verdict) if report.verdict else None,
        "diff": {
            path: [
                {"line": row.line, "state": row.state, "tests": list(row.tests)}
                for row in rows
                if row.state != "near"
            ]
            for path, rows in report.diff.items()
        },
        "left_out": report.left_out,
        "gaps": [
            {
                "path": gap.path,
                "function": gap.function,
                "lines": list(gap.lines),
                "branches": [list(arc) for arc in gap.branches],
                "risk": gap.risk,
                "reasons": list(gap.reasons),
                "changed": gap.changed,
            }
            for gap in report.gaps
        ],
        "slowest": [{"test": name, "seconds": seconds} for name, seconds in report.slowest],
        "unsteady": [test._asdict() for test in report.unsteady],
        "insight": report.insight._asdict() if report.insight else None,
        "drafts": [
            {"id": d.id, "kind": d.kind, "title": d.title, "origin": d.origin, "state": d.state}
            for d in report.drafts
        ],
        "models": list(report.models),
        "next": [step._asdict() for step in report.steps],
    }
