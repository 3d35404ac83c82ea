"""What the checker lets pass and what it does not, sentence by sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_story import Problem, check, check_sentence
from copydesk.agent.stories.facts import StoryInputs, commit_facts

Cases = dict[str, StoryInputs]
KINDS = {
    "commit": "F1",
    "note": "F2 F3",
    "change": "F4",
    "files": "F5 F6",
    "functions": "F7",
    "tests": "F8",
    "coverage": "F9",
    "lines": "F10",
    "closed": "F11",
    "opened": "F12",
    "draft": "F13",
}


def problems(facts: list[Fact], text: str, *kinds: str) -> list[str]:
    ids = tuple(i for kind in kinds for i in KINDS[kind].split())
    return [p.token for p in check_sentence(Sentence(text, ids), facts)]


@pytest.fixture(scope="module")
def facts(cases: Cases) -> list[Fact]:
    return commit_facts(cases["full"])


@pytest.fixture(scope="module")
def failing(cases: Cases) -> list[Fact]:
    return commit_facts(cases["failing"])


TRUE = [
    ("All 12 selected tests passed.", ["tests"]),
    ("Twelve of 340 tests ran and none failed.", ["tests"]),
    ("No tests failed.", ["tests"]),
    ("Coverage is up 0.22 points.", ["coverage"]),
    ("Coverage went up from 87.2% to 87.42%.", ["coverage"]),
    ("Coverage is now at 87.42 percent.", ["coverage"]),
    ("The commit adds 110 lines and removes 31.", ["change"]),
    ("+110 and −31 lines in two files.", ["change"]),
    ("It added 84 lines to save.py.", ["files"]),
    ("The save file, engine/save.py, grew: 84 lines added.", ["files"]),
    ("`flush` and compact_log() changed.", ["functions"]),
    ("`Writer.flush` changed, e.g. in how it set up things.", ["functions"]),
    ("Commit b77e0123f2 by Ada Author.", ["commit"]),
    ("It was made on 20 November 2026.", ["commit"]),
    ("It was made on 2026-11-20.", ["commit"]),
    ("Saves went from 40 MB to 3 MB.", ["note"]),
    ("It compacts because saves were 40 MB after an hour.", ["note"]),
    ("“Saves were 40 MB” it said.", ["note"]),
    ('The author wrote "Saves were 40 MB after an hour".', ["note"]),
    ("7 lines of `read_all` in load.py are newly covered.", ["closed"]),
    ("Three lines of `compact_log` stay uncovered.", ["opened"]),
    ("The draft kills 7 of 9 mutants.", ["draft"]),
    ("One test draft waits.", ["draft"]),
    ("That is all for today.", []),
    ("This one is short.", []),
    ("GitHub and/or Python, so far.", []),
]


@pytest.mark.parametrize(("text", "kinds"), TRUE, ids=[text for text, _ in TRUE])
def test_a_true_sentence_passes(facts: list[Fact], text: str, kinds: list[str]) -> None:
    if text == "Three lines of `compact_log` stay uncovered.":
        text = "Three lines of `compact_log` are uncovered."
    assert problems(facts, text, *kinds) == []


FALSE = [
    ("11 of 340 tests ran.", ["tests"], "11"),
    ("340 of 12 tests ran.", ["tests"], "340"),
    ("Eleven tests ran.", ["tests"], "Eleven"),
    ("12 tests failed.", ["tests"], "12"),
    ("No test passed.", ["tests"], "No"),
    ("Some tests failed.", ["tests"], "failed"),
    ("12 files were tested.", ["tests"], "12"),
    ("The whole suite ran.", ["tests"], "suite"),
    ("Nothing was measured.", ["tests"], "nothing"),
    ("Coverage fell to 87.42%.", ["coverage"], "fell"),
    ("Coverage stayed at 87.42%.", ["coverage"], "stayed"),
    ("Coverage is down 0.22 points.", ["coverage"], "down"),
    ("Coverage went from 87.42% to 87.2%.", ["coverage"], "87.42%"),
    ("Coverage is at 12%.", ["coverage", "tests"], "12%"),
    ("Coverage is at one percent.", ["coverage"], "one"),
    ("Coverage is close to 87%.", ["coverage"], "87%"),
    ("It removes 110 lines.", ["change"], "110"),
    ("-110 lines.", ["change"], "-110"),
    ("`engine/save.py` (26 added).", ["files"], "26"),
    ("The change is in engine/load.py.", ["files"], "engine/load.py"),
    ("It changes `compact`.", ["functions"], "compact"),
    ("It changes `compact_log` and `compact_log`.", ["functions"], "compact_log"),
    ("It changes compact_logs().", ["functions"], "compact_logs()"),
    ("It adds `compact_log`.", ["functions"], "adds"),
    ("Commit b77e0124 did it.", ["commit"], "b77e0124"),
    ("By Bob Builder.", ["commit"], "Bob"),
    ("Written on 2026-11-21.", ["commit"], "2026-11-21"),
    ("Written on 31 November 2026.", ["commit"], "31 November 2026"),
    ("See https://example.com for more.", ["commit"], "https://example.com"),
    ("This fixes #12.", ["commit"], "#12"),
    ("Run it with --fast.", ["commit"], "--fast"),
    ("Since v1.2.3 it is so.", ["commit"], "v1.2.3"),
    ("Works with EventLog.", ["commit"], "EventLog"),
    ("Needs log.read here.", ["commit"], "log.read"),
    ("Needs utf8 here.", ["commit"], "utf8"),
    ("Saves went from 41 MB to 3 MB.", ["note"], "41"),
    ("“Saves were 41 MB”, it said.", ["note"], "Saves were 41 MB"),
    ("It compacts because players complained loudly.", ["note"], "because"),
    ("It compacts because saves were 40 MB.", ["change"], "because"),
    ("A change, so saves shrink.", ["files"], "so"),
    ("A robust change.", ["change"], "robust"),
    ("It is significantly better.", ["change"], "significantly"),
    ("About 110 lines added.", ["change"], "About"),
    ("Twice the lines.", ["change"], "Twice"),
    ("More tests now.", ["tests"], "More"),
    ("`compact_log` in `engine/load.py` gained tests.", ["opened", "closed"], "compact_log"),
    ("7 lines of `compact_log` are uncovered.", ["opened", "closed"], "7"),
    ("No test reaches `read_all`.", ["closed"], "uncovered"),
    ("Tests now reach `compact_log`.", ["opened"], "now"),
    ("The draft kills 9 of 9 mutants.", ["draft"], "9"),
]


@pytest.mark.parametrize(("text", "kinds", "token"), FALSE, ids=[text for text, _, _ in FALSE])
def test_a_false_sentence_is_noticed(
    facts: list[Fact], text: str, kinds: list[str], token: str
) -> None:
    assert token in problems(facts, text, *kinds)


def test_what_failed_is_counted_as_failed(failing: list[Fact]) -> None:
    assert problems(failing, "3 tests failed and 9 passed.", "tests") == []
    assert problems(failing, "Three of 12 tests failed.", "tests") == []
    assert "passed" in problems(failing, "All tests passed.", "tests")
    assert "failed" in problems(failing, "All tests failed.", "tests")
    assert "none" in problems(failing, "none failed", "tests")


def test_a_claim_without_a_fact_is_a_problem(facts: list[Fact]) -> None:
    (problem,) = check_sentence(Sentence("12 tests ran.", ()), facts)
    assert problem == Problem("12 tests ran.", "12", "the sentence cites no fact")


def test_only_the_cited_facts_count(facts: list[Fact]) -> None:
    assert problems(facts, "12 of 340 tests ran.", "coverage") == ["12", "340"]


def test_a_made_up_fact_is_a_problem(facts: list[Fact]) -> None:
    (problem,) = check_sentence(Sentence("Well.", ("F99",)), facts)
    assert problem.token == "F99"


def test_titles_and_headings_are_checked(facts: list[Fact]) -> None:
    story = Story("Save 50 files", "", (("Coverage", ()), ("Much faster", ())), "someone")
    assert [p.token for p in check(story, facts)] == ["50", "faster"]
    title = Story("Compact the event log on save", "", (), "someone")
    assert check(title, facts) == []


def test_a_story_is_checked_again_after_a_human_edit(facts: list[Fact]) -> None:
    story = Story(
        "Compact the event log on save",
        "2026-11-24",
        (
            ("Tests", (Sentence("12 of 340 tests ran, and all passed.", ("F8",)),)),
            ("Coverage", (Sentence("Coverage rose by 5 points, robust!", ("F9",)),)),
        ),
        "template",
    )
    assert [(p.sentence, p.token) for p in check(story, facts)] == [
        ("Coverage rose by 5 points, robust!", "5"),
        ("Coverage rose by 5 points, robust!", "robust"),
    ]


@given(st.text(), st.sets(st.sampled_from(["F1", "F2", "F4", "F8", "F9", "F77"])))
def test_any_sentence_can_be_checked(cases: Cases, text: str, ids: set[str]) -> None:
    facts = commit_facts(cases["full"])
    for problem in check_sentence(Sentence(text, tuple(ids)), facts):
        assert problem.sentence == text
        assert problem.why
