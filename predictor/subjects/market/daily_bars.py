"""Daily bars from a CSV file, taken only when every cell makes sense."""

from __future__ import annotations

import csv
import math
from datetime import date
from pathlib import Path
from typing import NamedTuple

from copydesk.predictor.core.errors import PredictorError

COLUMNS = ("date", "open", "high", "low", "close", "volume")
ADJUSTED = ("adj close", "adj_close", "adjclose")
"""A column that, where there is one, the prices of its row are scaled to."""

GAP_DAYS = 10
"""Calendar days without a bar; exchanges were never closed for longer since 1933."""

SPLITS = (1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50)
_SPLIT_SLACK = 0.02
"""How far a jump by half as much again may miss it: prices move overnight, too."""

_WIDER_SLACK = 0.04
"""The same of the other splits, which hardly any night looks like."""

_NEVER = 2.2
"""A price that changes by more than this factor overnight is taken for a fault or a split."""

_SLACK = 1e-6  # adjusted prices are rounded; a high may miss the close by that share


class Bar(NamedTuple):
    """One day of trading, prices in any one currency."""

    date: date
    open: float
    high: float
    low: float
    close: float
    volume: float


def read_bars(path: Path, *, as_is: bool = False) -> list[Bar]:
    """Read a CSV file with the columns date, open, high, low, close, volume.

    The columns may stand in any order and in capitals; others are ignored, except an adjusted
    close, to which the prices of its row are scaled. Dates are YYYY-MM-DD and rise.

    Args:
        path: The file.
        as_is: Take long gaps, and jumps that look like splits, as they are.

    Raises:
        PredictorError: With the row (the line of the file) and the column that is wrong.
    """
    try:
        return parse_bars(path.read_bytes(), str(path), as_is=as_is)
    except OSError as error:
        raise PredictorError(f"{path}: cannot be read: {error}") from error


def parse_bars(raw: bytes, path: str, *, as_is: bool = False) -> list[Bar]:
    """Read the content of such a file.

    Args:
        raw: The content.
        path: What it is called in messages.
        as_is: Take long gaps, and jumps that look like splits, as they are.

    Raises:
        PredictorError: With the row and the column that is wrong.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PredictorError(f"{path}: cannot be read: {error}") from error
    reader = csv.reader(text.splitlines(), strict=True)
    bars: list[Bar] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        columns = _columns(header, path)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                where = f"{path}, row {reader.line_num}"
                if len(cells) != len(header):
                    raise PredictorError(
                        f"{where}: {len(cells)} cells, the header has {len(header)}"
                    )
                bar = _bar({name: cells[i].strip() for name, i in columns.items()}, where)
                if bars:
                    _check_follows(bars[-1], bar, where, as_is=as_is)
                bars.append(bar)
    except csv.Error as error:
        raise PredictorError(f"{path}, row {reader.line_num}: {error}") from error
    return bars


def _check_follows(last: Bar, bar: Bar, where: str, *, as_is: bool) -> None:
    """Refuse a bar that is not later than the last one, or unlikely to follow it."""
    if bar.date <= last.date:
        raise PredictorError(
            f"{where}, column date: {bar.date} is not after {last.date}; rows must be "
            "in order of time, each day once"
        )
    if not as_is:
        _refuse_breaks(last, bar, where)


def _columns(header: list[str], path: str) -> dict[str, int]:
    """Where in a row each column stands; "adjusted" is there when the file has it."""
    for name in COLUMNS:
        if header.count(name) != 1:
            fault = "is missing" if name not in header else "stands there twice"
            raise PredictorError(
                f"{path}, row 1: column {name} {fault}; needed are {', '.join(COLUMNS)}"
            )
    columns = {name: header.index(name) for name in COLUMNS}
    adjusted = next((name for name in ADJUSTED if name in header), None)
    if adjusted:
        columns["adjusted"] = header.index(adjusted)
    return columns


def _refuse_breaks(last: Bar, bar: Bar, where: str) -> None:
    """Refuse what is likelier a fault of the file than a day of trading.

    Raises:
        PredictorError: Days are missing, or the price jumped by a usual split.
    """
    days = (bar.date - last.date).days
    if days > GAP_DAYS:
        raise PredictorError(
            f"{where}, column date: {days} days lie between {last.date} and {bar.date}; fill the"
            " gap, or pass --as-is if there was no trading"
        )
    jump = bar.open / last.close
    if looks := _like_a_split(jump):
        raise PredictorError(
            f"{where}, column open: {bar.open:g} after a close of {last.close:g} looks"
            f" like a split ({looks}) that was not adjusted for; use adjusted prices (or"
            " an 'adj close' column), or pass --as-is if it was no split"
        )
    if not 1 / _NEVER < jump < _NEVER:
        raise PredictorError(
            f"{where}, column open: {bar.open:g} after a close of {last.close:g} is a jump that"
            " hardly any market makes; mend the price, or pass --as-is if it is right"
        )


def _like_a_split(jump: float) -> str:
    """The split that a jump of the price looks like, in words; "" where it looks like none."""
    for split in SPLITS:
        slack = _SPLIT_SLACK if split == SPLITS[0] else _WIDER_SLACK
        for ratio, words in ((1 / split, f"{split:g} for 1"), (split, f"1 for {split:g}")):
            if abs(jump / ratio - 1) < slack:
                return words
    return ""


def _bar(cells: dict[str, str], where: str) -> Bar:
    day = _day(cells["date"], where)
    prices = [_number(cells, name, where) for name in COLUMNS[1:]]
    for name, price in zip(COLUMNS[1:5], prices[:4], strict=True):
        if price <= 0:
            raise PredictorError(f"{where}, column {name}: {price:g} is not above 0")
    bar = Bar(day, *prices)
    if bar.volume < 0:
        raise PredictorError(f"{where}, column volume: {bar.volume:g} is below 0")
    _check_range(bar, where)
    return _adjusted(bar, cells, where)


def _day(text: str, where: str) -> date:
    if len(text) > 10:
        raise PredictorError(
            f"{where}, column date: {text!r} has a time or a zone; daily bars are"
            " days, written YYYY-MM-DD"
        )
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise PredictorError(f"{where}, column date: {text!r} is not a day written YYYY-MM-DD")


def _check_range(bar: Bar, where: str) -> None:
    """Refuse a bar whose open, close or low lies outside its range."""
    slack = bar.high * _SLACK
    for name, price in (("open", bar.open), ("close", bar.close), ("low", bar.low)):
        if price > bar.high + slack:
            raise PredictorError(
                f"{where}, column high: {bar.high:g} is below the {name}, {price:g}"
            )
        if price < bar.low - slack:
            raise PredictorError(f"{where}, column low: {bar.low:g} is above the {name}, {price:g}")


def _adjusted(bar: Bar, cells: dict[str, str], where: str) -> Bar:
    if "adjusted" not in cells:
        return bar
    adjusted = _number(cells, "adjusted", where)
    if adjusted <= 0:
        raise PredictorError(f"{where}, column adj close: {adjusted:g} is not above 0")
    factor = adjusted / bar.close
    return Bar(
        bar.date, bar.open * factor, bar.high * factor, bar.low * factor, adjusted, bar.volume
    )


def _number(cells: dict[str, str], name: str, where: str) -> float:
    try:
        value = float(cells[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in cells[name]:
        raise PredictorError(f"{where}, column {name}: {cells[name]!r} is not a number")
    return value
