"""Advice that can be followed: decided in one place for the screen, reports and CI."""

from __future__ import annotations

from copydesk.agent.coverage.gate import DraftAdvice, waiting_commands
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.records import Draft, Json, Target


def draft(identity: int, function: str, evidence: Json | None = None, kind: str = "test") -> Draft:
    target = Target("a.py", function, (1,))
    return Draft(
        identity, "test" if kind == "test" else "devlog", "ready", "0" * 40, "t", "o", "p", "",
        target if kind == "test" else None, evidence or {},
    )  # fmt: skip


def test_what_is_committed_can_be_drafted() -> None:
    advice = DraftAdvice()
    assert advice.command("a.py::f") == advice.step("a.py::f") == "copydesk draft a.py::f"
    assert advice.sentence("a.py::f") == "`copydesk draft a.py::f` drafts one."


def test_what_is_only_staged_has_to_be_committed_first() -> None:
    step = DraftAdvice(is_committed=False).step("a.py::f")
    assert step == "commit first (git commit --no-verify), then copydesk draft a.py::f"


def test_another_commit_than_the_one_checked_out_is_named() -> None:
    assert DraftAdvice(revision="abc").command("a.py::f") == "copydesk draft a.py::f abc"


def test_a_draft_that_waits_is_to_be_decided_on_the_newest_of_them() -> None:
    waiting = waiting_commands(
        [
            draft(1, "f"),
            draft(2, "f"),
            draft(3, MODULE),
            draft(4, "g", {"verdict": "failed"}),
            draft(5, "", kind="devlog"),
        ]
    )
    assert waiting == {
        "a.py::f": "copydesk accept 2",
        "a.py": "copydesk accept 3",
        "a.py::g": "copydesk edit 4",
    }
    for advice in (DraftAdvice(waiting), DraftAdvice(waiting, is_committed=False, revision="abc")):
        assert advice.step("a.py::f") == "copydesk accept 2"
        sentence = "`copydesk accept 2` decides on the test that was drafted."
        assert advice.sentence("a.py::f") == sentence
