"""How long work tells what it does."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Takes what long work says of itself, a line at a time: a spinner, a log, a list in a test."""

    def __call__(self, line: str, /) -> None:
        """Take one line, without a line break at its end."""


def silent(_line: str, /) -> None:
    """The progress of work that nobody waits for."""
