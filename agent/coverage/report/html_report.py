"""The report as one HTML file that loads nothing, for any browser, offline.

The templates folder holds the page and its sections, its style and its script.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from copydesk.agent.coverage.report import plot
from copydesk.agent.coverage.report.changed_behaviour import TITLE
from copydesk.agent.coverage.report.community_facts import share_text, tone_plot
from copydesk.agent.coverage.report.file_tree import Folder
from copydesk.agent.coverage.report.formatting import open_parts
from copydesk.agent.coverage.report.rendered_parts import RenderedParts
from copydesk.agent.coverage.report.report_data import Report, Row, State
from copydesk.agent.coverage.report.source_files import SourceFile, SourceLine
from copydesk.agent.coverage.store import Sum
from copydesk.agent.records import Gap
from copydesk.agent.text import clean, model_words, percent, plural

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
MAX_GAPS = 50
"""The riskiest gaps, which stand in one table before all of them by file."""
MAX_FAILED = 200
"""Failing tests that are named."""
MAX_TESTS = 20
"""Tests named for a line; the others are counted."""

_STATES: dict[State, str] = {
    "reached": "reached", "missing": "missing", "partial": "partly", "unknown": "unknown",
    "plain": "", "near": "",
}  # fmt: skip

_PART_END = re.compile(r"(::|[/_.])(?=[^/_.:])")


class Figure(NamedTuple):
    """A number at the top of the page; `kind` names its colour."""

    name: str
    value: str
    kind: str = ""


def render_html(report: Report, tree: Folder | None = None, failures: tuple[str, ...] = ()) -> str:
    """The page. All that comes from outside is cleaned and escaped, and no script may be added.

    A section that cannot be written costs itself: it is named among the findings.

    Args:
        report: What it says.
        tree: The files that have pages beside it; None where it stands alone.
        failures: What could not be written beside it.
    """

    parts = RenderedParts()
    parts.failures += failures
    sections = list(_sections(report, parts, tree))
    figures = parts.get("the figures", lambda: list(_figures(report)), [])
    findings = parts.get("the findings", lambda: list(_findings(report)), [])
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            title=f"Coverage of {report.name} at {report.commit.sha[:8]}",
            style=_asset("base.css") + _asset("page.css"),
            script=_asset("page.js"),
            sections=sections,
            figures=figures,
            findings=[*report.failures, *parts.failures, *findings],
        )
    )


def render_source(report: Report, file: SourceFile, data: str) -> str:
    """The page of a file beside the report.

    Args:
        report: The report it stands beside.
        file: The file.
        data: The tests and groups of its lines, as JSON that may stand in a script element.
    """
    from markupsafe import Markup

    return (
        _environment()
        .get_template("source.html")
        .render(
            report=report,
            file=file,
            data=Markup(data),
            style=_asset("base.css"),
            script=_asset("source.js"),
        )
    )


def _sections(
    report: Report, parts: RenderedParts, tree: Folder | None
) -> Iterator[tuple[str, str, Markup]]:
    """The key, the title and the content of each section that can be written."""
    from markupsafe import Markup

    community = report.community
    drawn = {
        "plot": parts.get("the plot", lambda: Markup(plot.render(report.history)), Markup()),
        "tone_plot": parts.get(
            "the plot of the tone",
            lambda: Markup(tone_plot(community.weeks) if community else ""),
            Markup(),
        ),
        "share_text": share_text,
        "tree": tree,
    }
    macros = _environment().get_template("sections.html").make_module(drawn)
    for key, title in _section_titles(report, tree):
        macro = getattr(macros, key.replace("-", "_"))
        content = parts.get(f"the section {title!r}", functools.partial(macro, report), None)
        if content is not None:
            yield key, title, content


def _section_titles(report: Report, tree: Folder | None) -> Iterator[tuple[str, str]]:
    """The sections that have a content: the macro in sections.html, and the title."""
    yield "next", "What to do next"
    for key, title, content in (
        ("failed", "Failing tests", report.failed),
        ("insight", "What needs attention", report.insight),
        ("behaviour", TITLE, report.behaviour),
        ("diff", "This commit, line by line", report.diff or report.left_out),
        ("gaps", "What to test, the riskiest first", report.gaps),
        ("files", "Files", tree),
        ("over-time", "Coverage over commits", report.history),
        ("slowest", "Slowest tests", report.slowest),
        ("flaky", "Flakiest tests", report.flaky),
        ("drafts", "Drafts waiting", report.drafts),
        ("community", "What readers say", report.community),
        ("models", "What models did", report.models),
    ):
        if content:
            yield key, title


def _figures(report: Report) -> Iterator[Figure]:
    measure, verdict = report.measure, report.verdict
    yield Figure("Total", percent(measure.percent))
    if verdict is not None:
        yield Figure("Changed lines", percent(verdict.diff) if verdict.counted else "none")
        yield Figure("Gate", verdict.verdict, verdict.verdict)
    yield Figure("Tests", f"{measure.total:,}")
    yield Figure("Failed", f"{measure.failed:,}", "fail" if measure.failed else "")
    yield Figure("Gaps", f"{len(report.gaps):,}")


def _findings(report: Report) -> Iterator[str]:
    """What is to be said beside the figures."""
    for project in report.projects:
        yield f"project {project.name}: {percent(project.percent)} of what counts is reached"
    if report.verdict is None:
        yield from report.measure.doubts
    else:
        yield from report.verdict.reasons
        yield from report.verdict.remarks


@functools.cache
def _asset(name: str) -> Markup:
    """A style or a script of ours, which stands in a page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text("utf-8"))


@functools.cache
def _environment() -> Environment:
    # a tenth of a second, and only a page needs it
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        finalize=_cleaned, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "code": _code, "name": _name, "digest": _digest, "plural": plural, "percent": percent,
        "model_words": model_words, "state_counts": _state_counts, "diff_lines": _diff_lines,
        "by_file": _by_file, "line_count": _line_count, "gap_rows": _gap_rows,
        "word_of_state": _STATES.__getitem__, "source_text": _source_text, "heat": _heat,
    }  # fmt: skip
    environment.globals |= {"max_failed": MAX_FAILED, "max_gaps": MAX_GAPS, "max_tests": MAX_TESTS}
    return environment


def _cleaned(value: object) -> object:
    """What a template shows of a value, before it is escaped."""
    return clean(value, keep="") if type(value) is str else value


def _code(text: str) -> Markup:
    from markupsafe import Markup, escape

    return Markup(f"<code>{escape(clean(text, keep=''))}</code>")


def _name(text: str) -> Markup:
    """A path or the name of a function, which may be broken where its parts end."""
    from markupsafe import Markup, escape

    breakable = _PART_END.sub(r"\1<wbr>", str(escape(clean(text, keep=""))))
    return Markup(f"<code>{breakable}</code>")


def _diff_lines(rows: Iterable[Row]) -> Iterator[tuple[object, ...]]:
    """The cells of each line of a file, and whether lines before it are left out."""
    from markupsafe import escape

    previous = None
    for row in rows:
        word = _STATES[row.state]
        is_after_gap = previous is not None and row.line != previous + 1
        previous = row.line
        text = escape(clean(row.text, keep="\t"))
        yield is_after_gap, row.line, row.state, word, row.tests if word else (), text


def _source_text(text: str) -> Markup:
    from markupsafe import escape

    return escape(clean(text, keep="\t"))


def _heat(total: Sum) -> str:
    """The class of how much of a file is reached: its colour, and its bar."""
    percent_reached = total.percent
    if percent_reached is None:
        return "none"
    return "full" if total.covered == total.executable else f"heat-{int(percent_reached // 20)}"


def _gap_rows(gaps: Iterable[Gap]) -> Iterator[tuple[Gap, str, str, str]]:
    """Each gap, and what the cells of its row say of it."""
    for gap in gaps:
        reasons = "; ".join(gap.reasons)
        if gap.changed:
            reasons = f"changed in this commit; {reasons}"
        yield gap, open_parts(gap), f"{gap.risk:.2f}", reasons


def _digest(text: str) -> str:
    """A text as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _state_counts(rows: Sequence[Row | SourceLine]) -> str:
    counts = Counter(row.state for row in rows)
    words = [f"{counts[state]} {word}" for state, word in _STATES.items() if word and counts[state]]
    return ", ".join(words) or "nothing that counts"


def _by_file(gaps: Iterable[Gap]) -> list[tuple[str, list[Gap]]]:
    by_file: dict[str, list[Gap]] = {}
    for gap in gaps:
        by_file.setdefault(gap.path, []).append(gap)
    return list(by_file.items())


def _line_count(gaps: Iterable[Gap]) -> int:
    return sum(len(gap.lines) for gap in gaps)
