"""Plots of a span: only what changed, from the same facts as the words below them."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.records import Fact, Story
from copydesk.agent.stories.check_story import check
from copydesk.agent.stories.pictures import MeasuredPoint, draw_pictures
from copydesk.agent.stories.plot import HEIGHT, WIDTH, Plot, PlotPoint, draw

COVERAGE = {"before": 86.8, "after": 87.4, "change": 0.6, "direction": "rose"}
FACTS = (
    Fact("F1", "coverage", "Coverage is 87.4%, before it was 86.8%, it rose.", COVERAGE),
    Fact("F2", "tests", "Tests: 214 in all.", {"total": 214}),
)
POINTS = [
    MeasuredPoint("2026-11-20T10:00:00+01:00", 86.8, 200),
    MeasuredPoint("2026-11-22", None, None),
    MeasuredPoint("2026-11-24", 87.4, 214),
]
SVG = "{http://www.w3.org/2000/svg}"


def test_coverage_and_tests_are_plotted_with_words_from_their_facts() -> None:
    coverage, tests = draw_pictures(FACTS, POINTS)
    assert coverage.alternative.text == "Coverage rose from 86.8% to 87.4%."
    assert coverage.alternative.facts == ("F1",)
    assert tests.alternative.text == "The suite has 214 tests."
    story = Story("T", "", (), "template", pictures=(coverage, tests))
    assert not check(story, FACTS)
    for picture in (coverage, tests):
        top = ElementTree.fromstring(picture.svg)
        assert top.findtext(f"{SVG}title") == picture.alternative.text
        assert len(top.findall(f"{SVG}circle")) == 2
        texts = [text.text for text in top.findall(f"{SVG}text")]
        assert "2026-11-20" in texts
        assert "2026-11-24" in texts
        assert "prefers-color-scheme:dark" in picture.svg
        assert "<script" not in picture.svg
        assert "href" not in picture.svg
    assert "87.4 %" in coverage.svg


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        (FACTS, POINTS[:1]),
        (FACTS, [POINTS[0], POINTS[0]]),
        ((), POINTS),
        ((Fact("F1", "coverage", "", {"after": 87.4}),), POINTS),
    ],
    ids=["one commit", "nothing changed", "no facts", "no earlier figure"],
)
def test_what_shows_nothing_is_not_plotted(
    facts: tuple[Fact, ...], points: list[MeasuredPoint]
) -> None:
    assert draw_pictures(facts, points) == ()


def test_a_figure_that_came_back_is_said_to_have_stayed() -> None:
    values = {"before": 90, "after": 90, "change": 0, "direction": "unchanged"}
    points = [MeasuredPoint("2026-11-20", percent, None) for percent in (90, 80, 90)]
    (picture,) = draw_pictures((Fact("F1", "coverage", "", values),), points)
    assert picture.alternative.text == "Coverage stayed at 90%."


def test_a_png_is_drawn_where_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py", reason="the extra copydesk[png] is not installed")
    coverage, _ = draw_pictures(FACTS, POINTS)
    assert coverage.png is not None
    assert coverage.png.startswith(b"\x89PNG")
    size = (int.from_bytes(coverage.png[16:20]), int.from_bytes(coverage.png[20:24]))
    assert size == (2 * WIDTH, 2 * HEIGHT)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert draw_pictures(FACTS, POINTS)[0].png is None


values = st.lists(st.floats(0, 1e6), min_size=2, max_size=40)


@given(values, st.booleans(), st.text(), st.sampled_from(["auto", "light", "dark"]))
def test_any_values_are_a_plot_within_its_page(
    numbers: list[float], percent: bool, words: str, theme: str
) -> None:
    some = [min(number, 100.0) for number in numbers] if percent else numbers
    points = [PlotPoint("2026-11-24", number) for number in some]
    svg = draw(Plot("x", "X", "", points, percent), words, theme)  # type: ignore[arg-type]
    top = ElementTree.fromstring(svg)
    for dot in top.findall(f"{SVG}circle"):
        assert 0 <= float(dot.get("cx", "")) <= WIDTH
        assert 0 <= float(dot.get("cy", "")) <= HEIGHT
    assert 2 <= len(top.findall(f"{SVG}line")) <= 12
    assert ("media" in svg) == (theme == "auto")
