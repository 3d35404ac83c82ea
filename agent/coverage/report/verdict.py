"""A verdict as others show it: Markdown, GitHub annotations, GitLab code quality."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from copydesk.agent.coverage.gate import Verdict, missing_ranges
from copydesk.agent.coverage.report.markdown import code, section, text
from copydesk.agent.coverage.report.words import percent
from copydesk.agent.coverage.report.words import ranges as line_ranges
from copydesk.agent.records import Json
from copydesk.agent.text import clean, plural

ANNOTATIONS = 10
"""GitHub shows no more of one kind for a step; the summary has them all."""
ROWS = 100
"""Ranges listed in Markdown: a job summary may hold a megabyte."""

_SIGNS = {"pass": "passes", "fail": "does not pass", "unknown": "has lines without a verdict"}


def markdown(verdict: Verdict) -> str:
    """The verdict as Markdown, for a job summary; what comes from outside is escaped."""
    return "\n".join(_markdown(verdict)).rstrip("\n") + "\n"


def _markdown(verdict: Verdict) -> Iterator[str]:
    yield f"## Coverage gate: the change {_SIGNS[verdict.verdict]}\n"
    yield "| | |"
    yield "| --- | ---: |"
    if verdict.counted:
        lines = plural(verdict.counted, "changed line")
        yield f"| Reached, of {lines} | **{percent(verdict.diff)}** |"
    yield f"| The whole project | **{percent(verdict.total)}** |"
    if verdict.base_total is not None:
        yield f"| The whole project before the change | {percent(verdict.base_total)} |"
    yield ""
    yield from (f"- **Stop:** {text(reason)}" for reason in verdict.reasons)
    yield from (f"- {text(remark)}" for remark in verdict.remarks)
    found = missing_ranges(verdict)
    yield from section(
        "Changed lines that no test reaches",
        ("Where", "Function", "Draft a test"),
        [
            (code(r.location), code(r.function), code(f"copydesk draft {r.gap}"))
            for r in found[:ROWS]
        ],
        level=3,
    )
    if len(found) > ROWS:
        yield f"\n… and {len(found) - ROWS:,} more."
    for title, by_path in (
        ("Changed lines that do not take every branch", verdict.partial),
        ("Changed lines that were not measured", verdict.unknown),
    ):
        rows = [(code(path), line_ranges(lines)) for path, lines in list(by_path.items())[:ROWS]]
        yield from section(title, ("File", "Lines"), rows, level=3)


def github(verdict: Verdict) -> Iterator[str]:
    """Workflow commands that mark missing lines in the diff of a pull request.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    kind = "error" if verdict.verdict == "fail" else "warning"
    found = missing_ranges(verdict)
    for one in found[:ANNOTATIONS]:
        lines = "This line is" if one.first == one.last else "These lines are"
        said = f"{lines} reached by no test. `copydesk draft {one.gap}` drafts one."
        place = {"file": one.path, "line": one.first, "endLine": one.last}
        yield _command(kind, said, place | {"title": f"No test reaches {one.function}"})
    if len(found) > ANNOTATIONS:
        yield _command("notice", f"{len(found) - ANNOTATIONS} more places are in the summary.", {})
    partial = [(path, line) for path, lines in verdict.partial.items() for line in lines]
    for path, line in partial[:ANNOTATIONS]:
        place = {"file": path, "line": line, "title": "Not every branch is taken"}
        yield _command("notice", "No test takes every branch of this line.", place)


def _command(kind: str, message: str, properties: dict[str, object]) -> str:
    given = ",".join(f"{k}={_property(str(v))}" for k, v in properties.items())
    return f"::{kind}{' ' if given else ''}{given}::{_data(message)}"


def _data(said: str) -> str:
    # a line break would begin a command of its own; what is left of controls is shown escaped
    return clean(said, keep="").replace("%", "%25")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def code_quality(verdict: Verdict) -> list[Json]:
    """The missing lines as a code quality report.

    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """
    return [
        {
            "description": f"{clean(one.function, keep='')}: reached by no test",
            "check_name": "copydesk/uncovered-change",
            # by place in the function: a line that moves with it stays the same finding
            "fingerprint": hashlib.sha256(
                f"{one.gap}\0{one.last - one.first}\0{number}".encode(errors="surrogateescape")
            ).hexdigest(),
            "severity": "major" if verdict.verdict == "fail" else "minor",
            "location": {"path": one.path, "lines": {"begin": one.first, "end": one.last}},
        }
        for number, one in enumerate(missing_ranges(verdict))
    ]
