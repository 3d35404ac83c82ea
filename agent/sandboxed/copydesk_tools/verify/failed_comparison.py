"""A pytest plugin that keeps both sides of a comparison that failed in a draft.

Runs in the user's interpreter (3.9 or later) beside pytest_plugin.py.
What it keeps is a claim like everything a sandbox says: a value from here counts once the draft
that expects it has climbed the ladder.
"""

from __future__ import annotations

import os
import sys
from typing import Any

MAX_TEXT = 1000
"""Characters of a value; a longer one is nothing to write into a test."""


class FailedComparison:
    """The last comparison by == or `is` that failed in the draft's own file.

    Args:
        path: The draft, relative to the current folder.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self.last: list[Any] = []

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep the line and both values as Python writes them; leaves the message to pytest."""
        self.last = []
        line = self.line()
        if op not in ("==", "is") or line is None:
            return
        try:
            texts = [repr(left), repr(right)]
        except Exception:
            return  # a value that cannot be written down
        if all(len(text) <= MAX_TEXT for text in texts):
            self.last = [line, *texts]

    def line(self) -> int | None:
        """The line of the draft that is being executed, or None outside of it."""
        frame = sys._getframe(1)
        while frame is not None:
            if os.path.realpath(frame.f_code.co_filename) == self.path:
                return frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        return None
