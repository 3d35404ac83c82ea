"""Opening the screen on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from copydesk.agent.git.repository import Repository
from copydesk.agent.screen.app import DeskApp
from copydesk.agent.screen.glyphs import ASCII, glyphs_for


def run_screen(repo: Repository, text: str = "") -> int:
    """Show the desk of a repository until the user leaves.

    Args:
        repo: The repository.
        text: The filter to begin with.

    Returns:
        The exit code.
    """
    stream = sys.__stderr__  # where Textual writes
    glyphs = glyphs_for(getattr(stream, "encoding", None))
    if glyphs is ASCII and stream is not None:
        stream.reconfigure(errors="replace")
    app = DeskApp(repo, text=text, glyphs=glyphs, dark=is_dark(os.environ))
    try:
        app.run()
    finally:
        app.stop()
    return app.return_code or 0


def is_dark(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is dark, as far as $COLORFGBG says; it is where nothing does."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background not in ("7", "15")
