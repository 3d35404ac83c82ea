"""Sentences as an editor writes them: freely, and true; and the same with one thing altered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.agent.stories.test_span_story import commit

from copydesk.agent.records import Sentence
from copydesk.agent.stories.check_story import check_sentence
from copydesk.agent.stories.span import SpanInputs, span_facts
from copydesk.agent.stories.span.contributors import Contributor
from copydesk.agent.stories.span.touched import Touched

INPUTS = SpanInputs(
    commits=(
        commit(1, "Drop support for Python 3.7 (#858)", author="Ada Ng"),
        commit(2, "Fix reconciliation of `default`, `flag_value` and `type` parameters"),
        commit(3, "optimize() deletes junk rows", body="Version 4.2 could not open such files."),
    ),
    files=3,
    added=12,
    removed=4,
    contributors=(Contributor("Ada Ng", 3, False),),
    touched=Touched(("pkg/ini_config.py", "setup.cfg"), ("_parse_setting", "Headers")),
)
FACTS = span_facts(INPUTS)
IDS = tuple(fact.id for fact in FACTS)


def problems(text: str) -> list[str]:
    return [problem.token for problem in check_sentence(Sentence(text, IDS), FACTS)]


@pytest.mark.parametrize(
    "text",
    [
        "Python 3.7 is no longer supported.",
        "Version 4.2 did not open such files.",
        "`_parse_setting` is called in `pkg/ini_config.py`.",
        "Assign a dict, and it becomes `Headers`.",
        "It was written in November 2026.",
        "It was written in 2026.",
        "Support for Python 3.7 was dropped.",
        "It refuses less than one row.",
        "Types are written with `|` now.",
        "The help says so.",
        "The JSON API is as it was.",
        "Junk rows are deleted.",
        "Python 3.7 is gone, thanks to Ada Ng.",
    ],
)
def test_what_is_true_is_not_red(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("Python 3.8 is no longer supported.", "3.8"),
        ("Version 4.3 did not open such files.", "4.3"),
        ("`_parse_section` is called in `pkg/ini_config.py`.", "_parse_section"),
        ("It was written in October 2026.", "2026"),
        ("It was written in 2025.", "2025"),
        ("This helps.", "helps"),
        ("Fix reconciliation of `default`, `type` and `type` parameters.", "type"),
        ("Fix reconciliation of `default`, `default` and `type` parameters.", "default"),
        ("It is thanks to the weather.", "thanks to"),
    ],
)
def test_what_is_altered_is_red(text: str, token: str) -> None:
    assert token in problems(text)


def test_how_many_commits_a_rule_sorted_is_no_count_of_commits() -> None:
    facts = span_facts(replace(INPUTS, touched=Touched()))
    span = facts[0]
    assert {"by_word", "commits"} <= set(span.values)
    wrong = Sentence("After the 1 commit of 2026-11-01, 3 files differ.", (span.id,))
    assert check_sentence(wrong, facts)
