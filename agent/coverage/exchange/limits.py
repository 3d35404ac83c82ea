"""What a map from somewhere else may hold."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Sequence
from typing import Any

from copydesk.agent.git.map_repository import refused
from copydesk.agent.records import Arc

KINDS = frozenset({"test", "import", "fixture", "session", "collection"})
OUTCOMES = frozenset({"passed", "failed", "error", "skipped", "xfailed", "xpassed", "none"})

MAX_LINES = 2_000_000
"""Lines of one file of a map."""

MAX_TEXT = 16_384
"""Characters of a name."""

MAX_NEEDS = 100_000
MAX_LINE_NUMBER = 1_000_000
MAX_DECODED = 1 << 30
"""Bytes that the sets of lines of a map may take once they are read."""

MAX_REFERENCES = 200_000_000
_BLOB = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = frozenset({"", ".", "..", ".git"})


class Budget:
    """What is left of the room that one map may take."""

    def __init__(self, decoded: int = MAX_DECODED, references: int = MAX_REFERENCES) -> None:
        self.decoded = decoded
        self.references = references

    def spend(self, path: str, lines: Sequence[int], arcs: Collection[Arc]) -> None:
        """Account for lines and arcs of a file before they are put together.

        Raises:
            CopydeskError: A line is out of bounds, or there is no room left ("map-refused").
        """
        furthest = max(lines, default=0)
        ends = [abs(line) for arc in arcs for line in arc]
        if max(furthest, max(ends, default=0)) > MAX_LINE_NUMBER or min(lines, default=0) < 0:
            raise refused(f"a line of {path!r} beyond {MAX_LINE_NUMBER:,}")
        self.decoded -= furthest // 8 + 8 * len(arcs)
        if self.decoded < 0:
            raise refused(f"its lines take more than {MAX_DECODED:,} bytes")

    def spend_references(self, count: int) -> None:
        """Account for references of a trace.

        Raises:
            CopydeskError: There are too many ("map-refused").
        """
        self.references -= count
        if self.references < 0:
            raise refused(f"more than {MAX_REFERENCES:,} references")


def checked_lines(content: bytes) -> list[str]:
    """The lines of a file.

    Raises:
        CopydeskError: It is no plain text that ends with a line, or has too many ("map-refused").
    """
    if not content.endswith(b"\n") or not content.isascii():
        raise refused("a file that is no plain text")
    if content.count(b"\n") > MAX_LINES:
        raise refused(f"a file of more than {MAX_LINES:,} lines")
    return content[:-1].decode("ascii").split("\n")


def is_inside(path: str) -> bool:
    """Whether a path leads to a file below the top of a tree."""
    if not path or len(path) > MAX_TEXT or "\\" in path or path.startswith("/"):
        return False
    parts = path.split("/")
    if any(part.lower() in _FORBIDDEN or not part.isprintable() for part in parts):
        return False
    return posixpath.normpath(path) == path and not _DRIVE.match(path)


def checked_path(path: str) -> str:
    """The same path.

    Raises:
        CopydeskError: It leads out of the tree ("map-refused").
    """
    if not is_inside(path):
        raise refused(f"a path that leads out of the tree: {path[:200]!r}")
    return path


def checked_text(value: Any, *, most: int = MAX_TEXT) -> str:
    """The same text.

    Raises:
        CopydeskError: It is none, or too long ("map-refused").
    """
    if not isinstance(value, str) or len(value) > most:
        raise refused(f"no text, or one of more than {most:,} characters")
    return value


def checked_words(value: Any) -> list[str]:
    """The same ids of contents.

    Raises:
        CopydeskError: They are none ("map-refused").
    """
    if not isinstance(value, list) or not value or len(value) > MAX_TEXT:
        raise refused("no versions of a file")
    for word in value:
        if not isinstance(word, str) or not _BLOB.fullmatch(word):
            raise refused(f"no id of a content: {str(word)[:60]!r}")
    return value


def checked_numbers(value: Any, *, least: int = -2 * MAX_LINE_NUMBER) -> list[int]:
    """The same whole numbers.

    Raises:
        CopydeskError: They are none, or out of bounds ("map-refused").
    """
    if not isinstance(value, list) or len(value) > MAX_LINES:
        raise refused("no numbers")
    if any(type(number) is not int for number in value):
        raise refused("what is no whole number")
    if value and (min(value) < least or max(value) > 1 << 40):
        raise refused(f"a number out of bounds: {min(value)} to {max(value)}")
    return value
