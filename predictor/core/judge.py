"""Figures that say how good a forecast is."""

from __future__ import annotations

import math
from collections.abc import Sequence


def r_squared(actual: Sequence[float], forecast: Sequence[float]) -> float:
    """Share of the variance explained: 1 is perfect, 0 is as good as the actual mean.

    Raises:
        ValueError: Fewer than two rows, or all actual values are equal.
    """
    mean = math.fsum(actual) / len(actual) if actual else 0.0
    spread = math.fsum((a - mean) ** 2 for a in actual)
    if not spread:
        raise ValueError("the actual values do not vary")
    return 1 - math.fsum((a - f) ** 2 for a, f in zip(actual, forecast, strict=True)) / spread


def rmse(actual: Sequence[float], forecast: Sequence[float]) -> float:
    """Root mean square error, in the unit of the values."""
    squares = [(a - f) ** 2 for a, f in zip(actual, forecast, strict=True)]
    return math.sqrt(math.fsum(squares) / len(squares))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies, interpolated linearly."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
