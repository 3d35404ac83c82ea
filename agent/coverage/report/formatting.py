"""Numbers and names as reports show them."""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.records import Gap, Json
from copydesk.agent.text import plural


def percent(value: float | None) -> str:
    """A percentage of 100; only what is whole reads as 100 %."""
    if value is None:
        return "not known"
    text = f"{value:.1f}"
    return f"{'99.9' if text == '100.0' and value < 100 else text} %"


def runs_of(lines: Iterable[int]) -> list[tuple[int, int]]:
    """The first and last of each run of neighbouring line numbers, in order."""
    runs: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    return runs


def ranges(lines: Iterable[int]) -> str:
    """Line numbers, runs joined: "3-5, 9"."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs_of(lines))


def open_parts(gap: Gap) -> str:
    """What of a gap is open: its lines, or the branches of lines that are reached."""
    if gap.lines:
        return ranges(gap.lines)
    return f"branches at {ranges(abs(first) for first, _ in gap.branches)}"


def model_words(total: Json) -> str:
    """What came of a model's calls: "12 calls, 83 % answered, 42 % kept"."""
    calls = total["calls"]
    answered, useful = (f"{100 * total[key] / calls:.0f} %" for key in ("answered", "kept"))
    return f"{plural(calls, 'call')}, {answered} answered, {useful} kept"
