"""Splits that never let a model see what was not known yet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from copydesk.predictor.core.errors import PredictorError


class Fold(NamedTuple):
    """Rows to train on, rows to test on, and the time of the first of these."""

    train: range
    test: range
    cutoff: float


def folds(
    times: Sequence[float], *, first: float = 0.4, count: int = 4, gap: float = 0.0
) -> Iterator[Fold]:
    """Cut rows into parts in order of time; each part is tested by what was known before it.

    Rows of one time (the functions of one commit) never stand on both sides of a cut.

    Args:
        times: When each row could be predicted, in any one unit; never falling.
        first: The share of the rows before the first test part.
        count: Test parts.
        gap: Time between the last row trained on and the first one tested (embargo).

    Raises:
        PredictorError: The rows are not in order of time.
    """
    for i, (before, time) in enumerate(pairwise(times), 1):
        if time < before:
            raise PredictorError(
                f"row {i} is older than the row before it: rows must be in order of time and "
                "never shuffled"
            )
    if not 0 < first < 1 or count < 1:
        raise ValueError("first must be between 0 and 1, count at least 1")
    starts = _test_starts(times, first, count)
    for start, end in pairwise([*starts, len(times)]):
        train = bisect_left(times, times[start] - gap) if gap else start
        yield Fold(range(min(train, start)), range(start, end), times[start])


def _test_starts(times: Sequence[float], first: float, count: int) -> list[int]:
    """The rows that the test parts begin with, each the first of its time."""
    rows = len(times)
    cuts = [round(rows * (first + (1 - first) * k / count)) for k in range(count)]
    return sorted({bisect_left(times, times[cut]) for cut in cuts if cut < rows} - {0})


def known_labels(
    labels: Sequence[bool], known_at: Sequence[float | None], rows: Sequence[int], cutoff: float
) -> list[bool]:
    """The labels as they were known at a time: what was found out later is still negative.

    Args:
        labels: Of all rows.
        known_at: When each label became known; None for never.
        rows: The numbers of the rows to give the labels of.
        cutoff: The time.
    """
    labels_then = []
    for i in rows:
        time = known_at[i]
        labels_then.append(bool(labels[i]) and time is not None and time < cutoff)
    return labels_then


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
    for i, (time, answered) in enumerate(zip(times, known_at, strict=True)):
        if i and (time <= times[i - 1] or answered < known_at[i - 1]):
            raise PredictorError(
                f"row {i} ({time}) is not later than the row before ({times[i - 1]}): "
                "rows must be in order of time and never shuffled"
            )
        if answered < time:
            raise PredictorError(f"row {i}: its answer was known at {answered}, before {time}")
