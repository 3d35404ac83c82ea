"""Python is found in whatever a model says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.testgen.model.extract_code import MAX_CHARACTERS, python_in
from copydesk.agent.testgen.project.parse import parse

TEST = "def test_a():\n    assert f(1) == 2"
OTHER = "def test_b():\n    assert f(2) == 3"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"```python\n{TEST}\n```", TEST),
        (f"Here it is:\n\n```py\n{TEST}\n```\nHope this helps!", TEST),
        (f"```\n{TEST}\n```", TEST),
        (f"~~~python\n{TEST}\n~~~", TEST),
        (f"````python\n{TEST}\n````", TEST),
        (f"```python\r\n{TEST}\r\n```", TEST),
        (f"  ```python\n  {TEST.replace(chr(10), chr(10) + '  ')}\n  ```", TEST),
        (TEST, TEST),
        (f"Sure! Here is a test:\n{TEST}\n\nIt's what you asked for.", TEST),
        (f"```python\n{TEST}", TEST),
        (f"```python\n{TEST}\n\ndef test_cut():\n    assert f(", TEST + "\n\ndef test_cut():"),
        (f"```python\n{TEST}\n```\nor\n```python\n{OTHER}\n```", f"{TEST}\n\n{OTHER}"),
        (f"```python\nthis is ( not code\n{TEST}\n```", TEST),
        (f"```python\n@mark\n{TEST}\nbad line\n```", f"@mark\n{TEST}"),
        ("", ""),
        ("I cannot write tests.", ""),
        ("OK", ""),
        ("```python\n```", ""),
        ("def test_x(:\n", ""),
        ("```\nassert\x00\n```", ""),
    ],
)
def test_answers_of_every_form(answer: str, code: str) -> None:
    found = python_in(answer)
    if code.endswith("test_cut():"):
        assert found.strip() == TEST
    else:
        assert found.strip() == code


def test_a_cut_test_keeps_its_whole_lines() -> None:
    cut = f"```python\n{TEST}\n    assert f(3) == (1, 2"
    assert python_in(cut) == TEST


def test_escapes_that_python_warns_about_are_no_news() -> None:
    assert parse(r"x = '\d'") is not None


def test_nesting_without_end_is_no_python() -> None:
    assert parse("(" * 100_000) is None
    assert python_in("x = " + "(" * 3000 + ")" * 3000) == ""


@given(st.text())
def test_any_answer_gives_code_that_parses(answer: str) -> None:
    found = python_in(answer)
    assert len(found) <= MAX_CHARACTERS * 2
    if found:
        assert parse(found) is not None


PIECES = st.sampled_from(
    [
        *("```python\n", "```\n", "~~~\n", "\n", "    ", TEST + "\n", OTHER + "\n", "Sure!\n"),
        *(
            "import os\n",
            "x = 1\n",
            "class A:\n",
            "@a\n",
            '"""',
            "    assert 1\n",
            "(",
            "é\n",
            "\t",
        ),
    ]
)


@given(st.lists(PIECES, max_size=12))
def test_any_mixture_of_pieces_gives_code_that_parses(pieces: list[str]) -> None:
    found = python_in("".join(pieces))
    assert found == "" or parse(found) is not None


@given(
    st.text(st.characters(categories=["L", "Zs", "P"], exclude_characters="`~"), max_size=80),
    st.integers(min_value=0, max_value=60),
)
def test_a_fenced_test_is_found_whatever_stands_around_it(prose: str, cut: int) -> None:
    prose = prose.replace("\n", " ")
    whole = f"{prose}\n```python\n{TEST}\n```\n{prose}"
    assert python_in(whole) == TEST
    shorter = python_in(whole[: len(prose) + 1 + cut])
    assert shorter == "" or parse(shorter) is not None


@pytest.mark.parametrize("piece", ["@a\n", "def f(\n", "```x\n", "x = [\n", "@a(\n)\ndef f(:\n"])
def test_an_answer_made_to_be_slow_is_not(piece: str) -> None:
    started = time.process_time()
    python_in(piece * (MAX_CHARACTERS // len(piece)))
    assert time.process_time() - started < 8


@pytest.mark.parametrize(
    "answer",
    [
        '{"test": "def test_a():\n    assert f(1) == 2\n"}',
        '{"tests": [{"name": "test_a", "body": "def test_a():\\n    assert f(1) == 2"}]}',
        '[["def test_a():", "    assert f(1) == 2"]]',
        '```json\n{"imports": "", "code": "def test_a():\n    assert f(1) == 2"}\n```',
    ],
)
def test_code_inside_json_is_found(answer: str) -> None:
    assert python_in(answer) == "def test_a():\n    assert f(1) == 2"


@pytest.mark.parametrize("answer", ['{"a": 1}', '{"a": "no code"}', "[[[", "{" * 5000, "[1, 2]"])
def test_json_without_code_is_nothing(answer: str) -> None:
    assert python_in(answer) == ""
