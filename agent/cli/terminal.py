"""Putting things on the screen: tables, highlighted drafts, progress.

Rich is imported in the functions that need it: it costs a tenth of a second, and most commands
print plain lines. Its markup is never used, so nothing that comes from outside can be markup.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from copydesk.agent.cli.formatting import draft_subject, evidence_lines, short_sha, time_ago
from copydesk.agent.cli.output import echo
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft
from copydesk.agent.text import clean, one_line

NARROW = 40
"""The least width that is laid out for, in columns."""

NARROWEST_COLUMN = 8
"""What a column of a table keeps at least."""


def terminal_width() -> int | None:
    """The columns of the terminal (or $COLUMNS); None where a file or pipe takes any width."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return None
    return max(NARROW, shutil.get_terminal_size().columns)


def use_colour() -> bool:
    """Whether colours are wanted: a terminal, and no NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    ends: Sequence[int] = (),
    last_below: bool = False,
) -> None:
    """Print rows under headings, one line each.

    Where they do not fit the terminal, the widest columns are cut with an ellipsis; piped
    output is never cut.

    Args:
        headings: The head of each column.
        rows: The cells; cleaned here.
        right: The columns that stand flush right.
        ends: The columns whose ends matter most (paths): these are cut at the start.
        last_below: Whether the last column stands below each row, whole, where the rows do not
            fit.
    """
    width = terminal_width()
    cells = [[clean(cell, keep="") for cell in row] for row in (headings, *rows)]
    sizes = _column_sizes(cells)
    below: list[str] = []
    if last_below and not _fits(sizes, width):
        below = [row.pop() for row in cells]
        sizes = _column_sizes(cells)
    _squeeze(sizes, width)
    heading = _row_text(cells[0], sizes, right, ())
    click.echo(click.style(heading, bold=True) if use_colour() else heading)
    for number, row in enumerate(cells[1:], 1):
        click.echo(_row_text(row, sizes, right, ends))
        if below:
            _print_below(below[number], width or 80)


def _fits(sizes: Sequence[int], width: int | None) -> bool:
    return width is None or sum(sizes) + _blanks(sizes) <= width


def _row_text(
    row: Sequence[str], sizes: Sequence[int], right: Sequence[int], ends: Sequence[int]
) -> str:
    """A row as one line, its cells cut and filled to the sizes of their columns."""
    from rich.cells import cell_len

    line = []
    for column, (cell, size) in enumerate(zip(row, sizes, strict=True)):
        shown = _cut(cell, size, keep_end=column in ends)
        padding = " " * (size - cell_len(shown))
        line.append(padding + shown if column in right else shown + padding)
    return "  ".join(line).rstrip()


def _print_below(text: str, width: int) -> None:
    """Print a cell on lines of its own, indented."""
    indent = " " * 4
    for line in textwrap.wrap(text, max(width - 1, 20), initial_indent=indent,
                              subsequent_indent=indent):  # fmt: skip
        click.echo(line)


def _column_sizes(cells: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _blanks(sizes: Sequence[int]) -> int:
    """The blanks between columns: two."""
    return 2 * (len(sizes) - 1)


def _squeeze(sizes: list[int], width: int | None) -> None:
    """Take columns from the widest until they fit, with two blanks between; none gets too narrow.

    Args:
        sizes: The widths of the columns; changed in place.
        width: What they have to fit into; None for any.
    """
    while not _fits(sizes, width) and max(sizes) > NARROWEST_COLUMN:
        sizes[sizes.index(max(sizes))] -= 1


def _cut(cell: str, size: int, *, keep_end: bool) -> str:
    """A cell of at most size columns, with an ellipsis where something is missing."""
    from rich.cells import cell_len

    if cell_len(cell) <= size:
        return cell
    while cell_len(cell) > size - 1:
        cell = cell[1:] if keep_end else cell[:-1]
    return f"…{cell}" if keep_end else f"{cell.rstrip()}…"


def print_code(text: str, language: str, *, limit: int | None = None) -> int:
    """Print a draft, highlighted on a terminal.

    Args:
        text: The draft; cleaned here.
        language: "python" or "markdown".
        limit: The most lines to print; None prints all.

    Returns:
        How many lines were left out.
    """
    lines = clean(text).rstrip("\n").split("\n")
    shown = lines if limit is None else lines[:limit]
    if not use_colour():
        click.echo("\n".join(shown))
    else:
        from rich.console import Console
        from rich.syntax import Syntax

        syntax = Syntax(
            "\n".join(shown),
            language,
            theme="ansi_dark",
            background_color="default",
            word_wrap=True,
        )
        Console(width=terminal_width()).print(syntax)
    return len(lines) - len(shown)


def draft_language(draft: Draft) -> str:
    """The language a draft is written in."""
    return "python" if draft.kind == "test" else "markdown"


def print_heading(draft: Draft) -> None:
    """Print what a draft is, in three lines."""
    kind = "Test" if draft.kind == "test" else "Dev log"
    title = f"{kind} {draft.id} · {draft_subject(draft)}"
    click.echo(click.style(title, bold=True) if use_colour() else title)
    origin = one_line(draft.origin)
    echo(
        f"by {origin} for {short_sha(draft.commit)}, {time_ago(draft.created_at)};"
        f" {draft.state.replace('_', ' ')}"
    )
    echo(f"→ {clean(draft.path, keep='')}")


def print_evidence(draft: Draft) -> None:
    """Print the evidence for a draft."""
    for line in evidence_lines(draft):
        echo(line)
    if draft.note:
        echo(f"Your note: {draft.note}")


@contextlib.contextmanager
def spinner(text: str) -> Iterator[Progress]:
    """Show a spinner on standard error while the block runs; on a terminal only.

    Yields:
        A function that changes the text.
    """
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(clean(text))) as status:
        yield lambda new: status.update(Text(clean(new)))
