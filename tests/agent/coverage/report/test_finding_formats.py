"""What editors and code scanning read of a verdict, whatever names and messages hold."""

import re
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.draft_advice import DraftAdvice
from copydesk.agent.coverage.gate.verdict import Floors, LineStatus, Verdict, judge
from copydesk.agent.coverage.report import finding_formats
from copydesk.agent.records import Gap

SOURCE = "def price():\n    a = 1\n    b = 2\n    return a\n"


def _verdict(path: str = "shop.py") -> Verdict:
    lines = {
        path: LineStatus(reached=frozenset({2}), missing=frozenset({3, 4}), partial=frozenset({2})),
        "new.py": LineStatus(unknown=frozenset({1, 2, 7})),
        "broken.py": LineStatus(unknown=frozenset({5}), why="it does not parse"),
    }
    return judge(lines, Floors(), read=lambda name: SOURCE if name == path else "")


def test_findings_are_lines_that_an_editor_jumps_to() -> None:
    findings = finding_formats.findings_of(_verdict(), DraftAdvice())
    assert list(finding_formats.findings_as_quickfix(findings)) == [
        "shop.py:3: These lines are reached by no test: copydesk draft shop.py::price",
        "shop.py:2: No test takes every branch.",
        "broken.py:5: Not known: it does not parse.",
        "new.py:1: Not known: not measured yet.",
        "new.py:7: Not known: not measured yet.",
    ]


def test_gaps_are_listed_run_by_run_and_branches_at_their_function() -> None:
    gaps = [
        Gap("c" * 40, "a.py", "f", 1, 9, (2, 3, 8), risk=0.5, reasons=("new", "long")),
        Gap("c" * 40, "b.py", "g", 4, 9, (), branches=((5, 7),)),
    ]
    assert list(finding_formats.gaps_as_quickfix(gaps)) == [
        "a.py:2: f, lines 2-3 not reached, risk 0.50: new; long",
        "a.py:8: f, line 8 not reached, risk 0.50: new; long",
        "b.py:4: g, some branches not reached, risk 0.00",
    ]


@given(st.text(min_size=1), st.text())
def test_no_name_makes_a_line_of_its_own(path: str, function: str) -> None:
    gap = Gap("c" * 40, path, function, 1, 2, (1,), reasons=(function,))
    [line] = finding_formats.gaps_as_quickfix([gap])
    assert len(re.split(r"[\r\n\x0b\x0c\x85\u2028\u2029]", line)) == 1


@given(st.text(min_size=1))
def test_the_path_of_a_sarif_result_is_the_files(path: str) -> None:
    sarif = finding_formats.verdict_as_sarif(_verdict(path), DraftAdvice(), "1.0")
    [run] = sarif["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= rules
    [missing] = [r for r in run["results"] if r["ruleId"] == "copydesk/uncovered-change"]
    place = missing["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"], errors="surrogateescape") == path
    assert place["region"] == {"startLine": 3, "endLine": 4}


def test_a_sarif_result_that_moves_with_its_function_stays_the_same() -> None:
    moved = judge(
        {"shop.py": LineStatus(missing=frozenset({5, 6}))},
        Floors(),
        read=lambda _: f"x = 1\n\n{SOURCE}",
    )
    prints = []
    for verdict in (_verdict(), moved):
        results = finding_formats.verdict_as_sarif(verdict, DraftAdvice(), "1.0")["runs"][0]
        prints.append(results["results"][0]["partialFingerprints"])
    assert prints[0] == prints[1]
