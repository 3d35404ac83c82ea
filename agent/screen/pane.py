"""A pane of lines: wrapped or not, scrolled by keys and the wheel, drawn a line at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Pane(ScrollView, can_focus=True):
    """Shows lines of text.

    Args:
        title: What stands in its border.
        id: Its name on the screen.
        wrap: Whether lines that are too long go on below; else they are scrolled sideways.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", show=False),
        Binding("up,k", "scroll_up", show=False),
        Binding("left,h", "scroll_left", show=False),
        Binding("right,l", "scroll_right", show=False),
    ]

    def __init__(self, title: str, *, id: str, wrap: bool) -> None:
        super().__init__(id=id)
        self.border_title = title
        self._wrap = wrap
        self._lines: list[Text] = []
        self._rows: list[Text] = []

    def show(self, lines: Sequence[Text], *, stays: bool = False) -> None:
        """Show other lines.

        Args:
            lines: The lines.
            stays: Whether to leave it scrolled as it is.
        """
        self._lines = list(lines)
        self._lay_out()
        if not stays:
            self.scroll_to(0, 0, animate=False, immediate=True)

    @property
    def text(self) -> str:
        """What it shows, as plain text."""
        return "\n".join(line.plain for line in self._lines)

    def on_resize(self, _: Resize) -> None:
        """Break the lines anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        rows: list[Text] = []
        if self._wrap and width > 0:
            for line in self._lines:
                rows += line.wrap(self.app.console, width, overflow="fold") or [Text()]
        else:
            rows = self._lines
        self._rows = rows
        longest = max((row.cell_len for row in rows), default=0)
        self.virtual_size = Size(min(longest, width) if self._wrap else longest, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line at a row of the widget."""
        offset_x, offset_y = self.scroll_offset
        row, width = y + offset_y, self.size.width
        style = self.rich_style
        if row >= len(self._rows):
            return Strip.blank(width, style)
        strip = Strip(self._rows[row].render(self.app.console))
        return strip.crop_extend(offset_x, offset_x + width, style).apply_style(style)
