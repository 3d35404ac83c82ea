"""Fit a small model of tomorrow's return from a CSV file of daily prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One day of trading."""

    day: str
    close: float
    volume: int


class Model(NamedTuple):
    """Tomorrow's return is slope × today's return + intercept."""

    slope: float
    intercept: float


def parse_row(line: str) -> Row:
    """Read one line of the CSV file.

    >>> parse_row("2024-03-01,101.5,12000")
    Row(day='2024-03-01', close=101.5, volume=12000)
    """
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != 3:
        raise ValueError(f"expected 3 fields, got {len(fields)}")
    day, close, volume = fields[0], float(fields[1]), int(fields[2])
    if len(day) != 10 or day[4] != "-" or day[7] != "-":
        raise ValueError(f"not a date: {day}")
    if close <= 0:
        raise ValueError("a price must be positive")
    return Row(day, close, max(volume, 0))


def read_rows(lines: Iterable[str]) -> list[Row]:
    """Read the whole file: a header is skipped, and so are empty lines and comments."""
    rows = []
    for number, line in enumerate(lines):
        if not line.strip() or line.startswith("#"):
            continue
        if number == 0 and line.lower().startswith("day"):
            continue
        rows.append(parse_row(line))
    return sorted(rows)


def returns(prices: Sequence[float]) -> list[float]:
    """The relative change from each price to the next.

    >>> returns([100.0, 110.0, 99.0])
    [0.1, -0.1]
    """
    if any(price <= 0 for price in prices):
        raise ValueError("prices must be positive")
    return [round(after / before - 1, 6) for before, after in zip(prices, prices[1:])]


def moving_average(prices: Sequence[float], window: int = 5) -> list[float]:
    """The mean of each price and those before it, at most `window` of them."""
    if window < 1:
        raise ValueError("the window must hold at least one price")
    averages = []
    for index in range(len(prices)):
        recent = prices[max(0, index - window + 1) : index + 1]
        averages.append(round(sum(recent) / len(recent), 4))
    return averages


def split(values: Sequence[float], share: float = 0.8) -> tuple[list[float], list[float]]:
    """The earlier values to train on and the later ones to test with, never shuffled."""
    if not 0 < share < 1:
        raise ValueError("the share must be between 0 and 1")
    cut = int(len(values) * share)
    return list(values[:cut]), list(values[cut:])


def fit(values: Sequence[float]) -> Model:
    """Ordinary least squares of each return on the one before it."""
    before, after = values[:-1], values[1:]
    if len(before) < 2:
        raise ValueError("at least 3 returns are needed")
    mean_before = sum(before) / len(before)
    mean_after = sum(after) / len(after)
    variance = sum((x - mean_before) ** 2 for x in before)
    if variance == 0:
        return Model(0.0, mean_after)
    shared = sum((x - mean_before) * (y - mean_after) for x, y in zip(before, after))
    slope = shared / variance
    return Model(slope, mean_after - slope * mean_before)


def mean_absolute_error(actual: Sequence[float], predicted: Sequence[float]) -> float:
    """How far the predictions are off on average."""
    if len(actual) != len(predicted):
        raise ValueError("one prediction for each value is needed")
    if not actual:
        return 0.0
    return sum(abs(a - p) for a, p in zip(actual, predicted)) / len(actual)
