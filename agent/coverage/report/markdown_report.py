"""The report as Markdown, for a job summary or a comment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from copydesk.agent.coverage.gate import Verdict, missing_ranges
from copydesk.agent.coverage.report.changed_behaviour import behaviour_section
from copydesk.agent.coverage.report.community_markdown import community_lines
from copydesk.agent.coverage.report.formatting import open_parts
from copydesk.agent.coverage.report.markdown_parts import code, section, text
from copydesk.agent.coverage.report.rendered_parts import RenderedParts
from copydesk.agent.coverage.report.report_data import Report
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.text import model_words, percent, plural

GAPS = 30
FAILED = 50
POINTS = 10


def render_markdown(report: Report) -> str:
    """The report as Markdown. What comes from outside is escaped; there is no HTML in it."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Report) -> list[str]:
    parts = RenderedParts()
    figures = parts.get("the figures", lambda: list(_figures(report)), [])
    sections: list[str] = []
    for name, render in _SECTIONS:
        sections += parts.get(name, functools.partial(_section_lines, render, report), [])
    return [
        f"# Coverage of {text(report.name)} at `{report.commit.sha[:8]}`",
        f"\n{text(report.commit.subject)}\n",
        *figures,
        *(f"- **{text(failure)}**" for failure in (*report.failures, *parts.failures)),
        *sections,
    ]


def _section_lines(render: Callable[[Report], Iterator[str]], report: Report) -> list[str]:
    return list(render(report))


def _failed(report: Report) -> Iterator[str]:
    yield from failed_section(report.failed, report.measure.failed)


def _behaviour(report: Report) -> Iterator[str]:
    yield from behaviour_section(report.behaviour)


def _community(report: Report) -> Iterator[str]:
    if report.community:
        yield from community_lines(report.community)


def _next(report: Report) -> Iterator[str]:
    if report.steps:
        yield "\n## What to do next\n"
        for step in report.steps:
            yield f"- {text(step.what)} {code(step.command)}"


def _figures(report: Report) -> Iterator[str]:
    measure, verdict = report.measure, report.verdict
    yield f"- Total: **{percent(measure.percent)}** ({measure.covered:,} of {measure.executable:,})"
    for project in report.projects:
        words = f"**{percent(project.percent)}** ({project.covered:,} of {project.executable:,})"
        yield f"- Project {code(project.name)}: {', '.join([words, *map(text, project.doubts)])}"
    yield from (f"- No verdict: **{text(doubt)}**" for doubt in measure.doubts)
    yield from (f"- {text(share.words)}" for share in report.foreign)
    yield f"- Tests: {measure.passed:,} passed, {measure.failed:,} failed, {measure.total:,} in all"
    if verdict is not None:
        yield f"- This commit: **{_diff_words(verdict)}**"
        yield f"- The gate says **{verdict.verdict}**"
        for finding in (*verdict.reasons, *verdict.remarks):
            yield f"  - {text(finding)}"


def failed_section(failed: Sequence[FailedTest], count: int, level: int = 2) -> Iterator[str]:
    """The tests that failed, as a table; nothing where none did.

    Args:
        failed: Those that are kept.
        count: How many failed.
        level: Of the heading.
    """
    rows = [
        (code(test.test), text(test.error), text(test.before or "not known"))
        for test in failed[:FAILED]
    ]
    yield from section("Failing tests", ("Test", "Last error line", "Before"), rows, level)
    if rows and count > len(rows):
        yield f"\n… and {count - len(rows):,} more."


def _diff_words(verdict: Verdict) -> str:
    """What tests reach of the changed lines."""
    if verdict.counted:
        return f"{percent(verdict.diff)}** of **{plural(verdict.counted, 'line')}"
    return "not known" if verdict.verdict == "unknown" else "no line that counts"


def _insight(report: Report) -> Iterator[str]:
    if report.insight is not None:
        yield f"\n## What needs attention, in the words of {text(report.insight.model)}\n"
        for sentence in report.insight.sentences:
            yield f"- {text(sentence)}"


def _missing_lines(report: Report) -> Iterator[str]:
    if report.verdict is None:
        return
    rows = []
    for missing in missing_ranges(report.verdict):
        draft = code(report.advice.step(missing.gap))
        rows.append((code(missing.location), code(missing.function), draft))
    headings = ("Where", "Function", "Draft a test")
    yield from section("Changed lines that no test reaches", headings, rows)


def _gaps(report: Report) -> Iterator[str]:
    rows = []
    for gap in report.gaps[:GAPS]:
        name, reasons = code(f"{gap.path}::{gap.function}"), text("; ".join(gap.reasons))
        rows.append((name, open_parts(gap), f"{gap.risk:.2f}", reasons))
    headings = ("Function", "Lines", "Risk", "Why")
    yield from section("What to test next, the riskiest first", headings, rows)
    if len(report.gaps) > GAPS:
        yield f"\n… and {len(report.gaps) - GAPS:,} more."


def _history(report: Report) -> Iterator[str]:
    points = report.history[-POINTS:]
    yield from section(
        "Coverage over commits",
        ("Commit", "Total", "Subject"),
        [(code(p.sha[:8]), percent(p.percent), text(p.subject)) for p in points],
    )


def _slowest(report: Report) -> Iterator[str]:
    rows = [(code(name), f"{seconds:.2f}") for name, seconds in report.slowest]
    yield from section("Slowest tests", ("Test", "Seconds"), rows)


def _flaky(report: Report) -> Iterator[str]:
    yield from section(
        "Tests that pass and fail though nothing they depend on changed",
        ("Test", "Runs", "Changes"),
        [(code(test.name), f"{test.runs:,}", f"{test.flips:,}") for test in report.flaky],
    )


def _drafts(report: Report) -> Iterator[str]:
    rows = [(str(draft.id), text(draft.title), text(draft.origin)) for draft in report.drafts]
    yield from section("Drafts on the desk", ("Draft", "About", "By"), rows)


def _models(report: Report) -> Iterator[str]:
    rows = [(text(m["model"]), code(m["prompt"]), model_words(m)) for m in report.models]
    yield from section("What models did", ("Model", "Prompt", "Came of it"), rows)


_SECTIONS: tuple[tuple[str, Callable[[Report], Iterator[str]]], ...] = (
    ("the failing tests", _failed),
    ("what needs attention", _insight),
    ("what the code does otherwise", _behaviour),
    ("the changed lines that no test reaches", _missing_lines),
    ("what to test next", _gaps),
    ("coverage over commits", _history),
    ("the slowest tests", _slowest),
    ("the flakiest tests", _flaky),
    ("the drafts", _drafts),
    ("what models did", _models),
    ("what readers say", _community),
    ("what to do next", _next),
)
"""What a report says below its figures, in this order, and what each part is called."""
