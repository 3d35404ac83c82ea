"""A comment is short and sticky, whatever the change holds."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.draft_advice import DraftAdvice
from copydesk.agent.coverage.gate.verdict import Floors, LineStatus, judge
from copydesk.agent.coverage.report.pull_request_comment import (
    MARKER,
    MOST_LINES,
    pull_request_comment,
)
from copydesk.agent.desk.failures import FailedTest


def _failed(name: str) -> FailedTest:
    return FailedTest(name, "failed", "passed", "b" * 40, 3, f"assert 1 == 2 # {name}", "")


def test_a_small_change_is_told_in_a_few_lines() -> None:
    status = {"a.py": LineStatus(reached=frozenset({1, 2, 3}), missing=frozenset({4}))}
    verdict = judge(status, Floors(), read=lambda _: "", total=81.25, base_total=82.0)
    body = pull_request_comment(verdict, [], 0, DraftAdvice())
    assert body.splitlines() == [
        MARKER,
        "**The change ❌ does not pass the coverage gate.**",
        "",
        "Tests reach **75.0 %** of 4 changed lines;"
        " the whole project is at **81.2 %** (before: 82.0 %).",
        "",
        "- **Stop:** 1 of 4 changed lines are reached by no test (75 % are, the floor is 95 %)",
        "",
        "<details><summary>1 place that no test reaches</summary>",
        "",
        "- `a.py:4` `<module>` → `copydesk draft a.py`",
        "",
        "</details>",
    ]


def test_a_passing_change_has_no_lists() -> None:
    verdict = judge({"a.py": LineStatus(reached=frozenset({1}))}, Floors(), read=lambda _: "")
    body = pull_request_comment(verdict, [], 0, DraftAdvice())
    assert "✅ passes" in body
    assert "details" not in body


@given(
    st.dictionaries(st.text(min_size=1), st.sets(st.integers(1, 400), min_size=1), max_size=60),
    st.lists(st.text(), max_size=40),
    st.integers(0, 3000),
)
def test_no_change_makes_it_long_or_pings_anybody(
    missing: dict[str, set[int]], tests: list[str], more: int
) -> None:
    statuses = {
        path: LineStatus(missing=frozenset(lines), unknown=frozenset({max(lines) + 1}))
        for path, lines in missing.items()
    }
    verdict = judge(statuses, Floors(), read=lambda _: "", doubts=("a", "b"))
    verdict = replace(verdict, reasons=verdict.reasons * 9, remarks=("note",) * 9)
    failed = [_failed(f"test_a.py::{name}") for name in tests]
    body = pull_request_comment(verdict, failed, len(failed) + more, DraftAdvice())
    assert body.startswith(f"{MARKER}\n")
    assert body.count("\n") <= MOST_LINES
    assert body.count("<details>") == body.count("</details>")


def test_a_mention_or_a_tag_in_a_name_is_text() -> None:
    verdict = judge({}, Floors(), read=lambda _: "")
    failed = [FailedTest("t.py::t", "failed", "new", "", 1, "@everyone </details> <b>", "")]
    body = pull_request_comment(verdict, failed, 1, DraftAdvice())
    assert "\\@everyone \\</details\\> \\<b\\>" in body
