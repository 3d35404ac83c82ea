"""The one way copydesk says no."""

from __future__ import annotations

READ_ONLY_CURE = (
    "That file system is mounted read-only: mount it writable, or work in a clone elsewhere"
    " (`git clone . ../NAME`). `copydesk gate --base REV --data FILE` judges by a coverage file"
    " and writes nothing."
)
"""The next step where a repository's git folder lies on a read-only mount."""


class CopydeskError(Exception):
    """A problem the user can act on. Anything else is a bug.

    Args:
        message: What is wrong, in one sentence.
        slug: The heading in docs/reference/messages.md that says what to do.
        hint: The next step, shown on its own line.
    """

    def __init__(self, message: str, *, slug: str, hint: str = "") -> None:
        super().__init__(message)
        self.slug = slug
        self.hint = hint


class Superseded(Exception):
    """The work in hand is no longer wanted; the job ends quietly and is not retried."""
