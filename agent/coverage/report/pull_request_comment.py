"""A verdict as the comment of a pull request: short, and the same comment at every push."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.coverage.gate import DraftAdvice, MissingRange, Verdict, missing_ranges
from copydesk.agent.coverage.report.markdown_parts import code, text
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.text import percent, plural
from copydesk.agent.text import ranges as line_ranges

MARKER = "<!-- copydesk: coverage gate -->"
"""The first line: what is looked for to replace the comment instead of adding another."""

MOST_LINES = 60
"""Lines of a comment at most: nobody reads more between two remarks of people."""

_PLACES, _TESTS, _FILES, _WORDS = 10, 8, 8, 4
_SIGNS = {
    "pass": "✅ passes",
    "fail": "❌ does not pass",
    "unknown": "❔ has no full verdict",
}


def pull_request_comment(
    verdict: Verdict, failed: Sequence[FailedTest], count: int, advice: DraftAdvice
) -> str:
    """The body of the comment, at most `MOST_LINES` lines; what comes from outside is escaped.

    Args:
        verdict: What the gate says.
        failed: The failing tests that are kept.
        count: How many failed.
        advice: What can be done about missing lines.
    """
    lines = [MARKER, f"**The change {_SIGNS[verdict.verdict]} the coverage gate.**", ""]
    lines += [_summary(verdict), ""]
    lines += _listed([f"**Stop:** {text(reason)}" for reason in verdict.reasons], _WORDS)
    lines += _listed([text(remark) for remark in verdict.remarks], _WORDS)
    lines += [""] if lines[-1] else []
    missing = missing_ranges(verdict)
    if missing:
        rows = [_missing_line(one, advice) for one in missing]
        lines += _folded(f"{plural(len(rows), 'place')} that no test reaches", rows, _PLACES)
    if count:
        tests = [f"{code(test.test)}: {text(test.error)}" for test in failed]
        lines += _folded(f"{plural(count, 'test')} failed", tests, _TESTS, count)
    unknown = [f"{code(path)}: {line_ranges(rows)}" for path, rows in verdict.unknown.items()]
    if unknown:
        lines += _folded(f"{plural(len(unknown), 'file')} with lines not measured", unknown, _FILES)
    return "\n".join(lines).rstrip("\n") + "\n"


def _summary(verdict: Verdict) -> str:
    parts = []
    if verdict.counted:
        counted = plural(verdict.counted, "changed line")
        parts.append(f"Tests reach **{percent(verdict.diff)}** of {counted}")
    before = f" (before: {percent(verdict.base_total)})" if verdict.base_total is not None else ""
    parts.append(f"the whole project is at **{percent(verdict.total)}**{before}")
    summary = "; ".join(parts)
    return f"{summary[0].upper()}{summary[1:]}."


def _missing_line(missing: MissingRange, advice: DraftAdvice) -> str:
    return f"{code(missing.location)} {code(missing.function)} → {code(advice.step(missing.gap))}"


def _listed(items: Sequence[str], most: int, total: int | None = None) -> Iterator[str]:
    """Items of a list, the first of them, and how many are left out."""
    yield from (f"- {item}" for item in items[:most])
    left_out = (len(items) if total is None else total) - min(len(items), most)
    if left_out > 0:
        yield f"- … and {left_out:,} more"


def _folded(title: str, items: Sequence[str], most: int, total: int | None = None) -> Iterator[str]:
    """A list that is opened by a click."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from _listed(items, most, total)
    yield ""
    yield "</details>"
    yield ""
