"""Where daily bars come from: a file, a sample, a generator without any edge, Yahoo."""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.market.daily_bars import Bar, parse_bars, read_bars

SAMPLES = ("AAPL", "GOOG", "IBM", "MSFT")
"""Of bokeh-sampledata: daily bars 2000 to 2013 from Quandl WIKI, public domain."""


class Source(NamedTuple):
    """Bars, and what they are called on the card."""

    name: str
    bars: list[Bar]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose where bars come from, besides a CSV file."""
    parser.add_argument("--sample", choices=SAMPLES, help="market: bars of bokeh-sampledata")
    parser.add_argument(
        "--synthetic", type=int, metavar="SEED", help="market: made-up bars without any edge"
    )
    parser.add_argument("--yahoo", metavar="SYMBOL", help="market: ask Yahoo, needs yfinance")
    parser.add_argument(
        "--as-is", action="store_true", help="market: take gaps and split-like jumps as they are"
    )


def choose(
    csv: str | None,
    *,
    sample: str | None = None,
    synthetic: int | None = None,
    yahoo: str | None = None,
    as_is: bool = False,
) -> Source:
    """The bars that were asked for.

    Args:
        csv: A file.
        sample: A symbol of bokeh-sampledata.
        synthetic: The seed of made-up bars.
        yahoo: A symbol to ask Yahoo for.
        as_is: Take long gaps, and jumps that look like splits, of a file as they are.

    Raises:
        PredictorError: None or several were asked for, or they cannot be had.
    """
    if sum(source is not None for source in (csv, sample, synthetic, yahoo)) != 1:
        raise PredictorError("name one source of bars: a CSV file, --sample, --synthetic, --yahoo")
    if csv is not None:
        return Source(Path(csv).name, read_bars(Path(csv), as_is=as_is))
    if sample is not None:
        return Source(f"bokeh-sampledata {sample}", sampled(sample))
    if synthetic is not None:
        return Source(f"synthetic, seed {synthetic}", made_up(seed=synthetic))
    assert yahoo is not None
    return Source(f"Yahoo {yahoo}", from_yahoo(yahoo))


def uploaded(name: str, raw: bytes) -> Source:
    """The bars of a file's content.

    Raises:
        PredictorError: With the row and the column that is wrong.
    """
    return Source(name, parse_bars(raw, name))


def samples_installed() -> bool:
    """Whether bokeh-sampledata is there."""
    from importlib.util import find_spec

    return find_spec("bokeh_sampledata") is not None


def made_up(count: int = 2000, *, seed: int = 1, memory: float = 0.98) -> list[Bar]:
    """Daily bars of a walk whose direction nothing can predict and whose range has a memory.

    Args:
        count: Bars.
        seed: The same seed gives the same bars.
        memory: How much of a day's level of volatility stays the next day; 0 for none.
    """
    chance = random.Random(seed)
    price, level, day, bars = 100.0, 0.0, date(2015, 1, 1), list[Bar]()
    for _ in range(count):
        level = memory * level + chance.gauss(0, 0.2)
        spread = 0.01 * math.exp(level + chance.gauss(0, 0.3))
        opened = price
        price *= math.exp(chance.gauss(0, 1) * spread / 2)
        high = max(opened, price) * math.exp(abs(chance.gauss(0, 1)) * spread / 4)
        low = min(opened, price) / math.exp(abs(chance.gauss(0, 1)) * spread / 4)
        volume = round(1e6 * math.exp(chance.gauss(0, 0.3)))
        bars.append(Bar(day, opened, high, low, price, float(volume)))
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return bars


def sampled(symbol: str) -> list[Bar]:
    """Bars of a symbol of bokeh-sampledata, adjusted for splits and dividends.

    Raises:
        PredictorError: The package is not installed.
    """
    try:
        from bokeh_sampledata import stocks
    except ImportError as error:
        raise PredictorError(
            'the samples are not installed; add them with: pip install "copydesk[market]"'
        ) from error
    columns: dict[str, list[Any]] = getattr(stocks, symbol)
    names = ("date", "open", "high", "low", "close", "volume", "adj_close")
    rows = sorted(zip(*(columns[name] for name in names), strict=True))
    return [_scaled(Bar(date.fromisoformat(day), *prices), adj) for day, *prices, adj in rows]


def _scaled(bar: Bar, adjusted_close: float) -> Bar:
    """A bar whose prices are scaled to its adjusted close."""
    factor = adjusted_close / bar.close
    # a few rows of the sample have an open or close a cent outside the day's range
    top, bottom = max(bar.high, bar.open, bar.close), min(bar.low, bar.open, bar.close)
    opened, high, low, close = (price * factor for price in (bar.open, top, bottom, bar.close))
    return Bar(bar.date, opened, high, low, close, float(bar.volume))


def from_yahoo(symbol: str) -> list[Bar]:
    """All daily bars that Yahoo has of a symbol, adjusted. Needs a network.

    Raises:
        PredictorError: yfinance is not installed, or Yahoo has nothing.
    """
    try:
        import yfinance
    except ImportError as error:
        raise PredictorError(
            "yfinance is not installed; add it with: pip install yfinance"
        ) from error
    table = yfinance.Ticker(symbol).history(period="max", auto_adjust=True)
    columns = [table[name].tolist() for name in ("Open", "High", "Low", "Close", "Volume")]
    bars = list(_bars((stamp.date() for stamp in table.index), columns))
    if not bars:
        raise PredictorError(f"Yahoo has no bars of {symbol!r}")
    return bars


def _bars(days: Iterable[date], columns: list[list[float]]) -> Iterable[Bar]:
    for day, *values in zip(days, *columns, strict=True):
        if all(math.isfinite(value) for value in values) and min(values[:4]) > 0:
            yield Bar(day, *values)
