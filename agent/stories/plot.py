"""A small plot of one figure over commits, as SVG that follows the reader's light or dark mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, NamedTuple

from copydesk.agent.text import clean

Theme = Literal["auto", "light", "dark"]

WIDTH, HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 70, 44, 36
_COLOURS = {
    "light": "#{id} .page{{fill:#ffffff}}#{id} text{{fill:#3b4252}}#{id} .grid{{stroke:#d8dee9}}"
    "#{id} .line{{stroke:#1f6feb}}#{id} .dot{{fill:#1f6feb}}",
    "dark": "#{id} .page{{fill:#1e1f24}}#{id} text{{fill:#d8dee9}}#{id} .grid{{stroke:#3b4252}}"
    "#{id} .line{{stroke:#79b8ff}}#{id} .dot{{fill:#79b8ff}}",
}


class PlotPoint(NamedTuple):
    """A value and when it was: an ISO date."""

    date: str
    value: float


@dataclass(frozen=True, slots=True)
class Plot:
    """What is plotted.

    Attributes:
        name: What its file is called, and its elements' id.
        title: What the figure is, in a word or two.
        unit: What stands after a value, such as " %".
        points: The values, oldest first; at least two.
        percent: Whether the values are of 100; the scale then ends there, and starts at the whole
            ten under the lowest. Otherwise it starts at 0.
    """

    name: str
    title: str
    unit: str
    points: Sequence[PlotPoint]
    percent: bool = False


def draw(plot: Plot, alternative: str, theme: Theme = "auto") -> str:
    """The plot as an SVG file.

    Args:
        plot: What is plotted.
        alternative: What it shows, in words.
        theme: "auto" is light or dark as the reader's system is.

    Returns:
        SVG with its own colours and no script, link or font, ending in a newline.
    """
    low, high = _scale(plot)
    placed = _placed(plot, low, high)
    identity = escape(f"copydesk-{plot.name}", quote=True)
    words = escape(clean(alternative, keep=""), quote=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{identity}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{words}">',
        f"<title>{words}</title>",
        f"<style>{_style(identity, theme)}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        f'<text class="name" x="{_LEFT}" y="26">{escape(plot.title)}</text>',
        *_grid(plot, low, high),
        f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in placed)}"/>',
        *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in placed),
        *_labels(plot, placed),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _scale(plot: Plot) -> tuple[float, float]:
    values = [point.value for point in plot.points]
    if plot.percent:
        return min(10 * (min(values) // 10), 90.0), 100.0
    step = _step(max(max(values), 1.0))
    return 0.0, step * -(-max(max(values), 1.0) // step)


def _step(span: float) -> float:
    """The distance between lines of the grid: 1, 2 or 5 times a power of ten, at most six lines."""
    size = 1.0
    while True:
        for step in (size, 2 * size, 5 * size):
            if span / step <= 5:
                return step
        size *= 10


def _placed(plot: Plot, low: float, high: float) -> list[tuple[float, float]]:
    across = (WIDTH - _LEFT - _RIGHT) / (len(plot.points) - 1)
    return [
        (_LEFT + number * across, _height(point.value, low, high))
        for number, point in enumerate(plot.points)
    ]


def _height(value: float, low: float, high: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))


def _style(identity: str, theme: Theme) -> str:
    base = (
        f"#{identity} text{{font:13px system-ui,'DejaVu Sans',sans-serif}}"
        f"#{identity} .name{{font-weight:600;font-size:15px}}"
        f"#{identity} .line{{fill:none;stroke-width:2}}"
    )
    light, dark = (colours.format(id=identity) for colours in _COLOURS.values())
    if theme == "auto":
        return f"{base}{light}@media (prefers-color-scheme:dark){{{dark}}}"
    return base + (light if theme == "light" else dark)


def _grid(plot: Plot, low: float, high: float) -> list[str]:
    step = _step(high - low)
    lines = []
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        y = _height(value, low, high)
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,g}{plot.unit}</text>'
        )
    return lines


def _labels(plot: Plot, placed: Sequence[tuple[float, float]]) -> list[str]:
    """The last value, and the first and the last date."""
    (first_x, _), (last_x, last_y) = placed[0], placed[-1]
    ends = ((first_x, "start", plot.points[0]), (last_x, "end", plot.points[-1]))
    dates = [
        f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">'
        f"{escape(clean(point.date[:10], keep=''))}</text>"
        for x, anchor, point in ends
    ]
    value = f"{round(plot.points[-1].value, 2):,g}{plot.unit}"
    return [*dates, f'<text x="{last_x + 9:.1f}" y="{last_y + 4:.1f}">{value}</text>']
