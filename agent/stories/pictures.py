"""The pictures of a story: coverage and the number of tests over its commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk.agent.desk.database import Database
from copydesk.agent.records import Fact, Picture, Sentence, Sha
from copydesk.agent.stories.fill_slots import fill
from copydesk.agent.stories.plot import Plot, PlotPoint, draw


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """A measured commit of a span: its date, coverage in percent and how many tests there were.

    None is what is not known of it.
    """

    date: str
    percent: float | None
    tests: int | None


def span_points(db: Database, commits: Sequence[Sha]) -> list[MeasuredPoint]:
    """The measured ones of some commits.

    Args:
        db: The desk.
        commits: The commits, oldest first.
    """
    dates = {row.sha: row.authored_at for row in db.measures.history()}
    points = []
    for sha in commits:
        measure = db.measures.get(sha)
        if measure is not None and not measure.doubts:
            points.append(MeasuredPoint(dates.get(sha, ""), measure.percent, measure.total))
    return points


def draw_pictures(facts: Sequence[Fact], points: Sequence[MeasuredPoint]) -> tuple[Picture, ...]:
    """The pictures that have something to show: a figure that changed over at least two commits.

    The alternative text is made of the facts of the story that say the same.

    Args:
        facts: The story's facts.
        points: Its measured commits, oldest first.
    """
    return tuple(_pictures({fact.kind: fact for fact in facts}, points))


def _pictures(by_kind: dict[str, Fact], points: Sequence[MeasuredPoint]) -> Iterator[Picture]:
    coverage, tests = by_kind.get("coverage"), by_kind.get("tests")
    percents = [PlotPoint(p.date, p.percent) for p in points if p.percent is not None]
    totals = [PlotPoint(p.date, p.tests) for p in points if p.tests is not None]
    if coverage is not None and _changed(percents) and "before" in coverage.values:
        text = _coverage_words(coverage)
        yield _picture(Plot("coverage", "Coverage", " %", percents, percent=True), text, coverage)
    if tests is not None and _changed(totals) and "total" in tests.values:
        text = f"The suite has {{{tests.id}.total}} tests."
        yield _picture(Plot("tests", "Tests", "", totals), text, tests)


def _changed(points: Sequence[PlotPoint]) -> bool:
    return len({point.value for point in points}) > 1


def _coverage_words(fact: Fact) -> str:
    slot = f"{{{fact.id}.%s}}"
    if fact.values["direction"] == "unchanged":
        return "Coverage stayed at " + slot % "after" + "%."
    percents = "from " + slot % "before" + "% to " + slot % "after" + "%"
    return f"Coverage {fact.values['direction']} {percents}."


def _picture(plot: Plot, text: str, fact: Fact) -> Picture:
    words = fill(text, {fact.id: fact})
    png = render_png(draw(plot, words, "dark"))
    return Picture(plot.name, Sentence(words, (fact.id,)), draw(plot, words), png)


def render_png(svg: str) -> bytes | None:
    """An SVG as PNG at twice its size, None where nothing that renders one is installed."""
    try:
        import resvg_py
    except ImportError:
        return None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2))
