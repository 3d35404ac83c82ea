"""Source and differences as highlighted lines."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence

from rich.syntax import Syntax
from rich.text import Text

from copydesk.agent.coverage.store import FileLines
from copydesk.agent.records import LineNo
from copydesk.agent.screen.glyphs import Glyphs
from copydesk.agent.text import clean
from copydesk.hooks.source_lines import split_source_lines

CONTEXT = 4
"""Lines around a change, and around a function."""

THEMES = {True: "ansi_dark", False: "ansi_light"}
"""The names of the colours of code, on a dark screen and on a light one."""


def highlighted(text: str, language: str, *, dark: bool) -> list[Text]:
    """Code as lines in colour; cleaned here."""
    if not text:
        return []
    plain = clean(text.expandtabs(4)).rstrip("\n")
    syntax = Syntax("", language, theme=THEMES[dark], background_color="default")
    lines = list(syntax.highlight(plain).split("\n", allow_blank=True))
    wanted = plain.count("\n") + 1
    for line in lines:
        line.no_wrap = True
        line.rstrip()
    return lines[:wanted]


def diff_lines(before: str | None, after: str | None, language: str, *, dark: bool) -> list[Text]:
    """What changes between two texts (None: no file), as lines with their numbers and signs.

    Args:
        before: The text as it is.
        after: The text as it will be.
        language: The language that both are written in.
        dark: Whether the screen is dark.
    """
    old, new = (split_source_lines(text or "") for text in (before, after))
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    lines: list[Text] = []
    for group in groups:
        if lines:
            lines.append(Text("     ...", "dim"))
        for tag, old_first, old_end, new_first, new_end in group:
            if tag != "equal":
                rows = highlighted("\n".join(old[old_first:old_end]), language, dark=dark)
                lines += _numbered(rows, old_first, "-", "red")
            if tag != "delete":
                rows = highlighted("\n".join(new[new_first:new_end]), language, dark=dark)
                sign, style = (" ", "dim") if tag == "equal" else ("+", "green")
                lines += _numbered(rows, new_first, sign, style)
    return lines


def _numbered(rows: Sequence[Text], first: int, sign: str, style: str) -> Iterator[Text]:
    for number, row in enumerate(rows, first + 1):
        line = Text(no_wrap=True)
        line.append(f"{number:4} ", "dim")
        line.append(f"{sign} ", f"bold {style}" if sign != " " else style)
        yield line.append_text(row)


def covered_source(
    source: str,
    span: tuple[LineNo, LineNo],
    known: FileLines | None,
    gained: Collection[LineNo],
    look: tuple[Glyphs, bool],
) -> list[Text]:
    """A function with a gutter: which of its lines are covered, missing, or gained by a draft.

    Args:
        source: The file's text.
        span: The first and the last line of the function.
        known: What is known of the file's lines; None for nothing.
        gained: The lines that the draft reaches and no test did.
        look: The signs, and whether the screen is dark.
    """
    glyphs, dark = look
    first = max(1, span[0] - CONTEXT)
    last = span[1] + CONTEXT
    rows = highlighted(source, "python", dark=dark)[first - 1 : last]
    lines = []
    for number, row in enumerate(rows, first):
        sign, style = _state(number, known, gained, glyphs)
        line = Text(no_wrap=True)
        line.append(f"{number:4} ", "dim")
        line.append(f"{sign} ", style)
        lines.append(line.append_text(row))
    return lines


def _state(
    number: LineNo, known: FileLines | None, gained: Collection[LineNo], glyphs: Glyphs
) -> tuple[str, str]:
    if number in gained:
        return glyphs.gained, "bold green"
    if known is None or number not in known.statements:
        return " ", ""
    if number in known.missing:
        return glyphs.missing, "bold red"
    return glyphs.covered, "green"
