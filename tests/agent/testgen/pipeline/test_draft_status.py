from __future__ import annotations

from copydesk.agent.records import Gap
from copydesk.agent.testgen.pipeline.draft_status import no_test

GAP = Gap("0" * 40, "shop.py", "total", 1, 4, (2, 3))


def test_a_gap_without_a_test_keeps_why_the_calls_became_none() -> None:
    checked = no_test(GAP, "embedded", "full", ("left out 2: is too long to be read",))
    assert checked.evidence.notes == ("left out 2: is too long to be read",)
    [rung] = checked.evidence.rungs
    assert rung.detail == (
        "no input was found that reaches these lines and that a test could be made of"
    )


def test_a_gap_that_nothing_was_found_for_has_no_notes() -> None:
    checked = no_test(GAP, "embedded", "full")
    assert checked.evidence.notes == ()
    assert checked.evidence.rungs[0].detail == "no input was found that reaches these lines"
