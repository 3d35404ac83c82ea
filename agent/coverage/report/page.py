"""The report as one HTML file that loads nothing, for any browser, offline."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from copydesk.agent.coverage.report import plot
from copydesk.agent.coverage.report.facts import Report, Row
from copydesk.agent.coverage.report.words import model_words, open_parts, percent
from copydesk.agent.records import Gap
from copydesk.agent.text import clean, plural

HERE = Path(__file__).parent
FIRST = 50
"""The riskiest gaps, which stand in one table before all of them by file."""
NAMES = 20
"""Tests named for a line; the others are counted."""

_WORDS = {
    "reached": "reached", "missing": "missing", "partial": "partly", "unknown": "unknown",
    "plain": "", "near": "",
}  # fmt: skip


def render(report: Report) -> str:
    """The page. All that comes from outside is cleaned and escaped, and no script may be added."""
    style, script = (HERE / "page.css").read_text("utf-8"), (HERE / "page.js").read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    title = f"Coverage of {report.name} at {report.commit.sha[:8]}"
    sections = [section for section in _sections(report) if section[2]]
    links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, name, _ in sections)
    body = "".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{name}</h2>'
        f"{content}</section>\n"
        for key, name, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{_text(title)}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">To the content</a>\n'
        f"<header><h1>{_text(title)}</h1><p>{_text(report.commit.subject)}"
        f' <time class="soft">{_text(report.commit.date[:10])}</time></p>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n'
        f'<main id="main">\n{_figures(report)}\n{body}</main>\n'
        '<footer><p class="soft">Written by copydesk. This page loads nothing.</p></footer>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _text(text: str, keep: str = "") -> str:
    return escape(clean(text, keep=keep))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _name(text: str) -> str:
    """A path or the name of a function, which may be broken where its parts end."""
    broken = re.sub(r"(::|[/_.])(?=[^/_.:])", r"\1<wbr>", _text(text))
    return f"<code>{broken}</code>"


def _sections(report: Report) -> Iterator[tuple[str, str, str]]:
    yield "next", "What to do next", _steps(report)
    yield "insight", "What needs attention", _insight(report)
    yield "diff", "This commit, line by line", "".join(_diff(report))
    yield "gaps", "What to test, the riskiest first", "".join(_gaps(report.gaps))
    yield "over-time", "Coverage over commits", _history(report)
    yield (
        "slowest", "Slowest tests",
        _table("The tests that took longest", ("Test", "Seconds"),
               ((_name(name), f"{seconds:.2f}") for name, seconds in report.slowest), (1,)),
    )  # fmt: skip
    yield (
        "unsteady", "Flakiest tests",
        _table("Tests whose outcome changed while all that they depend on stayed the same",
               ("Test", "Runs", "Changes of outcome"),
               ((_name(t.name), f"{t.runs:,}", f"{t.flips:,}") for t in report.unsteady), (1, 2)),
    )  # fmt: skip
    yield (
        "drafts", "Drafts waiting",
        _table("Drafts on the desk", ("Draft", "About", "By", "Decide"),
               ((str(d.id), _text(d.title), _text(d.origin), _code(f"copydesk show {d.id}"))
                for d in report.drafts)),
    )  # fmt: skip
    yield (
        "models", "What models did",
        _table("Calls to the model, by its name and the version of the prompt",
               ("Model", "Prompt", "Came of it"),
               ((_text(m["model"]), _code(m["prompt"]), _text(model_words(m)))
                for m in report.models)),
    )  # fmt: skip


def _figures(report: Report) -> str:
    measure, verdict = report.measure, report.verdict
    cells = [("Total", percent(measure.percent), "")]
    if verdict is not None:
        cells.append(("Changed lines", percent(verdict.diff) if verdict.counted else "none", ""))
        cells.append(("Gate", verdict.verdict, verdict.verdict))
    cells.append(("Tests", f"{measure.total:,}", ""))
    cells.append(("Failed", f"{measure.failed:,}", "fail" if measure.failed else ""))
    cells.append(("Gaps", f"{len(report.gaps):,}", ""))
    shown = "".join(
        f'<div><dt>{name}</dt><dd class="{kind}">{_text(value)}</dd></div>'
        for name, value, kind in cells
    )
    said = (*verdict.reasons, *verdict.remarks) if verdict else ()
    why = "".join(f"<li>{_text(line)}</li>" for line in said)
    return f'<dl class="figures">{shown}</dl>' + (f"<ul>{why}</ul>" if why else "")


def _steps(report: Report) -> str:
    items = "".join(f"<li>{_text(s.what)} {_code(s.command)}</li>" for s in report.steps)
    return f"<ol>{items}</ol>" if items else "<p>Nothing: every line is reached.</p>"


def _insight(report: Report) -> str:
    if report.insight is None:
        return ""
    said, model, dropped = report.insight
    lines = "".join(f"<li>{_text(sentence)}</li>" for sentence in said)
    left = f" {plural(dropped, 'sentence')} did not hold and were left out." if dropped else ""
    return (
        f'<ul>{lines}</ul><p class="soft">Worded by {_text(model)}; every number, name and path was'
        f" checked against what was measured.{left}</p>"
    )


def _table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
) -> str:
    """A table; cells are HTML already. "" where there are no rows."""

    def kind(column: int) -> str:
        return ' class="number"' if column in numbers else ""

    body = "".join(
        "<tr>" + "".join(f"<td{kind(n)}>{cell}</td>" for n, cell in enumerate(row)) + "</tr>\n"
        for row in rows
    )
    if not body:
        return ""
    head = "".join(f'<th scope="col"{kind(n)}>{name}</th>' for n, name in enumerate(headings))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
        f"<caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _diff(report: Report) -> Iterator[str]:
    if report.diff:
        yield (
            "<p>Changed lines are <em>reached</em>, <em>missing</em>, <em>partly</em> reached (a"
            " branch was never taken) or <em>unknown</em>. Open a reached line to see its tests."
            "</p>"
        )
    for path, rows in report.diff.items():
        name = _text(path)
        yield f'<h3>{name}</h3><div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        yield f'<table class="code"><caption>{_counts(rows)}</caption><tbody>'
        before = rows[0].line - 1
        for row in rows:
            if row.line != before + 1:
                yield '<tr class="near"><th scope="row">…</th><td></td><td></td></tr>\n'
            before = row.line
            text = _text(row.text, keep="\t")
            yield f'<tr class="{row.state}"><th scope="row">{row.line}</th><td class="what">'
            yield f'{_what(row)}</td><td class="text">{text}</td></tr>\n'
        yield "</tbody></table></div>"
    if report.left_out:
        yield f"<p>{plural(report.left_out, 'line')} more of this change are not shown.</p>"


def _counts(rows: Sequence[Row]) -> str:
    counts = {state: sum(row.state == state for row in rows) for state in _WORDS}
    said = [
        f"{count} {_WORDS[state]}" for state, count in counts.items() if count and _WORDS[state]
    ]
    return ", ".join(said) or "nothing that counts"


def _what(row: Row) -> str:
    word = _WORDS[row.state]
    if not row.tests or not word:
        return word
    names = "".join(f"<li>{_name(name)}</li>" for name in row.tests[:NAMES])
    if len(row.tests) > NAMES:
        names += f"<li>and {len(row.tests) - NAMES:,} more</li>"
    return (
        f"<details><summary>{word}, {plural(len(row.tests), 'test')}</summary>"
        f"<ul>{names}</ul></details>"
    )


def _gaps(gaps: Sequence[Gap]) -> Iterator[str]:
    if not gaps:
        return
    yield _table(
        f"The riskiest {min(FIRST, len(gaps))} of {plural(len(gaps), 'gap')}",
        ("Function", "Lines", "Risk", "Why"),
        (
            (_name(f"{g.path}::{g.function}"), open_parts(g), f"{g.risk:.2f}", _why(g))
            for g in gaps[:FIRST]
        ),
        (2,),
    )
    by_file: dict[str, list[Gap]] = {}
    for gap in gaps:
        by_file.setdefault(gap.path, []).append(gap)
    yield (
        '<h3>All of them, by file</h3><div id="filter" hidden><label for="needle">Files and'
        ' functions with</label><input id="needle" type="search" autocomplete="off">'
        ' <span id="matches" role="status"></span></div>'
    )
    for path, found in by_file.items():
        names = _text(" ".join([path, *(g.function for g in found)]))
        lines = sum(len(g.lines) for g in found)
        yield f'<details data-names="{names}"><summary>{_text(path)} <span class="soft">'
        yield f"{plural(len(found), 'gap')}, {plural(lines, 'line')}</span></summary>"
        yield _table(
            f"Gaps in {path}",
            ("Function", "Lines", "Risk", "Why"),
            ((_name(g.function), open_parts(g), f"{g.risk:.2f}", _why(g)) for g in found),
            (2,),
        )
        yield "</details>\n"


def _why(gap: Gap) -> str:
    said = "; ".join(gap.reasons)
    return _text(f"changed in this commit; {said}" if gap.changed else said)


def _history(report: Report) -> str:
    table = _table(
        "Coverage of measured commits, the newest first",
        ("Commit", "Date", "Total", "Subject"),
        (
            (_code(p.sha[:8]), _text(p.date[:10]), percent(p.percent), _text(p.subject))
            for p in reversed(report.history)
        ),
        (2,),
    )
    drawn = plot.render(report.history)
    if not drawn:
        return table
    drawn = f'<div class="scroll plot" tabindex="0" role="region" aria-label="Plot">{drawn}</div>'
    return f"{drawn}<details><summary>The same as a table</summary>{table}</details>"
