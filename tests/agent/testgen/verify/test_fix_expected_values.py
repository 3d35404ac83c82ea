"""What a draft predicted wrongly is replaced by what the code gave, and says so."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.testgen.project.parse import parse
from copydesk.agent.testgen.verify.fix_expected_values import record_values
from copydesk.agent.testgen.verify.run_report import Comparison


def substitute(content: str, test: str, observed: str, line: int = 0) -> str:
    """The module with this value observed in the given line, or in the first assert."""
    asserts = (n for n, text in enumerate(content.split("\n"), 1) if "assert" in text)
    seen = Comparison(line or next(asserts, 1), observed, observed)
    return record_values(content, {test: seen}).content


@pytest.mark.parametrize(
    ("line", "observed", "changed"),
    [
        ("assert f(1) == 2", "3", "assert f(1) == 3"),
        ("assert 2 == f(1)", "3", "assert 3 == f(1)"),
        ("assert f('é') == 'ü', 'why'", "'ö'", "assert f('é') == 'ö', 'why'"),
        ("assert f(1) == (20, 40)", "(20, 60)", "assert f(1) == (20, 60)"),
        ("assert f(1) == -1", "{'a': [1]}", "assert f(1) == {'a': [1]}"),
        ("assert f(1) == 0.3", "0.25", "assert f(1) == pytest.approx(0.25)"),
        ("assert f(1) == pytest.approx(3)", "4", "assert f(1) == 4"),
    ],
)
def test_an_observed_value_takes_the_place_of_a_predicted_one(
    line: str, observed: str, changed: str
) -> None:
    content = f"import pytest\n\n\ndef test_a():\n    x = 1\n    {line}\n"
    done = substitute(content, "test_a", observed)
    assert f"    {changed}  # recorded, not predicted: the model expected " in done
    assert parse(done) is not None


def test_both_values_can_be_seen() -> None:
    done = substitute("def test_a():\n    assert f(1) == 'old'\n", "test_a", "'new'")
    assert done == (
        "def test_a():\n"
        "    assert f(1) == 'new'  # recorded, not predicted: the model expected 'old'\n"
    )


def test_the_assert_that_failed_is_the_one_that_changes() -> None:
    content = "def test_a():\n    assert f(1) == 1\n    assert f(2) == 1\n"
    assert "f(2) == 9  #" in substitute(content, "test_a", "9", line=3)
    assert "f(1) == 9  #" in substitute(content, "test_a", "9")
    assert substitute(content, "test_a", "9", line=7) == content


def test_an_assert_over_several_lines_is_changed() -> None:
    content = "def test_a():\n    assert f(1) == (\n        1,\n        2,\n    )\n    x = 1\n"
    done = substitute(content, "test_a", "[3]")
    assert done == (
        "def test_a():\n"
        "    assert f(1) == [3]  # recorded, not predicted: the model expected (1, 2)\n"
        "    x = 1\n"
    )


def test_pytest_is_imported_when_a_float_needs_it() -> None:
    done = substitute("def test_a():\n    assert f(1) == 1\n", "test_a", "1.5")
    assert done.startswith("import pytest\n")


@pytest.mark.parametrize(
    ("content", "observed"),
    [
        ("def test_a():\n    assert f(1) == 1\n", "<object at 0x7f>"),
        ("def test_a():\n    assert f(1) == 1\n", "nan"),
        ("def test_a():\n    assert f(1) == 1\n", "__import__('os')"),
        ("def test_a():\n    assert f(1) == 1\n", "1\n"),
        ("def test_a():\n    assert f(1) == g(1)\n", "1"),
        ("def test_a():\n    assert f(1) > 1\n", "1"),
        ("def test_a():\n    assert f(1)\n", "1"),
        ("def test_b():\n    assert f(1) == 1\n", "1"),
        ("def test_a(:\n", "1"),
    ],
)
def test_what_cannot_be_recorded_stays(content: str, observed: str) -> None:
    assert substitute(content, "test_a", observed) == content


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=5,
)


@given(LITERALS, LITERALS)
def test_any_literal_can_be_recorded(old: object, new: object) -> None:
    content = f"def test_a():\n    assert f({old!r}) == {old!r}\n"
    done = substitute(content, "test_a", repr(new))
    compared = ast.parse(done).body[0].body[0].test  # type: ignore[attr-defined]
    if repr(new).isprintable():
        assert ast.literal_eval(compared.comparators[0]) == new
    assert ast.literal_eval(compared.left.args[0]) == old


def test_the_side_that_was_not_predicted_is_the_observed_one() -> None:
    seen = Comparison(2, "1", "3")
    left = record_values("def test_a():\n    assert 1 == f(0)\n", {"test_a": seen})
    right = record_values("def test_a():\n    assert f(0) == 3\n", {"test_a": seen})
    assert "assert 3 == f(0)" in left.content
    assert "assert f(0) == 1" in right.content
    assert right.tests == ("test_a",)
    assert right.notes == ("test_a: recorded 1; predicted was 3",)


def test_a_name_that_holds_the_prediction_takes_the_value() -> None:
    content = "def test_a():\n    expected = 5\n    result = f(1)\n    assert result == expected\n"
    done = substitute(content, "test_a", "6")
    assert "    expected = 6  # recorded, not predicted: the model expected 5\n" in done
    again = content + "    assert f(2) == expected\n"
    assert substitute(again, "test_a", "6", line=4) == again


@pytest.mark.parametrize(
    ("observed", "changed"), [("False", True), ("None", True), ("5", False), ("'x'", False)]
)
def test_is_takes_only_what_there_is_once(observed: str, changed: bool) -> None:
    content = "def test_a():\n    assert f(1) is True\n"
    assert (f"is {observed}  #" in substitute(content, "test_a", observed)) is changed


def test_several_tests_are_recorded_at_once() -> None:
    content = (
        "from __future__ import annotations\n\n"
        "def test_a():\n    assert f(1) == (\n        1,\n    )\n\n"
        "def test_b():\n    assert f(2) == 2\n"
    )
    failed = {"test_a": Comparison(4, "0.5", "(1,)"), "test_b": Comparison(9, "7", "2")}
    done = record_values(content, failed)
    assert done.tests == ("test_a", "test_b")
    assert done.content.startswith("from __future__ import annotations\nimport pytest\n")
    assert "f(1) == pytest.approx(0.5)  #" in done.content
    assert "f(2) == 7  #" in done.content
