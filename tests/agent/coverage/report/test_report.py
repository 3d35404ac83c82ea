from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape as html_unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from copydesk.agent.coverage.report import markdown_report, plot
from copydesk.agent.coverage.report.html_report import render_html
from copydesk.agent.coverage.report.json_report import render_json
from copydesk.agent.coverage.report.markdown_report import render_markdown
from copydesk.agent.coverage.report.rendered_parts import RenderedParts
from copydesk.agent.coverage.report.report_data import Point, Report
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Gap

Made = Callable[..., Report]
NASTY = "</script><script>alert(1)</script>\u202e\x1b[31m <img src=x onerror=alert(1)> | `x`"
SHA = "0123456789" * 4
VOID = {"meta", "input", "wbr"}


class Page(HTMLParser):
    """Which elements there are, and whether they are nested as they should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def html(made: Made) -> str:
    return render_html(made())


def test_the_page_loads_nothing_and_allows_nothing(html: str) -> None:
    found = Page(html)
    policy = found.all("meta")[1]["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"https?://|\bsrc=|@import|url\(", html)
    for _, attrs in found.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]


def test_what_comes_from_outside_is_text(made: Made) -> None:
    html = render_html(made(name=NASTY, subject=NASTY))
    found = Page(html)
    assert len(found.all("script")) == 1
    assert not found.all("img")
    assert "\u202e" not in html
    assert "\x1b" not in html
    text = render_markdown(made(name=NASTY, subject=NASTY))
    assert "<script>" not in text.replace("\\<", "")
    assert "\u202e" not in text


def test_a_screen_reader_finds_its_way(html: str) -> None:
    found = Page(html)
    assert found.all("html")[0]["lang"] == "en"
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for link in found.all("a"):
        assert (link["href"] or "").removeprefix("#") in ids
    assert all(attrs.get("scope") in ("col", "row") for attrs in found.all("th"))
    assert all(attrs.get("aria-label") for attrs in found.all("svg"))
    assert len(found.all("caption")) == len(found.all("table"))
    assert found.all("label")[0]["for"] in ids


def test_colour_is_never_the_only_sign(html: str) -> None:
    assert '<tr class="missing"><th scope="row">3</th><td class="what">missing</td>' in html
    assert "<summary>partly, 30 tests</summary>" in html
    assert "<li>and 10 more</li>" in html
    assert "2 missing, 1 partly" in html


def test_a_large_project_stays_a_small_file(made: Made) -> None:
    html = render_html(made(files=300, gaps=5000))
    assert len(html.encode()) < 5_000_000
    assert html.count("<details data-names=") == 300


def test_the_plot_is_named_and_keeps_within_its_frame(made: Made) -> None:
    drawn = plot.render(made().history)
    assert 'aria-label="Coverage over 60 measured commits: from 80.0 % to 85.0 %"' in drawn
    for x, y in re.findall(r"([\d.]+),([\d.]+)", drawn):
        assert 0 <= float(x) <= plot.WIDTH
        assert 0 <= float(y) <= plot.HEIGHT
    assert plot.render(made().history[:1]) == ""


def test_markdown_names_what_to_do(made: Made) -> None:
    text = render_markdown(made(gaps=40))
    assert "- The gate says **fail**" in text
    assert "| `shop/prices.py:3-4` | `f` | `copydesk draft shop/prices.py::f` |" in text
    assert "… and 10 more." in text
    assert "`copydesk review`" in text
    assert markdown_report.code("a`b|c") == "`` a`b\\|c ``"


def test_json_has_it_all(made: Made) -> None:
    found = render_json(made())
    assert found["gate"]["verdict"] == "fail"
    assert found["diff"]["shop/prices.py"][2] == {"line": 3, "state": "missing", "tests": []}
    assert len(found["gaps"]) == 6
    assert found["next"][0]["command"] == "copydesk review"


def test_every_form_tells_what_models_did(made: Made) -> None:
    said = "12 calls, 75 % answered, 50 % kept"
    assert f"| shop | `test-1` | {said} |" in render_markdown(made())
    assert f"<td>shop</td><td><code>test-1</code></td><td>{said}</td>" in render_html(made())
    assert render_json(made())["models"][0]["calls"] == 12


@pytest.mark.parametrize("low", range(0, 100, 10))
def test_the_grid_of_the_plot_stands_at_round_values(low: int) -> None:
    marks = plot._marks(float(low))
    assert marks[0] == low
    assert marks[-1] == 100
    assert marks == sorted(set(marks))
    assert 4 <= len(marks) <= 6
    assert all(mark % 2 == 0 or mark % 5 == 0 for mark in marks)


# what each of these takes is named in the report, and the rest of it stands
BROKEN: dict[str, dict[str, Any]] = {
    "gaps": {"gaps": (Gap(SHA, "a.py", "f", 1, 2, (1,), (), "high", (), False),)},
    "flaky tests": {"flaky": (17,)},
    "plot": {"history": (Point(SHA, "2026-01-01", "a", "90"), Point(SHA, "2026-01-02", "b", "91"))},
    "figures": {"projects": (None,)},
    "verdict": {"verdict": 17},
}


@pytest.mark.parametrize("part", BROKEN)
def test_a_part_that_cannot_be_written_costs_itself(made: Made, part: str) -> None:
    broken = replace(made(), **BROKEN[part])
    for page in (render_html(broken), render_markdown(broken)):
        assert "left out, copydesk failed on it (" in html_unescape(page).replace("\\", "")
        assert "copydesk review" in page
        assert "Slowest tests" in page
    Page(render_html(broken))


def test_a_key_that_cannot_be_written_is_null_and_named(made: Made) -> None:
    page = render_json(replace(made(), flaky=(17,), verdict=17, failures=("the map: x",)))
    assert (page["unsteady"], page["gate"]) == (None, None)
    assert page["slowest"] == [{"test": "tests/test_a.py::test_slow", "seconds": 3.25}]
    first, *others = page["failures"]
    assert first == "the map: x"
    assert [line.partition(":")[0] for line in others] == ["gate", "unsteady"]


def test_what_the_user_can_act_on_is_no_part_of_a_report(made: Made) -> None:
    parts = RenderedParts()

    def refuse() -> None:
        raise CopydeskError("no", slug="bad-desk")

    with pytest.raises(CopydeskError):
        parts.get("a part", refuse, None)
    assert parts.failures == []
