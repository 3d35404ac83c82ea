"""Pages of files: every line with its tests, whatever is in names and code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.coverage.report import html_report, source_pages
from copydesk.agent.coverage.report.file_tree import FileEntry, tree
from copydesk.agent.coverage.report.report_data import Report
from copydesk.agent.coverage.report.source_files import NewestRun, SourceFile, SourceLine
from copydesk.agent.coverage.store import Measure, Sum
from copydesk.agent.git.repository import CommitInfo


@pytest.fixture(scope="module")
def report() -> Report:
    """A report of a commit in which nothing but the total is known."""
    commit = CommitInfo("c" * 40, (), "Ada", "2026-01-01T00:00:00+00:00", "prices", "")
    measure = Measure("c" * 40, None, "first", 1, 1, 1, 0, 0, 4, 3, 75.0, 0.1)
    return Report("shop", commit, measure, (), None, {}, 0, (), (), (), (), ())


def _file(path: str, text: str, test: str) -> SourceFile:
    lines = (
        SourceLine(1, text, "reached", 0, ()),
        SourceLine(2, "b", "missing", None, (7,)),
        SourceLine(3, "c", "plain", None, ()),
    )
    return SourceFile(path, Sum(2, 1), lines, (NewestRun(test, "passed", 0.5),), ((0,),))


def _data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="tests">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def test_each_line_has_its_state_its_tests_and_its_drafts(report: Report) -> None:
    pages = dict(source_pages.render_pages(report, [_file("a/b.py", "x = 1", "t.py::t")]))
    name = source_pages.page_name("a/b.py")
    assert list(pages) == [name, "index.html"]
    page = pages[name]
    assert "data-group=0>reached, 1 test</button>" in page
    assert re.search(r"<tr id=L2 class=missing>.*draft 7</span>", page)
    assert _data(page) == {"tests": [["t.py::t", "passed", 0.5]], "groups": [[0]]}
    assert f'<a href="{name}">b.py</a>' in pages["index.html"]
    assert "1 line not reached" in pages["index.html"]


@settings(max_examples=40)
@given(st.text(min_size=1), st.text(), st.text())
def test_no_name_and_no_code_adds_an_element(
    report: Report, path: str, code: str, test: str
) -> None:
    page = source_pages._page(report, _file(path, code, test))
    assert page.count("<script") == page.count("</script") == 2
    assert page.count("<tr ") == 3
    [[name, _, _]] = _data(page)["tests"]
    assert "\n" not in name


def test_a_file_that_copydesk_fails_on_costs_itself(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = html_report.render_source

    def fails(report: Report, file: SourceFile, data: str) -> str:
        if file.path == "bad.py":
            raise ValueError("no such thing")
        return render(report, file, data)

    monkeypatch.setattr(html_report, "render_source", fails)
    files = [_file(path, "x", "t") for path in ("bad.py", "good.py")]
    pages = dict(source_pages.render_pages(report, files))
    assert list(pages) == [source_pages.page_name("good.py"), "index.html"]
    assert "the page of bad.py: left out" in pages["index.html"]


@given(st.lists(st.text(min_size=1), unique=True))
def test_every_path_has_a_page_of_its_own(paths: list[str]) -> None:
    names = {source_pages.page_name(path) for path in paths}
    assert len(names) == len(paths)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+\.html", name) for name in names)


def test_folders_add_up() -> None:
    sums = {"a/b/c.py": Sum(10, 5), "a/d.py": Sum(2, 2), "e.py": Sum(0, 0)}
    top = tree([FileEntry(path, path, "p", total, 0) for path, total in sums.items()])
    assert top.total == Sum(12, 7)
    assert top.folders["a"].total == Sum(12, 7)
    assert top.folders["a"].folders["b"].total.percent == 50
    assert [entry.path for entry in top.files] == ["e.py"]
