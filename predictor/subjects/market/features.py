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
    """The further inputs of every bar, in the order of MORE; None where there is too little past.

    Args:
        bars: Daily bars in order of time.
    """
    series = _Series(bars)
    return [series.inputs(i) for i in range(len(bars))]


class _Series:
    """What the further inputs of every bar are worked out from."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self._bars = bars
        self._logs = [math.log(bar.close) for bar in bars]
        self._daily = returns(bars)
        self._moves = _Window(self._daily)
        self._closes = _Window([bar.close for bar in bars])
        self._spans = _Window([math.log(bar.high / bar.low) for bar in bars])
        self._volumes = _Window([math.log1p(bar.volume) for bar in bars])
        self._strengths = _strength(self._daily)

    def inputs(self, i: int) -> dict[str, float | None]:
        """The further inputs of the bar at i."""
        by_name = (
            self._returns(i)
            | self._volatilities(i)
            | self._levels(i)
            | self._trading_day(i)
            | self._calendar(i)
        )
        return {name: by_name[name] for name in MORE}

    def _returns(self, i: int) -> dict[str, float | None]:
        """Log returns; those of 1 to 3 days are single days' (today's, yesterday's and before)."""
        inputs: dict[str, float | None] = {"return_1": self._daily[i] if i else None}
        for k in (2, 3):
            inputs[f"return_{k}"] = self._daily[i - k + 1] if i >= k else None
        for k in (5, 10, 21, 63, 126, 252):
            inputs[f"return_{k}"] = self._logs[i] - self._logs[i - k] if i >= k else None
        inputs["up_days_5"] = None
        if i >= 5:
            inputs["up_days_5"] = float(sum(move > 0 for move in self._daily[i - 4 : i + 1]))
        return inputs

    def _volatilities(self, i: int) -> dict[str, float | None]:
        inputs: dict[str, float | None] = {}
        for k in (5, 21, 63):
            inputs[f"volatility_{k}"] = self._moves.deviation(i, k) if i >= k else None
        inputs["volatility_ratio"] = _ratio(inputs["volatility_5"], inputs["volatility_63"])
        inputs["range_14"] = self._spans.mean(i, 14) if i + 1 >= 14 else None
        return inputs

    def _levels(self, i: int) -> dict[str, float | None]:
        """Where the close stands among the closes before it."""
        close = self._bars[i].close
        inputs: dict[str, float | None] = dict.fromkeys(("band_20", "below_high_252"))
        for k in (10, 50, 200):
            inputs[f"above_mean_{k}"] = close / self._closes.mean(i, k) - 1 if i + 1 >= k else None
        if i + 1 >= 20:
            off = close - self._closes.mean(i, 20)
            inputs["band_20"] = _ratio(off, self._closes.deviation(i, 20))
        if i + 1 >= YEAR:
            high = max(bar.close for bar in self._bars[i + 1 - YEAR : i + 1])
            inputs["below_high_252"] = close / high - 1
        inputs["rsi_14"] = self._strengths[i] if i >= 14 else None
        return inputs

    def _trading_day(self, i: int) -> dict[str, float | None]:
        """The day itself: its close within its range, its gap, and its volume."""
        bar = self._bars[i]
        inputs: dict[str, float | None] = {"volume_63": None}
        inputs["close_in_range"] = _ratio(bar.close - bar.low, bar.high - bar.low)
        inputs["gap"] = math.log(bar.open / self._bars[i - 1].close) if i else None
        if i + 1 >= QUARTER:
            off = math.log1p(bar.volume) - self._volumes.mean(i, QUARTER)
            inputs["volume_63"] = _ratio(off, self._volumes.deviation(i, QUARTER))
        return inputs

    def _calendar(self, i: int) -> dict[str, float | None]:
        day = self._bars[i].date
        return {"weekday": float(day.weekday()), "month_of_year": float(day.month)}


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b or abs(b) < 1e-12 else a / b


def _strength(daily: Sequence[float]) -> list[float]:
    """Wilder's relative strength, 0 to 1, smoothed over 14 days."""
    up = down = 0.0
    strengths = []
    for move in daily:
        up += (max(move, 0.0) - up) / 14
        down += (max(-move, 0.0) - down) / 14
        strengths.append(up / (up + down) if up + down else 0.5)
    return strengths
