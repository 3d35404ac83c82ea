from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.text import clean, one_line, plural


def test_control_bidirectional_and_zero_width_characters_are_shown() -> None:
    assert clean("a\x1b[31mb") == r"a\x1b[31mb"
    assert clean("x\u202ey\u200bz\U000e0001") == r"x\u202ey\u200bz\U000e0001"
    assert clean("line\n\ttab") == "line\n\ttab"
    assert clean("plain") == "plain"
    assert clean("grün") == "grün"


@given(st.text())
def test_nothing_unsafe_is_ever_left(text: str) -> None:
    unsafe = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert not {unicodedata.category(c) for c in clean(text, keep="")} & unsafe
    assert not {unicodedata.category(c) for c in clean(text) if c not in "\n\t"} & unsafe


def test_one_line_is_the_first_one_cut_to_width() -> None:
    assert one_line("  first\nsecond") == "first"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert one_line("") == ""


def test_plural() -> None:
    assert plural(1, "test") == "1 test"
    assert plural(1200, "test") == "1,200 tests"
    assert plural(2, "entry", "entries") == "2 entries"
