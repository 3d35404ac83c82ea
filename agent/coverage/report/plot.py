"""Coverage over commits as a plot in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from copydesk.agent.coverage.report.report_data import Point
from copydesk.agent.text import percent

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28


def render(points: Sequence[Point]) -> str:
    """The plot as an SVG element, named for whoever cannot see it; "" for fewer than two points.

    The scale starts at a whole ten under the lowest total, so that small changes can be seen.
    """
    points = [point for point in points if point.percent is not None]
    values = [point.percent for point in points if point.percent is not None]
    if len(points) < 2:
        return ""
    low = min(max(0.0, 10 * (min(values) // 10)), 90.0)
    across = (WIDTH - LEFT - RIGHT) / (len(points) - 1)

    def at(number: int, value: float) -> tuple[float, float]:
        share = (value - low) / (100.0 - low)
        return LEFT + number * across, TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    placed = [at(n, value) for n, value in enumerate(values)]
    label = (
        f"Coverage over {len(points)} measured commits:"
        f" from {percent(values[0])} to {percent(values[-1])}"
    )
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
    for value in _marks(low):
        _, y = at(0, value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g} %</text>'
        )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    parts.append(f'<polyline class="path" points="{line}"/>')
    for (x, y), point in zip(placed, points, strict=True):
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3">'
            f"<title>{escape(point.sha[:8])}: {percent(point.percent)}</title></circle>"
        )
    for number, anchor in ((0, "start"), (len(points) - 1, "end")):
        parts.append(
            f'<text x="{placed[number][0]:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">'
            f"{escape(points[number].date[:10])}</text>"
        )
    return "".join([*parts, "</svg>"])


def _marks(low: float) -> list[float]:
    """Round values for the grid, from the lowest to 100: at most six."""
    step = next(step for step in (2, 5, 10, 20) if (100.0 - low) / step <= 5)
    first = -(-low // step) * step
    return [low, *(v for v in map(float, range(int(first), 101, step)) if v - low >= step / 2)]
