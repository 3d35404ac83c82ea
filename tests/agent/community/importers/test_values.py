from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.community.importers.html_text import html_to_text
from copydesk.agent.community.importers.private_data import without_addresses
from copydesk.agent.community.importers.values import (
    LARGEST_COUNT,
    UnreadableError,
    count_of,
    optional_time_of,
    text_of,
    time_of,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(ANYTHING)
def test_any_value_is_read_as_something_that_can_be_stored(value: object) -> None:
    assert 0 <= count_of(value) <= LARGEST_COUNT
    assert "\0" not in text_of(value)
    text_of(value).encode("utf-8")
    moment = optional_time_of(value)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-18T18:20:31.5+00:00", datetime(2026, 11, 18, 18, 20, 31, 500_000, UTC)),
        ("2026-11-18T18:20:31.1234567+02:00", datetime(2026, 11, 18, 16, 20, 31, 123_456, UTC)),
        ("2026-11-18T18:20:31Z", datetime(2026, 11, 18, 18, 20, 31, 0, UTC)),
        ("2026-11-18 18:20:31", datetime(2026, 11, 18, 18, 20, 31, 0, UTC)),
        (1_795_026_031, datetime(2026, 11, 18, 18, 20, 31, 0, UTC)),
    ],
)
def test_times_are_read_in_any_zone(text: object, moment: datetime) -> None:
    assert time_of(text) == moment


@pytest.mark.parametrize("value", ["", "soon", None, "0000-00-00 00:00:00", 10**18, "1970-01-01"])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(UnreadableError, match="time"):
        time_of(value)


def test_lone_surrogates_become_question_marks() -> None:
    assert text_of("a\ud83db\0c") == "a?bc"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("mail me at ana.k+x@example.org!", "mail me at [mail]!"),
        ("from 8.8.8.8 it works", "from [address] it works"),
        ("on 127.0.0.1:8000 and 192.168.1.4", "on 127.0.0.1:8000 and 192.168.1.4"),
        ("at 2001:4860:4860::8888", "at [address]"),
        ("std::vector, a[1:2], 12:30:45 and ::1", "std::vector, a[1:2], 12:30:45 and ::1"),
        ("@pytest.mark.slow and a@b", "@pytest.mark.slow and a@b"),
    ],
)
def test_mail_and_public_addresses_are_taken_out(text: str, cleaned: str) -> None:
    assert without_addresses(text) == cleaned


@given(st.text())
def test_taking_addresses_out_twice_changes_nothing_more(text: str) -> None:
    once = without_addresses(text)
    assert without_addresses(once) == once


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two &amp; <b>three</b></p>", "One\n\nTwo & three"),
        ("a<br>b<script>alert(1)</script>", "a\nb"),
        ("use <code>f()</code>", "use `f()`"),
        ("1 < 2", "1 < 2"),
        ("plain", "plain"),
    ],
)
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(st.text(alphabet="<>!&;/[]-a=\"' \n"))
def test_no_html_is_too_broken(html: str) -> None:
    html_to_text(html)
