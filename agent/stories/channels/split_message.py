"""A long Markdown text in parts that each fit into a message.

Parts end at the best border there is: of paragraphs or code fences, of sentences, of lines, of
words, of characters as a reader sees them. A fence that a border falls into is closed before it
and opened again behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.stories.channels.discord_limits import CONTENT, units

MINIMUM = 400
"""The smallest limit: a part must hold a fence's two lines and something between them."""

_FENCE = re.compile(r" {0,3}(`{3,8})(?!`)([^`\n]{0,40})")
"""A whole line that opens a fence, or closes one. Longer ones are text: no part could repeat them.
"""
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]*_]*\s+")
_SPACE = re.compile(r"\s+")
_JOINERS = frozenset("\u200d\u200c")
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_LONGEST_CHARACTER = 64
"""Code points in what a reader sees as one character; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the text, and what is put around it.

    `opening` opens the fence again that the part before had to close, `closing` closes the one
    that goes on.
    """

    source: str
    opening: str = ""
    closing: str = ""

    @property
    def shown(self) -> str:
        """The part as a message."""
        return f"{self.opening}{self.source}{self.closing}"


class _Fence(NamedTuple):
    """An open fence: its marks, and what stands after them."""

    marks: str
    info: str

    @property
    def opening(self) -> str:
        return f"{self.marks}{self.info}\n"

    def closing(self, source: str) -> str:
        return f"{'' if source.endswith(chr(10)) else chr(10)}{self.marks}"


class _Border(NamedTuple):
    """A place where a part may end: how bad it is (0 is best), and the fence that is open there."""

    position: int
    rank: int
    fence: _Fence | None


_PARAGRAPH, _SENTENCE, _LINE, _WORD, _CHARACTER, _CODE_POINT = range(6)


def split_message(text: str, limit: int = CONTENT) -> tuple[Part, ...]:
    """Split a text into parts whose `shown` has at most so many UTF-16 units.

    Args:
        text: Markdown.
        limit: In UTF-16 code units; at least MINIMUM.

    Returns:
        The parts; their sources, joined, are the text.
    """
    assert limit >= MINIMUM
    parts: list[Part] = []
    fence: _Fence | None = None
    while text:
        opening = fence.opening if fence else ""
        border = _end_of_part(text, fence, limit - units(opening))
        source, text = text[: border.position], text[border.position :]
        closing = border.fence.closing(source) if border.fence else ""
        parts.append(Part(source, opening, closing))
        fence = border.fence
    return tuple(parts)


def _end_of_part(text: str, fence: _Fence | None, budget: int) -> _Border:
    """Where the first part of a text ends.

    Args:
        text: What is left of the text; not empty.
        fence: The fence that is open where it begins.
        budget: How many units it may have, with what closes a fence.
    """
    if units(text) + _closing_units(_fence_after(text, fence)) <= budget:
        return _Border(len(text), _PARAGRAPH, _fence_after(text, fence))
    best: dict[int, _Border] = {}
    for border in _borders(text, fence, budget):
        best[border.rank] = border
    for rank in sorted(best):
        if rank >= _CHARACTER or 3 * units(text[: best[rank].position]) >= budget:
            return best[rank]
    return max(best.values(), key=lambda border: border.position)


def _closing_units(fence: _Fence | None) -> int:
    return 1 + len(fence.marks) if fence else 0


def _fence_after(text: str, fence: _Fence | None) -> _Fence | None:
    for line in text.split("\n"):
        fence = _after_line(line, fence)
    return fence


def _after_line(line: str, fence: _Fence | None) -> _Fence | None:
    """The fence that is open behind a line, by the one that is open before it."""
    match = _FENCE.fullmatch(line)
    if match is None:
        return fence
    marks, info = match.groups()
    if fence is None:
        return _Fence(marks, info)
    closes = len(marks) >= len(fence.marks) and not info.strip()
    return None if closes else fence


def _borders(text: str, fence: _Fence | None, budget: int) -> Iterator[_Border]:
    """The places where a part may end within a budget, from left to right."""
    start = 0
    used = 0
    while start < len(text):
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline
        line = text[start:end]
        after = _after_line(line, fence)
        for border in _inside_line(line, fence, budget - used):
            yield border._replace(position=start + border.position)
        used += units(line) + 1
        if used + _closing_units(after) > budget + (newline < 0):
            return
        following = end + 1 if newline >= 0 else end
        next_line = text[following:].split("\n", 1)[0]
        if after is None or (fence is not None and _after_line(next_line, after) is not None):
            rank = _line_rank(line, next_line, fence, after)
            yield _Border(following, rank, after)  # elsewhere it would leave an empty fence
        start, fence = following, after


def _line_rank(line: str, next_line: str, before: _Fence | None, after: _Fence | None) -> int:
    """How bad it is to end a part behind a line.

    Args:
        line: The line.
        next_line: The one after it.
        before: The fence that is open before it.
        after: The fence that is open behind it.
    """
    if after is not None:
        return _LINE
    if before is not None or not line.strip() or _FENCE.fullmatch(next_line):
        return _PARAGRAPH
    return _SENTENCE if _SENTENCE_END.search(f"{line[-4:]} ") else _LINE


def _inside_line(line: str, fence: _Fence | None, budget: int) -> Iterator[_Border]:
    """The places within a line where a part may end; only those that are not about to be passed.

    A line that fits whole is as good as its end, but for the ends of its sentences. One that is a
    fence stays whole.
    """
    if _FENCE.fullmatch(line):
        return
    room = budget - _closing_units(fence)
    fits = units(line) + 1 <= room
    table = line.lstrip().startswith("|")
    if fence is None and not table:
        yield from _matches(_SENTENCE_END, line, fence, (room, _SENTENCE))
    if fits:
        return
    yield from _matches(_SPACE, line, fence, (room, _WORD))
    yield from _characters(line, fence, room)


def _matches(
    pattern: re.Pattern[str], line: str, fence: _Fence | None, room_and_rank: tuple[int, int]
) -> Iterator[_Border]:
    """The ends of what a pattern finds in a line, where a part may end there."""
    room, rank = room_and_rank
    used = position = ticks = 0
    for match in pattern.finditer(line):
        step = line[position : match.end()]
        used += units(step)
        ticks += step.count("`")
        position = match.end()
        if used > room:
            return
        if position < len(line) and (fence or not ticks % 2) and _keeps_fences(line, position):
            yield _Border(position, rank, fence)


def _characters(line: str, fence: _Fence | None, room: int) -> Iterator[_Border]:
    """The last place in a line between two characters; between two code points if that is far.

    One of them always lies in a budget of MINIMUM: a line that looks like a fence is short.
    """
    position = used = 0
    while position < len(line) and used + units(line[position]) <= room:
        used += units(line[position])
        position += 1
    nearest = range(min(position, len(line) - 1), max(0, position - _LONGEST_CHARACTER), -1)
    places = [place for place in nearest if _keeps_fences(line, place)]
    for border_between, rank in ((_is_character_border, _CHARACTER), (_is_not_pair, _CODE_POINT)):
        for place in places:
            if border_between(line, place):
                yield _Border(place, rank, fence)
                return


def _keeps_fences(line: str, position: int) -> bool:
    """Whether neither half of a line is a fence that the line is not."""
    return not (_FENCE.fullmatch(line[:position]) or _FENCE.fullmatch(line[position:]))


def _is_not_pair(line: str, position: int) -> bool:
    """Whether a place is not between two lone surrogates that together are one character."""
    before, after = line[position - 1], line[position]
    return not ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")


def _is_character_border(line: str, position: int) -> bool:
    """Whether a reader sees two characters at a place, and not one.

    A part of the rules of Unicode's annex 29: combining marks, joiners, modifiers of emoji and
    flags. What it does not know (Hangul, Indic conjuncts) are letters that are legible apart.
    """
    before, after = line[position - 1], line[position]
    if before in _JOINERS or _goes_on(after) or f"{before}{after}" == "\r\n":
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        run = len(line[:position]) - len(line[:position].rstrip(_FLAG_LETTERS))
        return run % 2 == 0
    return _is_not_pair(line, position)


def _goes_on(char: str) -> bool:
    """Whether a character only adds to the one before it."""
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me", "Mc"):
        return True
    return "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f"


def _is_flag_letter(char: str) -> bool:
    return char in _FLAG_LETTERS
