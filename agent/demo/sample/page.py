"""The page that shows a prediction: plain HTML, no framework."""

from __future__ import annotations

import html
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def format_price(value: float, currency: str = "USD") -> str:
    """A price as people write it.

    >>> format_price(1234.5)
    '$1,234.50'
    """
    if value < 0:
        return "-" + format_price(-value, currency)
    symbol = SYMBOLS.get(currency)
    if symbol is None:
        return f"{value:,.2f} {currency}"
    return f"{symbol}{value:,.2f}"


def format_change(change: float) -> str:
    """A return in percent with its sign and an arrow."""
    if change > 0:
        return f"▲ +{change:.2%}"
    if change < 0:
        return f"▼ {change:.2%}"
    return "unchanged"


def sparkline(values: Sequence[float]) -> str:
    """A line of bars, the lowest value the lowest bar."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        return BARS[3] * len(values)
    step = (high - low) / (len(BARS) - 1)
    return "".join(BARS[round((value - low) / step)] for value in values)


def badge(word: str) -> str:
    """The signal as a coloured word."""
    colours = {"buy": "green", "sell": "red", "hold": "grey"}
    if word not in colours:
        raise ValueError(f"not a signal: {word}")
    return f'<span class="badge {colours[word]}">{word}</span>'


def table_row(cells: Sequence[str], header: bool = False) -> str:
    """One row of a table; what the cells say is escaped."""
    if not cells:
        return ""
    tag = "th" if header else "td"
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inner}</tr>"


def page(title: str, prices: Sequence[float], word: str) -> str:
    """The whole page."""
    rows = [table_row(["day", "price"], header=True)]
    rows += [table_row([str(day), format_price(p)]) for day, p in enumerate(prices, start=1)]
    return (
        f"<title>{html.escape(title)}</title><h1>{html.escape(title)} {badge(word)}</h1>"
        f"<p>{sparkline(prices)}</p><table>{''.join(rows)}</table>"
    )
