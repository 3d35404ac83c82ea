"""What a commit announces by its own words."""

from __future__ import annotations

import pytest

from copydesk.agent.behaviour import ChangedFunction, Comparison, Version, kind_of
from copydesk.agent.behaviour.announced import Words, why_announced, words_of

CHANGE = ChangedFunction(Version("m.py", "Box.size", 1), Version("m.py", "Box.size", 1), ("body",))
COMPARISON = Comparison(CHANGE, "differs")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("fix: keep the last line", "fix"),
        ("fix(parser): keep the last line", "fix"),
        ("Fix rounding of prices", "fix"),
        ("Handle empty input (#123)", "fix"),
        ("feat: count words", "feature"),
        ("refactor!: drop the old form", "feature"),
        ("Add a limit to prices", "feature"),
        ("refactor: extract a helper", "keeps"),
        ("chore: bump", "keeps"),
        ("Rename helper", "keeps"),
        ("Simplify the parser", "keeps"),
        ("Simplify the parser, fix a crash", "fix"),
        ("Whatever", "other"),
        ("", "other"),
    ],
)
def test_a_commit_is_what_its_subject_says(message: str, kind: str) -> None:
    assert kind_of(message) == kind


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (Words("fix"), "the commit calls itself a fix"),
        (Words("keeps"), ""),
        (Words("other"), ""),
        (Words("keeps", trailer="sizes are in bytes"), "the commit says so: sizes are in bytes"),
        (Words("keeps", tests=frozenset({"size"})), "its tests changed with it"),
    ],
)
def test_a_difference_is_announced_by_words_or_tests(words: Words, why: str) -> None:
    assert why_announced(COMPARISON, words) == why


def test_a_changed_docstring_announces_a_difference() -> None:
    change = ChangedFunction(CHANGE.before, CHANGE.after, ("body", "docstring"))
    announced = why_announced(Comparison(change, "differs"), Words("keeps"))
    assert announced == "its docstring changed with it"


def test_the_trailer_and_the_changed_tests_are_read() -> None:
    message = "refactor: x\n\nBehaviour: sizes are in bytes\n"
    words = words_of(message, {"tests/test_m.py": "assert size() == 3", "m.py": "other()"})
    assert words == Words("keeps", "sizes are in bytes", frozenset({"size", "assert"}))
