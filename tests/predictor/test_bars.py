"""Daily bars from files and elsewhere: read as they are, or refused with row and column."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.market import bar_sources
from copydesk.predictor.subjects.market.daily_bars import Bar, read_bars

MakeBars = Callable[..., list[Bar]]
CsvOf = Callable[[list[Bar]], Path]
HEAD = "date,open,high,low,close,volume\n"


# reading


def test_bars_come_back_as_written(bars_with: MakeBars, csv_of: CsvOf) -> None:
    bars = bars_with(30)
    assert read_bars(csv_of(bars)) == bars


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(
        "\ufeffVolume,Adj,Close,Low,High,Open,Date\n7,0,2,1,3,2.5,2020-01-02\n\n", "utf-8"
    )
    assert read_bars(path) == [Bar(date(2020, 1, 2), 2.5, 3, 1, 2, 7)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1: column date is missing"),
        ("date,open,high,low,close\n", "row 1: column volume is missing"),
        ("date,date,open,high,low,close,volume\n", "row 1: column date stands there twice"),
        (HEAD + "2020-01-02,1,1,1,1\n", "row 2: 5 cells, the header has 6"),
        (HEAD + "02/01/2020,1,1,1,1,1\n", "row 2, column date: '02/01/2020'"),
        (HEAD + "20200102,1,1,1,1,1\n", "row 2, column date: '20200102'"),
        (HEAD + "2020-02-30,1,1,1,1,1\n", "row 2, column date: '2020-02-30'"),
        (HEAD + "2020-01-02,x,1,1,1,1\n", "row 2, column open: 'x' is not a number"),
        (HEAD + "2020-01-02,1,inf,1,1,1\n", "row 2, column high: 'inf' is not a number"),
        (HEAD + "2020-01-02,1,1_0,1,1,1\n", "row 2, column high: '1_0' is not a number"),
        (HEAD + "2020-01-02,1,1,1,1,\n", "row 2, column volume: '' is not a number"),
        (HEAD + "2020-01-02,1,1,0,1,1\n", "row 2, column low: 0 is not above 0"),
        (HEAD + "2020-01-02,1,1,1,1,-1\n", "row 2, column volume: -1 is below 0"),
        (HEAD + "2020-01-02,1,2,1,3,1\n", "row 2, column high: 2 is below the close, 3"),
        (HEAD + "2020-01-02,1,3,2,3,1\n", "row 2, column low: 2 is above the open, 1"),
        (
            HEAD + "2020-01-03,1,1,1,1,1\n2020-01-02,1,1,1,1,1\n",
            "row 3, column date: 2020-01-02 is not after 2020-01-03",
        ),
        (HEAD + "2020-01-03,1,1,1,1,1\n2020-01-03,1,1,1,1,1\n", "row 3, column date"),
        (HEAD + '2020-01-02,"1"x,1,1,1,1\n', "row 2: "),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.csv"
    path.write_text(text)
    with pytest.raises(PredictorError) as caught:
        read_bars(path)
    assert said in str(caught.value)
    assert "b.csv" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "b.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PredictorError, match="cannot be read"):
        read_bars(path)


@given(st.text())
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("bars") / "b.csv"
    path.write_text(HEAD + text, "utf-8", errors="surrogatepass")
    try:
        bars = read_bars(path)
    except PredictorError:
        return
    assert [b.date for b in bars] == sorted({b.date for b in bars})


# what is likelier a fault of the file than a day of trading


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2020-01-02,1,1,1,1,1\n2020-02-20,1,1,1,1,1\n", "row 3, column date: 49 days lie between"),
        ("2020-01-02,9,9,9,9,1\n2020-01-03,4.5,5,4,5,1\n", "row 3, column open: 4.5 after"),
        ("2020-01-02,1,1,1,1,1\n2020-01-03,10,10,10,10,1\n", "1 for 10"),
        ("2020-01-02,98.7,99,98,98.7,1\n2020-01-03,25.3,26,25,25,1\n", "split (4 for 1)"),
        ("2020-01-02,9,9,9,9,1\n2020-01-03,0.01,1,0.01,1,1\n", "row 3, column open: 0.01 after"),
        (
            "2020-01-02 00:00:00-05:00,1,1,1,1,1\n",
            "row 2, column date: '2020-01-02 00:00:00-05:00'",
        ),
        ("2020-01-02,nan,1,1,1,1\n", "row 2, column open: 'nan' is not a number"),
    ],
    ids=["a gap", "a split", "a reverse split", "a split and a move", "a slip", "a zone", "NaN"],
)
def test_a_broken_series_is_refused_with_its_row(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEAD + text)
    with pytest.raises(PredictorError) as caught:
        read_bars(path)
    assert said in str(caught.value)


def test_gaps_and_jumps_may_be_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEAD + "2020-01-02,8,9,8,9,1\n2020-02-20,4.5,5,4,5,1\n")
    assert len(read_bars(path, as_is=True)) == 2
    path.write_text(HEAD + "2020-01-02,53.5,54,53,53.5,1\n2020-01-03,28.2,29,26,26,1\n")
    assert len(read_bars(path)) == 2  # Apple after its warning of September 2000
    assert bar_sources.choose(str(path), as_is=True).name == "b.csv"


def test_prices_are_scaled_to_an_adjusted_close(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    head = "date,open,high,low,close,volume,Adj Close\n"
    path.write_text(head + "2020-01-02,8,9,8,9,1,4.5\n2020-01-03,4.5,5,4,5,1,5\n")
    assert read_bars(path)[0] == Bar(date(2020, 1, 2), 4, 4.5, 4, 4.5, 1)
    path.write_text(head + "2020-01-02,8,9,8,9,1,0\n")
    with pytest.raises(PredictorError, match="row 2, column adj close: 0 is not above 0"):
        read_bars(path)


def test_one_source_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bar_sources.choose(None, synthetic=3).name == "synthetic, seed 3"
    for asked in ({}, {"synthetic": 1, "sample": "AAPL"}):
        with pytest.raises(PredictorError, match="name one source"):
            bar_sources.choose(None, **asked)
    monkeypatch.setitem(sys.modules, "bokeh_sampledata", None)
    with pytest.raises(PredictorError, match=r"copydesk\[market\]"):
        bar_sources.choose(None, sample="AAPL")
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(PredictorError, match="pip install yfinance"):
        bar_sources.choose(None, yahoo="AAPL")


class _Column(list[float]):
    def tolist(self) -> list[float]:
        return list(self)


class _Ticker:
    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def history(self, **_: object) -> object:
        days = [] if self.symbol == "NONE" else [datetime(2020, 1, 2), datetime(2020, 1, 3)]
        values = _Column([math.nan, 2.0][: len(days)])

        class Table(dict[str, _Column]):
            index = days

        return Table(dict.fromkeys(("Open", "High", "Low", "Close", "Volume"), values))


def test_yahoo_is_asked_through_its_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", SimpleNamespace(Ticker=_Ticker))
    assert bar_sources.choose(None, yahoo="X").bars == [Bar(date(2020, 1, 3), 2, 2, 2, 2, 2)]
    with pytest.raises(PredictorError, match="no bars of 'NONE'"):
        bar_sources.choose(None, yahoo="NONE")
