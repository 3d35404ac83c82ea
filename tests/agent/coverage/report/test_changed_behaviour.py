"""Functions that do something else, in the report."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.coverage.report.changed_behaviour import (
    ChangedCall,
    behaviour_section,
    changed_behaviours,
)
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.store import open_desk

SHA = "a" * 40


def row(function: str, verdict: str, announced: str = "", **detail: object) -> ComparisonRow:
    return ComparisonRow(0, SHA, "", "m.py", function, verdict, announced, dict(detail))


def test_what_the_commit_does_not_say_comes_first(tmp_path: Path) -> None:
    call = {"call": "f(1)", "before": "1", "after": "2"}
    with open_desk(tmp_path / "desk") as db:
        db.comparisons.keep(row("same", "same"))
        db.comparisons.keep(row("fixed", "differs", "the commit calls itself a fix"))
        db.comparisons.keep(row("f", "differs", differences=[call]))
        db.comparisons.keep(row("g", "signature", reason="removed parameter a"))
        changed = changed_behaviours(db, SHA)
    assert [one.name for one in changed] == ["m.py::f", "m.py::fixed", "m.py::g"]
    assert changed[0].calls == (ChangedCall("f(1)", "1", "2"),)
    assert changed[0].as_json()["calls"] == [call]
    lines = list(behaviour_section(changed))
    assert "| `m.py::f` | `f(1)` | `1` | `2` | the commit does not say so |" in lines
    assert lines[-1].endswith("| refuses calls that it took before: removed parameter a |")
