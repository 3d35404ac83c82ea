"""The list of what waits: rows under headings, marks, and a cursor that stays on its entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from copydesk.agent.screen.entries import Entry, Row
from copydesk.agent.screen.glyphs import Glyphs, sign_of

_SUMMARY_FROM = 44
"""Columns from which on the evidence stands beside a subject that is cut for it."""

_STYLES = {
    "verified": "green",
    "checked": "green",
    "accepted": "green",
    "asks": "yellow",
    "doubtful": "yellow",
    "failed": "red",
    "rejected": "red",
}


class EntryList(ScrollView, can_focus=True):
    """Shows rows, one of which is chosen.

    Args:
        glyphs: The signs it may use.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "end(-1)", show=False),
        Binding("end,G", "end(1)", show=False),
        Binding("enter", "open", show=False),
    ]

    class Chosen(Message):
        """Another entry was chosen, or none is there any more."""

        def __init__(self, entry: Entry | None) -> None:
            super().__init__()
            self.entry = entry

    class Opened(Message):
        """The chosen entry is to be read."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="list")
        self._glyphs = glyphs
        self._rows: list[Row] = []
        self._places: list[int] = []
        self._cursor = 0
        self.marked: set[int] = set()

    @property
    def entries(self) -> list[Entry]:
        """The entries that are listed, in their order."""
        return [row.entry for row in self._rows if row.entry is not None]

    @property
    def chosen(self) -> Entry | None:
        """The entry that the cursor stands on."""
        if not self._places:
            return None
        return self._rows[self._places[self._cursor]].entry

    @property
    def next_entry(self) -> Entry | None:
        """The entry below the cursor."""
        if self._cursor + 1 >= len(self._places):
            return None
        return self._rows[self._places[self._cursor + 1]].entry

    def show(self, rows: Sequence[Row], *, keep: int | None = None) -> None:
        """Show other rows; the cursor stays on its entry and its place on the screen, as far as
        both are there.

        Args:
            rows: The rows.
            keep: The entry to choose; the one that is chosen when left out.
        """
        former = self.chosen
        wanted = keep if keep is not None else former.id if former else None
        above = self._places[self._cursor] - self.scroll_offset.y if self._places else 0
        self._rows = list(rows)
        self._places = [place for place, row in enumerate(self._rows) if row.entry is not None]
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._cursor = min(self._cursor, max(0, len(self._places) - 1))
        for number, place in enumerate(self._places):
            entry = self._rows[place].entry
            if entry is not None and entry.id == wanted:
                self._cursor = number
        if self._places:
            top = self._places[self._cursor] - above
            self.scroll_to(0, max(0, top), animate=False, immediate=True)
        self._reveal()
        self.refresh()
        if self.chosen != former:
            self.post_message(self.Chosen(self.chosen))

    def choose(self, identity: int) -> bool:
        """Put the cursor on an entry; whether it is listed."""
        for number, place in enumerate(self._places):
            entry = self._rows[place].entry
            if entry is not None and entry.id == identity:
                self._go(number)
                return True
        return False

    def action_move(self, by: int) -> None:
        """Go so many entries down."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Go a screen down, or up."""
        self._go(self._cursor + by * max(1, self.size.height - 1))

    def action_end(self, to: int) -> None:
        """Go to the first entry, or to the last."""
        self._go(len(self._places) - 1 if to > 0 else 0)

    def action_open(self) -> None:
        """Read the chosen entry."""
        self.post_message(self.Opened())

    def action_next_waiting(self) -> None:
        """Go to the next entry that can be decided on; the one before where there is none below."""
        for number in (*range(self._cursor + 1, len(self._places)), *range(self._cursor, -1, -1)):
            entry = self._rows[self._places[number]].entry
            if entry is not None and entry.waits and number != self._cursor:
                self._go(number)
                return

    def on_click(self, event: Click) -> None:
        """Choose what is clicked; a second click reads it."""
        row = event.y + self.scroll_offset.y
        if row in self._places:
            self._go(self._places.index(row))
            if event.chain > 1:
                self.action_open()

    def _go(self, number: int) -> None:
        if not self._places:
            return
        former, top = self._cursor, self.scroll_offset.y
        self._cursor = max(0, min(number, len(self._places) - 1))
        self._reveal()
        if self._cursor == former:
            return
        if self.scroll_offset.y == top:  # else all of it is drawn anyway
            rows = (self._places[former], self._places[self._cursor])
            self.refresh(*(Region(0, row - top, self.size.width, 1) for row in rows))
        self.post_message(self.Chosen(self.chosen))

    def _reveal(self) -> None:
        """Scroll so that the cursor, and the heading right above it, can be seen."""
        if not self._places or not self.size.height:
            return
        place, top, height = self._places[self._cursor], self.scroll_offset.y, self.size.height
        first = place - 1 if place and self._rows[place - 1].entry is None else place
        if first < top:
            self.scroll_to(0, first, animate=False, immediate=True)
        elif place >= top + height:
            self.scroll_to(0, place - height + 1, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """The line at a row of the widget."""
        number, width = y + self.scroll_offset.y, self.size.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[number]
        base = self.rich_style
        if row.entry is None:
            text = Text(_fit(f"{row.heading} ({row.size})", width, self._glyphs.cut), "bold dim")
        else:
            text = self._entry_line(row.entry, width)
        is_chosen = bool(self._places) and number == self._places[self._cursor]
        if is_chosen:
            base += Style(reverse=True, bold=self.has_focus)
        strip = Strip(text.render(self.app.console))
        return strip.crop_extend(0, width, base).apply_style(base)

    def _entry_line(self, entry: Entry, width: int) -> Text:
        """An entry in one line: mark, sign, subject, and its evidence where there is room."""
        mark = self._glyphs.marked if entry.id in self.marked else " "
        sign = sign_of(entry.verdict, entry.kind, self._glyphs)
        if entry.under_way:
            sign = self._glyphs.under_way
        summary = self._summary(entry)
        right = f" {summary}"[: width // 2] if summary else ""
        if width < _SUMMARY_FROM and cell_len(entry.subject) + cell_len(right) > width - 4:
            right = ""
        room = max(1, width - 4 - cell_len(right))
        subject = _fit(entry.subject, room, self._glyphs.cut, keep_end=entry.kind != "story")
        text = Text(no_wrap=True)
        text.append(mark, "bold yellow")
        text.append(f"{sign} ", _STYLES.get(entry.verdict, ""))
        text.append(set_cell_size(subject, room), "dim" if entry.under_way else "")
        text.append(right, "red" if entry.error else "dim")
        text.append(" ")
        return text

    def _summary(self, entry: Entry) -> str:
        if entry.error:
            return "could not"
        return entry.under_way or entry.summary


def _fit(text: str, width: int, cut: str, *, keep_end: bool = False) -> str:
    """A text of at most so many columns."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return f"{cut}{text}" if keep_end else f"{text}{cut}"
