"""A model server that keeps failing is left alone for a while, and then asked one thing first.

Closed, the breaker lets every request through. Three failures of the server in a row open it for
30 s, each further one for twice as long, up to 10 min. When that time is over it is half-open: a
small question (/api/version) goes ahead of the next request, and only its answer lets that through.
Faults of an answer's content say nothing about the server and close it; refusals count neither way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.faults import ModelFault, ModelUnavailable

THRESHOLD: Final = 3
FIRST_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 600.0

TROUBLE: Final = frozenset(
    {"unavailable", "slow", "stalled", "too_long", "died", "crashed", "out_of_memory", "busy"}
    | {"not_ollama", "garbled"}
)
"""Outcomes that are the server's."""

NEUTRAL: Final = frozenset(
    {"missing", "refused", "overflow", "truncated", "remote"} | {"cancelled", "out_of_time"}
)
"""Outcomes that waiting does not change."""


def is_temporary(error: CopydeskError) -> bool:
    """Whether a fault is one of the server or of what is installed: later it may be over."""
    if isinstance(error, ModelFault):
        return error.outcome in TROUBLE or error.outcome in ("missing", "cancelled", "out_of_time")
    return isinstance(error, ModelUnavailable)


class CircuitBreaker:
    """What is known of a server's last answers.

    Args:
        past: Outcomes and Unix times of earlier calls, the newest first; from the desk's log, so
            that one job knows what the job before it met.
        clock: The Unix time.
    """

    def __init__(
        self,
        past: Iterable[tuple[str, float]] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self.failures = 0
        self.last = 0.0
        for outcome, when in past:
            if outcome in TROUBLE:
                self.failures += 1
                self.last = max(self.last, when)
            elif outcome not in NEUTRAL:
                break

    @property
    def seconds_left(self) -> float:
        """How long it stays open; 0.0 when it is closed or half-open."""
        if self.failures < THRESHOLD:
            return 0.0
        wait = FIRST_SECONDS * 2.0 ** min(self.failures - THRESHOLD, 10)
        return max(0.0, self.last + min(wait, LONGEST_SECONDS) - self._clock())

    @property
    def half_open(self) -> bool:
        """Whether a small question has to go ahead of the next request."""
        return self.failures >= THRESHOLD and not self.seconds_left

    def record(self, outcome: str) -> None:
        """Take in how a call ended."""
        if outcome in TROUBLE:
            self.failures += 1
            self.last = self._clock()
        elif outcome not in NEUTRAL:
            self.failures = 0

    def check(self, probe: Callable[[], object]) -> None:
        """Let a request through, or not.

        Args:
            probe: The small question; raises ModelUnavailable when it is not answered.

        Raises:
            ModelUnavailable: The breaker is open, or half-open and the probe failed.
        """
        if wait := self.seconds_left:
            raise ModelUnavailable(
                f"the model server failed {self.failures} times in a row; it is asked again in"
                f" {wait:.0f} s",
                slug="model-resting",
                hint="Look at its log, or restart Ollama; nothing is lost meanwhile.",
            )
        if self.half_open:
            try:
                probe()
            except ModelUnavailable:
                self.record("unavailable")
                raise
