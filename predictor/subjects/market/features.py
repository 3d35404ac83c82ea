"""The range of a day, and what of the past says something about tomorrow's.

The model is HAR (Corsi 2009): tomorrow's log range from today's, the week's and the month's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from copydesk.predictor.subjects.market.data import Bar

WEEK, MONTH = 5, 22
"""Trading days."""

NAMES = ("day", "week", "month")
FLOOR = 1e-4
"""The smallest ln(high/low) told apart from none: a hundredth of a percent."""
EWMA_WEIGHT = 0.06


def log_range(bar: Bar) -> float:
    """ln of ln(high/low), the day's range on a scale where its errors are alike."""
    return math.log(max(math.log(bar.high / bar.low) if bar.high > bar.low else 0.0, FLOOR))


def as_percent(value: float) -> float:
    """A log range as the percentage by which the high stands above the low."""
    return 100 * math.expm1(math.exp(value))


def inputs(bars: Sequence[Bar]) -> list[dict[str, float] | None]:
    """The HAR inputs of every bar from that bar and those before it.

    Returns:
        Mean log range of the day, the last 5 and the last 22 days; None for the first 21 bars.
    """
    ranges = [log_range(bar) for bar in bars]
    rows: list[dict[str, float] | None] = []
    for i in range(len(ranges)):
        if i < MONTH - 1:
            rows.append(None)
            continue
        past = ranges[i - MONTH + 1 : i + 1]
        rows.append(
            {
                "day": past[-1],
                "week": math.fsum(past[-WEEK:]) / WEEK,
                "month": math.fsum(past) / MONTH,
            }
        )
    return rows


def smoothed(bars: Sequence[Bar]) -> list[float]:
    """The exponentially weighted mean of the log ranges up to each bar (weight 0.06)."""
    means: list[float] = []
    for bar in bars:
        value = log_range(bar)
        last = means[-1] if means else value
        means.append(last + EWMA_WEIGHT * (value - last))
    return means
