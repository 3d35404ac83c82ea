"""Splits that never let a model see what was not known yet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from copydesk.predictor.core.errors import PredictorError


def walk_forward(
    times: Sequence[date],
    known_at: Sequence[date],
    *,
    first: int,
    step: int,
    gap: timedelta = timedelta(days=1),
) -> Iterator[tuple[range, range]]:
    """Train on the past, test on what follows, move on.

    Args:
        times: When each row could be predicted; strictly rising.
        known_at: When each row's answer became known; rising, never before its time.
        first: Rows before the first test row.
        step: Rows of one test part.
        gap: Time between the last answer trained on and the first row tested.

    Yields:
        Rows to train on (from the beginning, answers known at least `gap` before the test
        part) and rows to test on.

    Raises:
        PredictorError: The rows are not in order of time, or an answer is older than its row.
    """
    in_order(times, known_at)
    if first < 1 or step < 1:
        raise ValueError("first and step must be at least 1")
    for start in range(first, len(times), step):
        train = bisect_right(known_at, times[start] - gap)
        yield range(min(train, start)), range(start, min(start + step, len(times)))


def in_order(times: Sequence[date], known_at: Sequence[date]) -> None:
    """Refuse rows that are not in order of time: a shuffled split predicts the past.

    Raises:
        PredictorError: With the first row (from 0) that is out of order.
    """
    if len(times) != len(known_at):
        raise ValueError("times and known_at must be equally long")
    for i, (time, known) in enumerate(zip(times, known_at, strict=True)):
        if i and (time <= times[i - 1] or known < known_at[i - 1]):
            raise PredictorError(
                f"row {i} ({time}) is not later than the row before ({times[i - 1]}): "
                "rows must be in order of time and never shuffled"
            )
        if known < time:
            raise PredictorError(f"row {i}: its answer was known at {known}, before {time}")
