"""Bars that never were: a seeded walk whose ranges have a memory, or have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.predictor.subjects.market.bar_sources import made_up
from copydesk.predictor.subjects.market.daily_bars import Bar

MakeBars = Callable[..., list[Bar]]


def make_bars(count: int = 700, *, memory: float = 0.98, seed: int = 1) -> list[Bar]:
    """Daily bars; with memory 0 every day's range is drawn afresh and nothing can be predicted."""
    return made_up(count, memory=memory, seed=seed)


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
