"""Lines of source are counted as Python counts them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate import staged_change
from copydesk.agent.git.repository import find
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


ODD_SOURCES = {
    "form feed in a line of its own": ("x = 1\n\x0c\ndef f():\n    return 1\n", [4], [4]),
    "form feed before a statement": ("x = 1\n\x0cdef f():\n    return 1\n", [3], [3]),
    "next line in a comment": ("x = 1  # a\x85b\ndef f():\n    return 1\n", [3], [3]),
    "line separator in a text": ("x = '\u2028'\ndef f():\n    return 1\n", [3], [3]),
    "lone carriage return": ("x = 1\rdef f():\r    return 1\n", [1], [1, 2, 3]),
    "lone one before": ("x = 1\ry = 2\ndef f():\n    return 1\n", [3], [4]),
    "lone one in a text": ("x = '''a\rb'''\ndef f():\n    return 1\n", [3], [4]),
}
"""A module, which lines git takes for changed, and which lines those are."""


@pytest.mark.parametrize(("text", "git_lines", "lines"), ODD_SOURCES.values(), ids=[*ODD_SOURCES])
def test_the_hook_and_the_gate_name_the_line_that_python_counts(
    repo: Path,
    git: Callable[..., str],
    measured: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    git_lines: list[int],
    lines: list[int],
) -> None:
    (repo / "a.py").write_text(text.replace("return 1", "return 0"), "utf-8")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "before")
    (repo / "a.py").write_text(text, "utf-8")
    git(repo, "add", "-A")
    measured("a.py", f"[{lines[-1]}]")
    monkeypatch.setenv("CI", "1")  # no daemon is started
    monkeypatch.chdir(repo)
    ((_, changed),) = staged_change(find(repo)).files.values()
    assert list(changed) == lines == python_lines(text.encode(), git_lines)
    argv = [sys.executable, "-m", "copydesk.hooks.gate"]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"  a.py:{lines[-1]}  f  \u2192 commit first" in done.stdout
