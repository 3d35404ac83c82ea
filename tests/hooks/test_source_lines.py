"""Lines of source are counted as Python counts them."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.hooks.source_lines import plain_line_ends, python_lines, split_source_lines

NO_LINE_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
TEXTS = st.text(st.sampled_from(["a", " ", "\n", "\r", *NO_LINE_ENDS]), max_size=40)


@pytest.mark.parametrize("char", NO_LINE_ENDS, ids=ascii)
def test_what_str_splitlines_takes_for_a_line_end_is_none(char: str) -> None:
    assert len(f"a{char}b".splitlines()) == 2
    assert split_source_lines(f"a{char}b\nc\n") == [f"a{char}b", "c"]
    assert split_source_lines(f"a{char}b\nc", keepends=True) == [f"a{char}b\n", "c"]


def test_the_three_line_ends_may_be_mixed() -> None:
    text = "one\rtwo\r\nthree\n\rfive\r\r\nseven"
    assert split_source_lines(text) == ["one", "two", "three", "", "five", "", "seven"]
    assert split_source_lines("") == []


@given(TEXTS)
def test_lines_with_their_ends_join_to_the_text(text: str) -> None:
    lines = split_source_lines(text, keepends=True)
    assert "".join(lines) == text
    assert [line.rstrip("\r\n") for line in lines] == split_source_lines(text)
    assert "\r" not in plain_line_ends(text)


@given(TEXTS)
def test_they_are_the_lines_that_python_counts(text: str) -> None:
    """Inside a string every character may stand; its last line says how many there were."""
    node = ast.parse(f"x = '''{text}'''\ny = 1\n").body[1]
    assert node.lineno == len(split_source_lines(f"x = '''{text}'''\n")) + 1


@given(TEXTS, st.data())
def test_each_line_of_git_is_the_lines_of_python_in_it(text: str, data: st.DataObject) -> None:
    content = text.encode()
    rows = [f"{row}\n" for row in text.split("\n")]
    rows[-1] = rows[-1][:-1]
    wanted = data.draw(st.sets(st.sampled_from(range(1, len(rows) + 1))))
    counted: list[int] = []
    first = 1
    for number, row in enumerate(rows, start=1):
        size = max(1, len(split_source_lines(row)))
        if number in wanted:
            counted += range(first, first + size)
        first += size
    assert python_lines(content, sorted(wanted)) == counted


def test_a_change_of_a_module_with_lone_carriage_returns_is_all_its_lines(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"a = 1\rb = 2\r")
    (tmp_path / "new").write_bytes(b"a = 1\rb = 3\r")
    patch = subprocess.run(
        ["git", "diff", "-U0", "--no-index", "old", "new"], cwd=tmp_path, capture_output=True
    ).stdout
    assert b"@@ -1 +1 @@" in patch
    assert python_lines((tmp_path / "new").read_bytes(), [1]) == [1, 2]
