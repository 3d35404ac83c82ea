"""What the pages of a report say of functions that do something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import unescape

from copydesk.agent.coverage.report.changed_behaviour import TITLE, ChangedBehaviour, ChangedCall
from copydesk.agent.coverage.report.html_report import render_html
from copydesk.agent.coverage.report.markdown_report import render_markdown
from copydesk.agent.coverage.report.report_data import Report

Made = Callable[..., Report]
NASTY = "</script><script>alert(1)</script> | `x`"
CALLS = (ChangedCall("price(10)", "20", "19"), ChangedCall("price('|')", "'a'", NASTY))
SUSPECT = ChangedBehaviour(7, "shop/prices.py::price", "the commit does not say so", True, CALLS)


def test_the_page_shows_calls_before_and_after(made: Made) -> None:
    page = render_html(replace(made(), behaviour=(SUSPECT,)))
    assert "<script>alert(1)" not in page
    text = unescape(page).replace("<wbr>", "")
    assert TITLE in text
    places = [text.index(word) for word in ("shop/prices.py::price", "price(10)", "price('|')")]
    assert places == sorted(places)
    assert "the commit does not say so" in text


def test_without_a_difference_there_is_no_section(made: Made) -> None:
    report = replace(made(), behaviour=())
    assert TITLE not in unescape(render_html(report))
    assert TITLE not in render_markdown(report)


def test_markdown_has_a_row_of_each_call(made: Made) -> None:
    text = render_markdown(replace(made(), behaviour=(SUSPECT,)))
    assert "| `shop/prices.py::price` | `price(10)` | `20` | `19` |" in text
    assert text.count("| `shop/prices.py::price` |") == 2
