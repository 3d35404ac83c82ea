"""The report as Markdown, for a job summary or a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from copydesk.agent.coverage.gate import missing_ranges
from copydesk.agent.coverage.report.facts import Report
from copydesk.agent.coverage.report.words import model_words, open_parts, percent
from copydesk.agent.text import clean, one_line, plural

GAPS = 30
POINTS = 10


def render(report: Report) -> str:
    """The report as Markdown. What comes from outside is escaped; there is no HTML in it."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Report) -> Iterator[str]:
    measure, verdict = report.measure, report.verdict
    yield f"# Coverage of {text(report.name)} at `{report.commit.sha[:8]}`"
    yield f"\n{text(report.commit.subject)}\n"
    yield f"- Total: **{percent(measure.percent)}** ({measure.covered:,} of {measure.executable:,})"
    yield f"- Tests: {measure.passed:,} passed, {measure.failed:,} failed, {measure.total:,} in all"
    if verdict is not None:
        yield f"- This commit: **{percent(verdict.diff)}** of {plural(verdict.counted, 'line')}"
        yield f"- The gate says **{verdict.verdict}**"
        for said in (*verdict.reasons, *verdict.remarks):
            yield f"  - {text(said)}"
    if report.insight is not None:
        yield f"\n## What needs attention, in the words of {text(report.insight.model)}\n"
        yield from (f"- {text(sentence)}" for sentence in report.insight.sentences)
    if verdict is not None:
        yield from section(
            "Changed lines that no test reaches",
            ("Where", "Function", "Draft a test"),
            [
                (code(r.location), code(r.function), code(f"copydesk draft {r.gap}"))
                for r in missing_ranges(verdict)
            ],
        )
    yield from section(
        "What to test next, the riskiest first",
        ("Function", "Lines", "Risk", "Why"),
        [
            (code(f"{g.path}::{g.function}"), open_parts(g), f"{g.risk:.2f}",
             text("; ".join(g.reasons)))
            for g in report.gaps[:GAPS]
        ],
    )  # fmt: skip
    if len(report.gaps) > GAPS:
        yield f"\n… and {len(report.gaps) - GAPS:,} more."
    yield from section(
        "Coverage over commits",
        ("Commit", "Total", "Subject"),
        [(code(p.sha[:8]), percent(p.percent), text(p.subject)) for p in report.history[-POINTS:]],
    )
    yield from section(
        "Slowest tests", ("Test", "Seconds"), [(code(n), f"{s:.2f}") for n, s in report.slowest]
    )
    yield from section(
        "Tests that pass and fail though nothing they depend on changed",
        ("Test", "Runs", "Changes"),
        [(code(t.name), f"{t.runs:,}", f"{t.flips:,}") for t in report.unsteady],
    )
    yield from section(
        "Drafts on the desk",
        ("Draft", "About", "By"),
        [(str(d.id), text(d.title), text(d.origin)) for d in report.drafts],
    )
    yield from section(
        "What models did",
        ("Model", "Prompt", "Came of it"),
        [(text(m["model"]), code(m["prompt"]), model_words(m)) for m in report.models],
    )
    if report.steps:
        yield "\n## What to do next\n"
        yield from (f"- {text(s.what)} {code(s.command)}" for s in report.steps)


def section(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], level: int = 2
) -> Iterator[str]:
    """A heading and a table; nothing where there are no rows."""
    if rows:
        yield f"\n{'#' * level} {title}\n"
        yield f"| {' | '.join(headings)} |"
        yield f"| {' | '.join('---' for _ in headings)} |"
        yield from (f"| {' | '.join(row)} |" for row in rows)


def text(said: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&@])", r"\\\1", clean(one_line(said), keep=""))


def code(said: str) -> str:
    """Text in a span of code, which may stand in a table."""
    inner = clean(said, keep="").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    space = " " if "`" in inner else ""
    return f"{fence}{space}{inner}{space}{fence}"
