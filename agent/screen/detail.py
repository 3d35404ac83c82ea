"""What the panes show of a draft, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from copydesk.agent.screen.glyphs import Glyphs


@dataclass(frozen=True, slots=True)
class Look:
    """How lines are to look: the signs, and whether the screen is dark."""

    glyphs: Glyphs
    dark: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """A draft as the panes show it. `titles` are those of the three panes."""

    id: int
    titles: tuple[str, str, str]
    draft: list[Text]
    evidence: list[Text]
    source: list[Text]
    source_first: int = 0
