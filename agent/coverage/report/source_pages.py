"""The report as a folder of pages: the overview, and a page a file with the tests of each line."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from copydesk.agent.coverage.report import html_report
from copydesk.agent.coverage.report.file_tree import FileEntry, tree
from copydesk.agent.coverage.report.rendered_parts import RenderedParts
from copydesk.agent.coverage.report.report_data import Report
from copydesk.agent.coverage.report.source_files import SourceFile
from copydesk.agent.text import clean

INDEX = "index.html"


def render_pages(report: Report, files: Iterable[SourceFile]) -> Iterator[tuple[str, str]]:
    """The pages by name, the overview last.

    A page loads nothing; the pages link to each other by names that hold no path of the project.
    A file whose page cannot be written costs itself, and the overview says so.

    Args:
        report: What the overview says.
        files: The files that count, as `source_files` gives them.
    """
    parts = RenderedParts()
    entries = []
    for file in files:
        name = page_name(file.path)
        render = functools.partial(_page, report, file)
        page = parts.get(f"the page of {file.path}", render, None)
        if page is not None:
            entries.append(_entry(file, name))
            yield name, page
    yield INDEX, html_report.render_html(report, tree(entries), tuple(parts.failures))


def page_name(path: str) -> str:
    """The name of a file's page: readable, and another for each path whatever it holds."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")[-60:]
    digest = hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()
    return f"{readable}-{digest[:8]}.html"


def _entry(file: SourceFile, page: str) -> FileEntry:
    return FileEntry(PurePosixPath(file.path).name, file.path, page, file.total, file.missing)


def _page(report: Report, file: SourceFile) -> str:
    tests = [[clean(test.name, keep=""), test.outcome, test.seconds] for test in file.tests]
    data = _script_data({"tests": tests, "groups": file.groups})
    return html_report.render_source(report, file, data)


def _script_data(value: object) -> str:
    """JSON that ends no element and begins no comment, whatever is in it."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
