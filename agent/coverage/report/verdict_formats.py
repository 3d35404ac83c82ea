"""A verdict as others show it: Markdown, GitHub annotations, GitLab code quality."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from copydesk.agent.coverage.gate import (
    NO_VERDICT,
    DraftAdvice,
    MissingRange,
    Verdict,
    missing_ranges,
)
from copydesk.agent.coverage.report.markdown_parts import code, section, text
from copydesk.agent.coverage.report.markdown_report import failed_section
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.git.missing_modules import Install
from copydesk.agent.records import Json
from copydesk.agent.text import clean, percent, plural
from copydesk.agent.text import ranges as line_ranges

ANNOTATIONS = 10
"""GitHub shows no more of one kind for a step; the summary has them all."""
ROWS = 100
"""Ranges listed in Markdown: a job summary may hold a megabyte."""

_BEFORE = {"passed": "it passed before", "failed": "it failed before, too", "new": "it is new"}
_SIGNS = {"pass": "passes", "fail": "does not pass", "unknown": "has no full verdict"}


_COMMITTED = DraftAdvice()
"""On a change that is committed, where no draft waits."""


def verdict_as_markdown(verdict: Verdict, advice: DraftAdvice = _COMMITTED) -> str:
    """The verdict as Markdown, for a job summary; what comes from outside is escaped."""
    return "\n".join(_markdown(verdict, advice)).rstrip("\n") + "\n"


def _markdown(verdict: Verdict, advice: DraftAdvice) -> Iterator[str]:
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
    ranges = missing_ranges(verdict)
    yield from section(
        "Changed lines that no test reaches",
        ("Where", "Function", "Draft a test"),
        [(code(r.location), code(r.function), code(advice.step(r.gap))) for r in ranges[:ROWS]],
        level=3,
    )
    if len(ranges) > ROWS:
        yield f"\n… and {len(ranges) - ROWS:,} more."
    for title, by_path in (
        ("Changed lines that do not take every branch", verdict.partial),
        ("Changed lines that were not measured", verdict.not_measured),
    ):
        rows = [(code(path), line_ranges(lines)) for path, lines in list(by_path.items())[:ROWS]]
        yield from section(title, ("File", "Lines"), rows, level=3)
    yield from section(
        "Changed files that coverage.py passes over",
        ("File", "Lines", "Why"),
        [
            (code(path), line_ranges(verdict.unknown[path]), text(why))
            for path, why in list(verdict.passed_over.items())[:ROWS]
        ],
        level=3,
    )


def failures_as_markdown(failed: Sequence[FailedTest], count: int, install: Install | None) -> str:
    """The tests that failed as Markdown, for a job summary; "" where none did.

    Args:
        failed: Those that are kept.
        count: How many failed.
        install: What to install where a module is missing, or None.
    """
    if not count:
        return ""
    lines = [*failed_section(failed, count, level=3), ""]
    if install:
        lines.append(
            text(f"{install.problem}; install what the tests need:") + " " + code(install.command)
        )
    return "\n".join(lines) + "\n"


def failure_annotations(failed: Sequence[FailedTest], count: int) -> Iterator[str]:
    """Workflow commands that mark the tests that failed.

    Args:
        failed: Those that are kept; what a change broke comes first.
        count: How many failed.
    """
    for test in failed[:ANNOTATIONS]:
        title = "This file could not be collected" if test.outcome == "collection" else "Test fails"
        properties: dict[str, object] = {"file": test.path}
        if test.line:
            properties["line"] = test.line
        properties["title"] = f"{title}: {_BEFORE.get(test.before, 'no earlier run is known')}"
        yield _command("error", f"{test.test}: {test.error}", properties)
    if count > ANNOTATIONS:
        yield _command("notice", f"{count - ANNOTATIONS} more tests fail.", {})


def github_annotations(verdict: Verdict, advice: DraftAdvice = _COMMITTED) -> Iterator[str]:
    """Workflow commands that mark missing lines in the diff of a pull request.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    kind = "error" if verdict.verdict == "fail" else "warning"
    ranges = missing_ranges(verdict)
    for missing in ranges[:ANNOTATIONS]:
        lines = "This line is" if missing.first == missing.last else "These lines are"
        message = f"{lines} reached by no test. {advice.sentence(missing.gap)}"
        properties = {
            "file": missing.path,
            "line": missing.first,
            "endLine": missing.last,
            "title": f"No test reaches {missing.function}",
        }
        yield _command(kind, message, properties)
    for reason in verdict.reasons:
        if not ranges or reason.startswith(NO_VERDICT):  # lines say it where they stand
            yield _command("error", reason, {})
    if len(ranges) > ANNOTATIONS:
        yield _command("notice", f"{len(ranges) - ANNOTATIONS} more places are in the summary.", {})
    partial = [(path, line) for path, lines in verdict.partial.items() for line in lines]
    for path, line in partial[:ANNOTATIONS]:
        properties = {"file": path, "line": line, "title": "Not every branch is taken"}
        yield _command("notice", "No test takes every branch of this line.", properties)


def _command(kind: str, message: str, properties: Mapping[str, object]) -> str:
    words = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind}{' ' if words else ''}{words}::{_data(message)}"


def _data(message: str) -> str:
    # a line break would begin a command of its own; what is left of controls is shown escaped
    return clean(message, keep="").replace("%", "%25")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def gitlab_code_quality(verdict: Verdict) -> list[Json]:
    """The missing lines as a code quality report.

    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """
    severity = "major" if verdict.verdict == "fail" else "minor"
    return _missing_as_findings(verdict, severity) + _unknown_as_findings(verdict, severity)


def _unknown_as_findings(verdict: Verdict, severity: str) -> list[Json]:
    """A finding a file of which changed lines were not measured: silence would be praise."""
    findings: list[Json] = []
    for path, lines in verdict.unknown.items():
        why = "not measured"
        if path in verdict.passed_over:
            why = f"not known: {clean(verdict.passed_over[path], keep='')}"
        identity = hashlib.sha256(f"unknown\0{path}".encode(errors="surrogateescape"))
        findings.append(
            {
                "description": f"{plural(len(lines), 'changed line')} {why}",
                "check_name": "copydesk/unmeasured-change",
                "fingerprint": identity.hexdigest(),
                "severity": severity,
                "location": {"path": path, "lines": {"begin": lines[0], "end": lines[-1]}},
            }
        )
    return findings


def _missing_as_findings(verdict: Verdict, severity: str) -> list[Json]:
    return [
        {
            "description": f"{clean(missing.function, keep='')}: reached by no test",
            "check_name": "copydesk/uncovered-change",
            "fingerprint": _fingerprint(missing, number),
            "severity": severity,
            "location": {
                "path": missing.path,
                "lines": {"begin": missing.first, "end": missing.last},
            },
        }
        for number, missing in enumerate(missing_ranges(verdict))
    ]


def _fingerprint(missing: MissingRange, number: int) -> str:
    """By its place in the function: a line that moves with it stays the same finding."""
    parts = f"{missing.gap}\0{missing.last - missing.first}\0{number}"
    return hashlib.sha256(parts.encode(errors="surrogateescape")).hexdigest()
