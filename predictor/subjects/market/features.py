"""The range of a day, and what of the past says something about the next.

Every input of a row comes from that day's bar and those before it; core/lookahead.py proves it by
computing rows again without their future.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from copydesk.predictor.subjects.market.daily_bars import Bar

WEEK, MONTH, QUARTER, YEAR = 5, 21, 63, 252
"""Trading days."""

HAR_MONTH = 22
NAMES = ("day", "week", "month")
"""The inputs of the range model HAR (Corsi 2009): tomorrow's log range from today's, the week's
and the month's."""

FLOOR = 1e-4
"""The smallest ln(high/low) told apart from none: a hundredth of a percent."""
EWMA_WEIGHT = 0.06

MORE = (
    *("return_1", "return_2", "return_3", "return_5", "return_10", "return_21", "return_63"),
    *("return_126", "return_252", "volatility_5", "volatility_21", "volatility_63"),
    *("volatility_ratio", "above_mean_10", "above_mean_50", "above_mean_200", "rsi_14", "band_20"),
    *("below_high_252", "up_days_5", "range_14", "close_in_range", "gap", "volume_63", "weekday"),
    "month_of_year",
)
"""Further inputs of the trees and of the direction model."""


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
        if i < HAR_MONTH - 1:
            rows.append(None)
            continue
        past = ranges[i - HAR_MONTH + 1 : i + 1]
        rows.append(
            {
                "day": past[-1],
                "week": math.fsum(past[-WEEK:]) / WEEK,
                "month": math.fsum(past) / HAR_MONTH,
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


def returns(bars: Sequence[Bar]) -> list[float]:
    """The log return of every bar on the one before it; 0 for the first."""
    closes = [math.log(bar.close) for bar in bars]
    return [0.0, *(b - a for a, b in pairwise(closes))]


class _Window:
    """Means and deviations of the last k values at any place, in constant time."""

    def __init__(self, values: Sequence[float]) -> None:
        self._sums = [0.0, *accumulate(values)]
        self._squares = [0.0, *accumulate(value * value for value in values)]

    def mean(self, i: int, k: int) -> float:
        return (self._sums[i + 1] - self._sums[i + 1 - k]) / k

    def deviation(self, i: int, k: int) -> float:
        mean = self.mean(i, k)
        square = (self._squares[i + 1] - self._squares[i + 1 - k]) / k
        return math.sqrt(max(square - mean * mean, 0.0))


def more(bars: Sequence[Bar]) -> list[dict[str, float | None]]:
    """The further inputs of every bar; None where there is too little past."""
    logs = [math.log(bar.close) for bar in bars]
    daily = returns(bars)
    moves, closes = _Window(daily), _Window([bar.close for bar in bars])
    spans = _Window([math.log(bar.high / bar.low) for bar in bars])
    volumes = _Window([math.log1p(bar.volume) for bar in bars])
    strengths = _strength(daily)
    rows: list[dict[str, float | None]] = []
    for i, bar in enumerate(bars):
        row: dict[str, float | None] = dict.fromkeys(MORE)
        row["return_1"] = daily[i] if i else None
        for k in (2, 3):
            row[f"return_{k}"] = daily[i - k + 1] if i >= k else None
        for k in (5, 10, 21, 63, 126, 252):
            row[f"return_{k}"] = logs[i] - logs[i - k] if i >= k else None
        for k in (5, 21, 63):
            row[f"volatility_{k}"] = moves.deviation(i, k) if i >= k else None
        row["volatility_ratio"] = _ratio(row["volatility_5"], row["volatility_63"])
        for k in (10, 50, 200):
            row[f"above_mean_{k}"] = bar.close / closes.mean(i, k) - 1 if i + 1 >= k else None
        row["rsi_14"] = strengths[i] if i >= 14 else None
        if i + 1 >= 20:
            row["band_20"] = _ratio(bar.close - closes.mean(i, 20), closes.deviation(i, 20))
        if i + 1 >= YEAR:
            row["below_high_252"] = bar.close / max(b.close for b in bars[i + 1 - YEAR : i + 1]) - 1
        if i >= 5:
            row["up_days_5"] = float(sum(r > 0 for r in daily[i - 4 : i + 1]))
        row["range_14"] = spans.mean(i, 14) if i + 1 >= 14 else None
        row["close_in_range"] = _ratio(bar.close - bar.low, bar.high - bar.low)
        row["gap"] = math.log(bar.open / bars[i - 1].close) if i else None
        if i + 1 >= QUARTER:
            off = math.log1p(bar.volume) - volumes.mean(i, QUARTER)
            row["volume_63"] = _ratio(off, volumes.deviation(i, QUARTER))
        row["weekday"], row["month_of_year"] = float(bar.date.weekday()), float(bar.date.month)
        rows.append(row)
    return rows


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b or abs(b) < 1e-12 else a / b


def _strength(daily: Sequence[float]) -> list[float]:
    """Wilder's relative strength, 0 to 1, smoothed over 14 days."""
    up = down = 0.0
    found = []
    for move in daily:
        up += (max(move, 0.0) - up) / 14
        down += (max(-move, 0.0) - down) / 14
        found.append(up / (up + down) if up + down else 0.5)
    return found
