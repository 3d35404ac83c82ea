"""The reference page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from copydesk.agent.model.choose_model import PREFERENCE
from copydesk.agent.model.client import BUCKETS
from copydesk.agent.model.faults import OUTCOMES
from copydesk.agent.model.types import SizeLimits, TimeLimits
from copydesk.agent.testgen.model.drafter import ANSWER_TOKENS, PROMPT_TOKENS

PAGE = (Path(__file__).parents[3] / "docs/reference/model.md").read_text("utf-8")


def part(name: str) -> str:
    return PAGE.split(f"<!-- {name} -->")[1].split("<!-- end -->")[0]


def test_the_preference_list_is_the_one_in_force() -> None:
    assert re.findall(r"^\d+\. `(.+)`$", part("preference"), re.M) == list(PREFERENCE)


def test_every_outcome_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (no|once)", part("outcomes"), re.M)
    said = {name: (words, tries == "once") for name, words, tries in rows}
    assert said == OUTCOMES


def test_the_limits_are_the_ones_in_force() -> None:
    times, sizes = TimeLimits(), SizeLimits()
    for text in (
        f"| connecting | {times.connect:g} s |",
        f"| loading the model | {times.load:g} s |",
        f"until the first word | {times.first_token:g} s, and",
        f"silence after that | {times.idle:g} s |",
        f"{times.total:g} s, {sizes.characters:,} characters, {sizes.repeats} equal pieces",
        "{}, {}, {} or {} tokens".format(*BUCKETS),
        f"at most {PROMPT_TOKENS:,} tokens and its answer {ANSWER_TOKENS}",
    ):
        assert text in PAGE
