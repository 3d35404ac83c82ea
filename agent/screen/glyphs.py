"""The signs of the screen, and plain ones for terminals that have no others."""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """One character each. `covered`, `missing` and `gained` are those of a source's gutter."""

    verified: str
    asks: str
    failed: str
    not_run: str
    suspect: str
    story: str
    doubtful: str
    accepted: str
    rejected: str
    under_way: str
    marked: str
    covered: str
    missing: str
    gained: str
    cut: str


UNICODE = Glyphs("✓", "?", "✗", "·", "!", "¶", "‼", "✓", "✗", "…", "▪", "│", "✗", "◆", "…")
ASCII = Glyphs("+", "?", "x", ".", "!", "s", "!", "+", "x", "~", "*", "|", "x", ">", "~")


def glyphs_for(encoding: str | None) -> Glyphs:
    """The signs that a terminal of this encoding can show."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return ASCII
    return UNICODE


def sign_of(verdict: str, kind: str, glyphs: Glyphs) -> str:
    """The sign of an entry.

    Args:
        verdict: As in `Entry.verdict`.
        kind: As in `Entry.kind`.
        glyphs: The signs to choose from.
    """
    if verdict in ("accepted", "rejected"):
        return glyphs.accepted if verdict == "accepted" else glyphs.rejected
    if kind == "suspect":
        return glyphs.suspect
    if kind == "story":
        return glyphs.doubtful if verdict == "doubtful" else glyphs.story
    signs = {"verified": glyphs.verified, "asks": glyphs.asks, "failed": glyphs.failed}
    return signs.get(verdict, glyphs.not_run)
