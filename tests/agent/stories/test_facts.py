"""From a commit to numbered facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copydesk.agent.records import Fact
from copydesk.agent.stories.facts import FileChange, StoryInputs, commit_facts, note, number

Cases = dict[str, StoryInputs]


def by_kind(facts: list[Fact]) -> dict[str, list[Fact]]:
    grouped: dict[str, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(fact.kind, []).append(fact)
    return grouped


def test_facts_are_numbered_in_order(case: StoryInputs) -> None:
    facts = commit_facts(case)
    assert [f.id for f in facts] == [f"F{n}" for n in range(1, len(facts) + 1)]
    assert facts[0].kind == "commit"
    assert all(f.text and f.text.endswith((".", "”")) for f in facts)


def test_everything_known_becomes_a_fact(cases: Cases) -> None:
    facts = by_kind(commit_facts(cases["full"]))
    assert dict(facts["commit"][0].values) == {
        "sha": cases["full"].sha,
        "short": "b77e012",
        "subject": "Compact the event log on save",
        "author": "Ada Author",
        "date": "2026-11-20",
    }
    assert dict(facts["change"][0].values) == {"files": 2, "added": 110, "removed": 31}
    assert dict(facts["tests"][0].values) == {
        "selected": 12,
        "total": 340,
        "passed": 12,
        "failed": 0,
    }
    assert dict(facts["coverage"][0].values) == {
        "after": 87.42,
        "before": 87.2,
        "change": 0.22,
        "direction": "rose",
    }
    assert facts["lines"][0].values["direction"] == "rose"
    assert [f.values["note"] for f in facts["note"]] == [
        "Saves were 40 MB after an hour.",
        "Compacting drops them to 3 MB on the same run.",
    ]
    assert "unmeasured" not in facts


def test_what_was_not_measured_is_said_once(cases: Cases) -> None:
    facts = by_kind(commit_facts(cases["unmeasured"]))
    assert [f.text for f in facts["unmeasured"]] == [
        "No test was run and no coverage was measured."
    ]
    assert not {"tests", "coverage", "lines"} & set(facts)


def test_what_is_too_much_to_list_is_counted(cases: Cases) -> None:
    facts = by_kind(commit_facts(cases["many"]))
    assert facts["change"][0].values["others"] == 4
    assert facts["functions"][0].values["others"] == 3
    assert facts["functions"][0].text.endswith("and 3 more.")
    assert facts["gaps opened"][0].values == {"functions": 7, "lines": 119, "others": 2}
    assert len(facts["file"]) == len(facts["gap opened"]) == len(facts["draft"]) == 5


def test_shown_percents_and_their_difference_agree() -> None:
    base = StoryInputs(sha="a" * 40, subject="x")
    facts = commit_facts(replace(base, percent_before=87.444, percent_after=88.056))
    coverage = by_kind(facts)["coverage"][0].values
    assert (coverage["before"], coverage["after"], coverage["change"]) == (87.44, 88.06, 0.62)
    facts = commit_facts(replace(base, percent_before=87.4441, percent_after=87.4439))
    assert by_kind(facts)["coverage"][0].values["direction"] == "unchanged"


@pytest.mark.parametrize(
    ("body", "paragraphs"),
    [
        ("", []),
        ("Signed-off-by: Ada <a@example.com>\nCo-authored-by: Bo <b@example.com>", []),
        ("Why not.\n\nReviewed-by: Bo", ["Why not."]),
        ("a\r\nb\r\n\r\nc", ["a b", "c"]),
        ("(cherry picked from commit abc123)", []),
        ("---\n\n- one\n- two", ["- one - two"]),
        ('say "hi" and “ho”', ["say 'hi' and 'ho'"]),
        ("an `odd backtick", ["an 'odd backtick"]),
        ("a `code` word", ["a `code` word"]),
        ("\n\n".join("abcdefgh"), list("abcde")),
        ("\x1b[2Jgone\u202e", ["\\x1b[2Jgone\\u202e"]),
    ],
)
def test_the_body_is_the_note(body: str, paragraphs: list[str]) -> None:
    assert note(body) == paragraphs


def test_names_from_outside_are_made_safe() -> None:
    facts = commit_facts(
        StoryInputs(
            sha="a" * 40,
            subject="x\x1b]0;y\u200b",
            files=(FileChange("a`b\x07.py", 1, 0), FileChange("c\u202e.py", 0, 1)),
            functions=("f`\u2066",),
        )
    )
    said = " ".join([f.text for f in facts] + [str(v) for f in facts for v in f.values.values()])
    assert said.isprintable()
    assert "`" not in said


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (2014, "2,014"), (87.4, "87.4"), (100.0, "100"), (0.126, "0.13")]
)
def test_numbers_as_they_are_written(value: float, shown: str) -> None:
    assert number(value) == shown
