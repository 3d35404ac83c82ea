"""Lines of source as Python counts them.

Python ends a line at a line feed, a carriage return or the two together, and nowhere else.
`str.splitlines` also splits at form feeds, vertical tabs, U+0085, U+2028 and more, git at line
feeds alone: whoever counts lines of source asks here.
"""

from __future__ import annotations

import io


def plain_line_ends(text: str) -> str:
    """A text in which every line ends as Python reads it: with a line feed."""
    if "\r" in text:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def split_source_lines(text: str, *, keepends: bool = False) -> list[str]:
    """The lines of a source, as Python's own tokenizer counts them.

    Args:
        text: The source. As with `str.splitlines`, a line end at its end begins no further line.
        keepends: Leave the line ends on the lines as they are, so that they join to the text.
    """
    if keepends:
        return list(io.StringIO(text, newline=""))
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)]


def python_lines(content: bytes, git_lines: list[int]) -> list[int]:
    """Lines of a file as Python counts them, for lines as git counts them.

    They differ only where a carriage return stands alone: what is one line for git is several
    for Python then.

    Args:
        content: The file.
        git_lines: Line numbers from a patch, in order.
    """
    if b"\r" not in content.replace(b"\r\n", b"\n"):
        return git_lines
    wanted = set(git_lines)
    lines: list[int] = []
    first = 1
    for number, row in enumerate(content.split(b"\n"), start=1):
        after = first + row.removesuffix(b"\r").count(b"\r") + 1
        if number in wanted:
            lines.extend(range(first, after))
        first = after
    return lines
