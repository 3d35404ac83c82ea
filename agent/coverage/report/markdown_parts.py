"""Pieces of Markdown: tables, and text from outside that is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from copydesk.agent.text import clean, one_line


def section(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], level: int = 2
) -> Iterator[str]:
    """A heading and a table; nothing where there are no rows."""
    if rows:
        yield f"\n{'#' * level} {title}\n"
        yield f"| {' | '.join(headings)} |"
        yield f"| {' | '.join('---' for _ in headings)} |"
        yield from (f"| {' | '.join(row)} |" for row in rows)


def text(raw: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&@])", r"\\\1", clean(one_line(raw), keep=""))


def code(raw: str) -> str:
    """Text in a span of code, which may stand in a table."""
    content = clean(raw, keep="").replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * (longest + 1)
    space = " " if "`" in content else ""
    return f"{fence}{space}{content}{space}{fence}"
