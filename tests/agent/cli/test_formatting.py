import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent import text
from copydesk.agent.cli import formatting
from copydesk.agent.records import Draft, Target

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=40), "2026-03-25"),
    ],
    ids=str,
)
def test_a_moment_is_said_as_one_says_it(back: timedelta, said: str) -> None:
    assert formatting.time_ago((NOW - back).isoformat(), NOW) == said


def test_a_moment_without_zone_is_utc_and_one_that_is_none_stays_as_it_is() -> None:
    assert formatting.time_ago("2026-05-04T11:00:00", NOW) == "1 hour ago"
    assert formatting.time_ago("\x1byesterday") == "\\x1byesterday"


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=5), "now"),
        (timedelta(minutes=32), "32 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=40), "2026-03-25"),
    ],
    ids=str,
)
def test_an_age_is_short(back: timedelta, said: str) -> None:
    assert formatting.short_age((NOW - back).isoformat(), NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")],
)
def test_a_span_is_said_in_fitting_units(seconds: float, said: str) -> None:
    assert formatting.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0.0 %"), (92.34, "92.3 %"), (99.99, "99.9 %"), (100, "100.0 %")]
)
def test_only_all_is_a_hundred_percent(value: float, said: str) -> None:
    assert text.percent(value) == said


@given(st.sets(st.integers(1, 60)))
def test_ranges_name_exactly_the_lines(lines: set[int]) -> None:
    back: set[int] = set()
    for part in filter(None, text.ranges(lines).split(", ")):
        first, _, last = part.partition("-")
        back |= set(range(int(first), int(last or first) + 1))
    assert back == lines


def test_a_branch_that_leaves_the_function_says_so() -> None:
    assert formatting.branch_text((4, 6)) == "4→6"
    assert formatting.branch_text((6, -3)) == "6→exit"


def test_counts_name_only_what_there_is() -> None:
    assert (
        formatting.draft_counts({"ready": 2, "not_run": 1, "rejected": 0}) == "2 ready, 1 not run"
    )
    assert formatting.draft_counts({"ready": 0}) == "none"


TEST = Draft(
    1, "test", "ready", "a" * 40, "Tests for f", "embedded", "tests/test_m.py", "",
    Target("m.py", "f", (1,)), {},
)  # fmt: skip
STORY = dataclasses.replace(TEST, kind="devlog", target=None, title="A day\nof work")


def test_a_draft_is_named_by_what_it_is_about() -> None:
    assert formatting.draft_subject(TEST) == "m.py::f"
    assert formatting.draft_subject(STORY) == "A day"


def test_evidence_of_a_draft_that_fell_names_the_rung() -> None:
    found = {
        "verdict": "failed",
        "tier": "partial",
        "rungs": [
            {"name": "passes", "passed": True, "detail": "1 test"},
            {"name": "new", "passed": False, "detail": "it \x1b[31mfails"},
        ],
    }
    assert formatting.evidence_lines(dataclasses.replace(TEST, evidence=found)) == [
        "Failed in the partial sandbox, 0.0 s.",
        "  ✓ passes: 1 test",
        "  ✗ new: it \\x1b[31mfails",
    ]


def test_evidence_of_an_edited_draft_without_sandbox_says_both() -> None:
    found = {"verdict": "verified", "tier": "off", "edited": True, "gained_branches": [[2, 4]]}
    assert formatting.evidence_lines(dataclasses.replace(TEST, evidence=found)) == [
        "Verified, as you edited it, without a sandbox (copydesk.sandbox is off), 0.0 s.",
        "Gains branches 2→4.",
    ]


def test_a_draft_without_evidence_says_so() -> None:
    assert formatting.evidence_lines(TEST) == ["No evidence was kept."]
    assert formatting.evidence_lines(STORY) == ["No facts were kept."]
    assert formatting.evidence_summary(TEST) == "no evidence"
    assert formatting.evidence_summary(STORY) == "checked"


def test_a_doubtful_story_says_what_is_wrong_and_its_facts() -> None:
    found = {
        "facts": [{"id": "F1", "text": "3 tests"}],
        "problems": [{"token": "4", "why": "no fact says so", "sentence": "4 tests ran."}],
    }
    draft = dataclasses.replace(STORY, evidence=found)
    assert formatting.evidence_lines(draft) == [
        "Doubtful: 1 problem against 1 fact.",
        "  ✗ 4: no fact says so (4 tests ran.)",
        "  F1: 3 tests",
    ]
    assert formatting.evidence_summary(draft) == "1 doubt"
