"""Bars that never were: a seeded walk whose ranges have a memory, or have none."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from copydesk.predictor.subjects.market.data import Bar

MakeBars = Callable[..., list[Bar]]


def make_bars(count: int = 700, *, memory: float = 0.98, seed: int = 1) -> list[Bar]:
    """Daily bars; with memory 0 every day's range is drawn afresh and nothing can be predicted."""
    chance = random.Random(seed)
    price, level, day, bars = 100.0, 0.0, date(2015, 1, 1), []
    for _ in range(count):
        level = memory * level + chance.gauss(0, 0.25)
        spread = 0.01 * math.exp(level + chance.gauss(0, 0.3))
        opened = price
        price *= math.exp(chance.gauss(0, 1) * spread / 2)
        high = max(opened, price) * math.exp(abs(chance.gauss(0, 1)) * spread / 4)
        low = min(opened, price) / math.exp(abs(chance.gauss(0, 1)) * spread / 4)
        bars.append(Bar(day, opened, high, low, price, 1000.0))
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return bars


@pytest.fixture(scope="session")
def bars_with() -> MakeBars:
    """make_bars."""
    return make_bars


@pytest.fixture
def csv_of(tmp_path: Path) -> Callable[[list[Bar]], Path]:
    """Write bars as a CSV file."""

    def write(bars: list[Bar]) -> Path:
        path = tmp_path / "bars.csv"
        rows = [f"{b.date},{b.open!r},{b.high!r},{b.low!r},{b.close!r},{b.volume!r}" for b in bars]
        path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]) + "\n")
        return path

    return write
