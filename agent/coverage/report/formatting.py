"""Numbers and names as reports show them."""

from __future__ import annotations

from copydesk.agent.records import Gap
from copydesk.agent.text import ranges


def open_parts(gap: Gap) -> str:
    """What of a gap is open: its lines, or the branches of lines that are reached."""
    if gap.lines:
        return ranges(gap.lines)
    return f"branches at {ranges(abs(first) for first, _ in gap.branches)}"
