"""A report of any size, without a repository behind it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from copydesk.agent.coverage.gate.verdict import Floors, LineStatus, judge
from copydesk.agent.coverage.report.flaky_tests import FlakyTest
from copydesk.agent.coverage.report.report_data import Insight, Point, Report, Row, Step
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.desk.measures import Measure
from copydesk.agent.git.missing_modules import Install
from copydesk.agent.git.repository import CommitInfo
from copydesk.agent.records import Draft, Gap

SHA = "0123456789" * 4
NASTY = "</script><script>alert(1)</script>\u202e\x1b[31m <img src=x onerror=alert(1)> | `x`"


def build(files: int = 3, gaps: int = 6, name: str = "shop", subject: str = "Add prices") -> Report:
    source = "def f(x):\n    if x:\n        return 1\n    return 2\n"
    judged = {
        "shop/prices.py": LineStatus(frozenset({1, 2}), frozenset({3, 4}), frozenset({2})),
        "shop/new.py": LineStatus(unknown=frozenset({7})),
    }
    rows = tuple(
        Row(n, text, state, tests)  # type: ignore[arg-type]
        for n, text, state, tests in (
            (1, "def f(x):", "reached", ("tests/test_a.py::test_a",)),
            (2, "    if x:", "partial", tuple(f"tests/test_a.py::test_{i}" for i in range(30))),
            (3, "        return 1", "missing", ()),
            (4, "    return 2", "missing", ()),
            (5, "# a remark", "plain", ()),
            (9, subject, "near", ()),
        )
    )
    return Report(
        name,
        CommitInfo(SHA, (SHA[::-1],), "Ada", "2026-01-02T03:04:05+00:00", subject, ""),
        Measure(SHA, None, "all", 10, 40, 39, 1, 0, 1000, 873, 87.3, 1.5),
        tuple(
            Point(f"{i:040x}", f"2026-01-{1 + i % 28:02d}T00:00:00+00:00", subject, 80 + i % 9)
            for i in range(60)
        ),
        judge(judged, Floors(), read=lambda _: source, total=87.3, base_total=88.0),
        {"shop/prices.py": rows},
        3,
        tuple(
            Gap(
                SHA, f"shop/part_{i % files:03d}.py", f"Order{i}.price_of_line_{i}", i, i + 12,
                (i, i + 1, i + 5, i + 9), ((i, i + 4),), max(0.01, 0.97 - i / (gaps + 1)),
                ("changed 9 times in 90 days", "mended twice in 180 days", name), i < 3,
            )
            for i in range(gaps)
        ),
        (("tests/test_a.py::test_slow", 3.25),),
        (FlakyTest("tests/test_a.py::test_now_and_then", 9, 4),),
        (Draft(7, "test", "ready", SHA, f"Tests for {name}", "embedded", "tests/test_x.py", ""),),
        (Step("1 draft on your desk: decide.", "copydesk review"),),
        ({"model": name, "prompt": "test-1", "calls": 12, "answered": 9, "kept": 6},),
        Insight((f"12 lines of `price` are reached by no test: {subject}.",), "small:1b", 2),
        failed=(FailedTest("tests/test_a.py", "collection", "passed", SHA, 3, subject, subject),),
        install=Install(f"/bin/python has no module {name}", f"/bin/python -m pip install {name}"),
    )  # fmt: skip


@pytest.fixture
def made() -> Callable[..., Report]:
    """Make a report: made(files=300, gaps=5000, name="anything")."""
    return build
