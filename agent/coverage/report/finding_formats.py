"""Where tests do not reach, as editors and code scanning read it: quickfix lines and SARIF."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote

from copydesk.agent.coverage.gate import DraftAdvice, Verdict, missing_ranges
from copydesk.agent.records import Gap, Json, LineNo
from copydesk.agent.text import clean, one_line, runs_of

SARIF_VERSION = "2.1.0"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

Rule = Literal["uncovered-change", "untaken-branch", "unmeasured-change"]

RULES: Mapping[Rule, str] = {
    "uncovered-change": "A changed line that no test reaches",
    "untaken-branch": "A changed line of which no test takes every branch",
    "unmeasured-change": "Changed lines that were not measured, or that cannot be",
}
"""What is found in a change, by the name that other tools group it under."""


class Finding(NamedTuple):
    """Lines of a file that something is to be said about.

    `gap` names the function where one is known, as `copydesk draft` takes it.
    """

    rule: Rule
    path: str
    first: LineNo
    last: LineNo
    message: str
    gap: str = ""


def findings_of(verdict: Verdict, advice: DraftAdvice) -> Iterator[Finding]:
    """What a verdict says of single lines, the missing ones first.

    Args:
        verdict: What the gate says of a change.
        advice: What can be done about missing lines.
    """
    for missing in missing_ranges(verdict):
        lines = "This line is" if missing.first == missing.last else "These lines are"
        message = f"{lines} reached by no test: {advice.step(missing.gap)}"
        where = missing.path, missing.first, missing.last
        yield Finding("uncovered-change", *where, message, missing.gap)
    for path, lines_of_path in verdict.partial.items():
        for line in lines_of_path:
            yield Finding("untaken-branch", path, line, line, "No test takes every branch.")
    for path, lines_of_path in verdict.unknown.items():
        why = verdict.passed_over.get(path, "not measured yet")
        for first, last in runs_of(lines_of_path):
            yield Finding("unmeasured-change", path, first, last, f"Not known: {why}.")


def findings_as_quickfix(findings: Iterable[Finding]) -> Iterator[str]:
    """Findings as `path:line: message`, which vim's quickfix and most editors read.

    A line is one finding whatever its path and message hold.
    """
    for finding in findings:
        yield _quickfix_line(finding.path, finding.first, finding.message)


def gaps_as_quickfix(gaps: Sequence[Gap]) -> Iterator[str]:
    """Gaps as `path:line: message`, one for each run of lines, the riskiest gap first."""
    for gap in gaps:
        runs = runs_of(gap.lines) or [(gap.first_line, gap.first_line)]
        reasons = f": {'; '.join(gap.reasons)}" if gap.reasons else ""
        for first, last in runs:
            lines = f"lines {first}-{last}" if last != first else f"line {first}"
            what = lines if gap.lines else "some branches"
            message = f"{gap.function}, {what} not reached, risk {gap.risk:.2f}{reasons}"
            yield _quickfix_line(gap.path, first, message)


def _quickfix_line(path: str, line: LineNo, message: str) -> str:
    return f"{clean(path, keep='')}:{line}: {clean(one_line(message, 300), keep='')}"


def verdict_as_sarif(verdict: Verdict, advice: DraftAdvice, version: str) -> Json:
    """A verdict as SARIF, which code scanning and editors show at the lines.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

    Args:
        verdict: What the gate says of a change.
        advice: What can be done about missing lines.
        version: copydesk's own, for the tool's entry.
    """
    level = "error" if verdict.verdict == "fail" else "warning"
    findings = list(findings_of(verdict, advice))
    reasons = [{"level": "error", "message": {"text": clean(text)}} for text in verdict.reasons]
    return {
        "$schema": SARIF_SCHEMA,
        "version": SARIF_VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "copydesk",
                        "version": version,
                        "rules": [
                            {"id": f"copydesk/{rule}", "shortDescription": {"text": text}}
                            for rule, text in RULES.items()
                        ],
                    }
                },
                "invocations": [
                    {"executionSuccessful": True, "toolExecutionNotifications": reasons}
                ],
                "results": [_sarif_result(finding, level) for finding in findings],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _sarif_result(finding: Finding, level: str) -> Json:
    return {
        "ruleId": f"copydesk/{finding.rule}",
        "level": level if finding.rule == "uncovered-change" else "note",
        "message": {"text": clean(finding.message, keep="")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(finding.path, errors="surrogateescape"),
                        "uriBaseId": "%SRCROOT%",
                    },
                    "region": {"startLine": finding.first, "endLine": finding.last},
                }
            }
        ],
        "partialFingerprints": {"copydesk/v1": _fingerprint(finding)},
    }


def _fingerprint(finding: Finding) -> str:
    """By function and size rather than by line: code that moves stays the same finding."""
    place = finding.gap or f"{finding.path}:{finding.first}"
    parts = f"{finding.rule}\0{place}\0{finding.last - finding.first}"
    return hashlib.sha256(parts.encode(errors="surrogateescape")).hexdigest()
