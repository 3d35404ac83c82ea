"""What a model is doing, for the line that turns while one waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from copydesk.agent.progress import Progress
from copydesk.agent.text import plural


class ModelProgress:
    """Updates a spinner with what the model does: load, read, write so many tokens.

    Args:
        doing: What it is all for, such as "drafting tests for 3 gaps".
        update: Changes the spinner's text.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        doing: str,
        update: Progress,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doing = doing
        self._update = update
        self._clock = clock
        self._asked = self._first = 0.0

    def __call__(self, step: str, tokens: int) -> None:
        """Take one of the steps that agent.model.types.TokenProgress names."""
        if not step:
            self._update(self._doing)
            return
        self._update(f"{self._doing}: the model {self._words(step, tokens)}")

    def _words(self, step: str, tokens: int) -> str:
        now = self._clock()
        if step == "loading":
            return "is loaded"
        if step == "reading":
            self._asked, self._first = now, 0.0
            return "reads"
        if not self._first:
            self._first = now
        speed = (tokens - 1) / (now - self._first) if now > self._first else 0.0
        pace = f", {speed:.0f} a second" if speed else ""
        waited = self._first - self._asked
        return f"writes, {plural(tokens, 'token')} (the first after {waited:.1f} s{pace})"
