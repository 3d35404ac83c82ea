"""Messages of limited length: nothing is lost, every limit holds, fences stay whole."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.stories.channels.discord_limits import units
from copydesk.agent.stories.channels.split_message import MINIMUM, split_message

FENCE_LINE = re.compile(r" {0,3}(`{3,8})(?!`)([^`\n]{0,40})")


def open_fence(text: str) -> str:
    """The marks of the fence that is open at the end of a text; "" for none."""
    marks = ""
    for line in text.split("\n"):
        match = FENCE_LINE.fullmatch(line)
        if match and not marks:
            marks = match[1]
        elif match and len(match[1]) >= len(marks) and not match[2].strip():
            marks = ""
    return marks


any_char = st.characters(categories=("L", "M", "N", "P", "S", "Z", "C"))  # lone surrogates as well
EMOJI = ["👩‍👩‍👧‍👦", "👍🏽", "🇩🇪🇫🇷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "é́", "❤️"]
emoji = st.sampled_from([*EMOJI, "\ud83d", "\ude00"])
pieces = st.one_of(
    st.text(any_char, max_size=40),
    emoji,
    st.sampled_from(["```", "````", "```python", "`````````", "~~~", "\n", "\n\n", "`", "   ```"]),
    st.sampled_from(
        ["| a | b |\n| --- | --- |\n| 1. | 2. |\n", "A sentence. ", "`a. b` ", "- x\n"]
    ),
    st.builds(
        lambda piece, n: piece * n, st.text(any_char, min_size=1, max_size=4), st.integers(1, 300)
    ),
    st.builds(
        lambda mark, n: mark * n,
        st.sampled_from(["`", "``` ", "x. ", "\n", "👍🏽", "é"]),
        st.integers(1, 600),
    ),
    st.builds(
        "```{}\n{}\n```\n".format,
        st.sampled_from(["", "python", "x" * 40, "x" * 41, "👍" * 40]),
        st.text(max_size=300),
    ),
)
texts = st.lists(pieces, max_size=12).map("".join)


@given(texts, st.integers(MINIMUM, 2000))
def test_parts_hold_the_text_within_the_limit_with_whole_fences(text: str, limit: int) -> None:
    parts = split_message(text, limit)
    assert "".join(part.source for part in parts) == text
    for number, part in enumerate(parts):
        assert part.source
        assert units(part.shown) <= limit
        if number < len(parts) - 1:
            assert not open_fence(part.shown)
        # what was put around the source is nothing but the lines of a fence
        assert re.fullmatch(r"( {0,3}`{3,8}[^`\n]*\n)?", part.opening)
        assert re.fullmatch(r"(\n?`{3,8})?", part.closing)


@given(texts, st.integers(MINIMUM, 2000))
def test_the_same_lines_are_code_in_parts_as_in_the_text(text: str, limit: int) -> None:
    before = ""
    for part in split_message(text, limit):
        assert bool(part.opening) == bool(open_fence(before))
        before += part.source


@settings(max_examples=30)
@given(st.lists(st.sampled_from(EMOJI), min_size=5, max_size=12))
def test_what_a_reader_sees_as_one_character_stays_one(some: list[str]) -> None:
    characters = some * 40
    text = "".join(characters)
    borders = set(itertools.accumulate(map(len, characters), initial=0))
    flags = {i + 2 for i in borders if text[i : i + 1] == "🇩"}  # two flags are two characters
    position = 0
    for part in split_message(text, MINIMUM):
        position += len(part.source)
        assert position in borders | flags


SENTENCES = "It reads rows one by one. It keeps what it has read. "


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (SENTENCES * 6 + "\n\n" + SENTENCES * 6, "\n\n"),
        (SENTENCES * 12, ". "),
        ("| a. b | c |\n" * 60, "|\n"),
        ("word " * 200, "word "),
        ("Prose.\n" * 50 + "```\n" + "code\n" * 30 + "```\n", "Prose.\n"),
    ],
    ids=["paragraphs", "sentences", "rows of a table", "words", "before a fence"],
)
def test_a_part_ends_at_the_best_border(text: str, ends: str) -> None:
    first, *_ = split_message(text, MINIMUM)
    assert first.source.endswith(ends)
    assert not open_fence(first.source)


def test_a_fence_is_closed_and_opened_again() -> None:
    code = "".join(f"row_{number} = read({number})\n" for number in range(80))
    parts = split_message(f"Before.\n\n```python\n{code}```\nAfter.\n", MINIMUM)
    assert len(parts) > 2
    assert parts[0].shown.endswith("\n```")
    for part in parts[1:-1]:
        assert part.shown.startswith("```python\nrow_")
        assert part.shown.endswith("\n```")
    assert parts[-1].shown.endswith("```\nAfter.\n")
    assert all("```python\n```" not in part.shown for part in parts)
    shown_code = re.findall(r"^row_.*$", "\n".join(part.shown for part in parts), re.M)
    assert "\n".join(shown_code) + "\n" == code


def test_a_code_span_is_not_split_at_its_full_stops_or_blanks() -> None:
    text = ("See `a. b. c d e` " + "x" * 30 + " ") * 30
    for part in split_message(text, MINIMUM):
        assert part.source.count("`") % 2 == 0


def test_lengths_are_those_of_utf_16() -> None:
    assert units("a👍e\u0301") == len("a👍e\u0301".encode("utf-16-le")) // 2 == 5
