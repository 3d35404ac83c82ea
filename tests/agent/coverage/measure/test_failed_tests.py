from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.measure.failed_tests import MAX_ERROR, last_error_line
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.desk.measures import Measure

Measured = Callable[..., Measure]

TEST = """\
import pytest

from shop import prices


def test_total():
    assert prices.total([1, 2]) == 4, "rounded"


@pytest.fixture
def broken():
    raise LookupError("no \\x1b[31mprice")


def test_price(broken):
    pass


def test_label():
    assert prices.label(1) == '1.00'
"""


def test_a_failing_test_is_kept_with_its_last_error_line_and_where_it_failed(
    project: Path, commit: Callable[..., str], measured: Measured, desk: Database
) -> None:
    measured()
    sha = commit(project, {"tests/test_prices.py": TEST}, "break")

    assert measured().failed == 2
    price, total = desk.failed_tests.of_commit(sha)
    assert (price.test, price.outcome, price.before) == (
        "tests/test_prices.py::test_price",
        "error",
        "new",
    )
    assert price.error == "LookupError: no \\x1b[31mprice"
    assert (total.test, total.outcome, total.before, total.line) == (
        "tests/test_prices.py::test_total",
        "failed",
        "passed",
        7,
    )
    assert total.error == "AssertionError: rounded"
    assert "assert 3.0 == 4" in total.output
    assert "\x1b" not in price.output
    assert str(project) not in total.output


def test_what_failed_before_is_told_from_what_a_commit_broke(
    project: Path, commit: Callable[..., str], measured: Measured, desk: Database
) -> None:
    commit(project, {"tests/test_prices.py": TEST}, "break")
    first = measured().sha
    label = TEST.replace("== '1.00'", "== '1'")
    sha = commit(project, {"tests/test_prices.py": label}, "break another")
    measured()

    assert {test.before for test in desk.failed_tests.of_commit(first)} == {""}
    before = [(test.test.partition("::")[2], test.before) for test in _failed(desk, sha)]
    assert before == [("test_label", "passed"), ("test_price", "failed"), ("test_total", "failed")]
    assert {test.compared for test in _failed(desk, sha)} == {first}


def test_a_file_that_cannot_be_collected_is_kept_with_what_it_raised(
    project: Path, commit: Callable[..., str], measured: Measured, desk: Database
) -> None:
    measured()
    files = {"tests/test_prices.py": "import no_such_thing\n", "tests/test_new.py": "def f(:\n"}
    sha = commit(project, files, "break")
    measured()
    new, prices = _failed(desk, sha)
    assert (new.test, new.outcome, new.before) == ("tests/test_new.py", "collection", "new")
    assert new.error == "SyntaxError: invalid syntax"
    assert (prices.test, prices.before) == ("tests/test_prices.py", "passed")
    assert prices.error == "ModuleNotFoundError: No module named 'no_such_thing'"

    again = commit(project, {"src/shop/unused.py": "def nothing():\n    return 1\n"}, "other")
    measured()
    assert {test.before for test in _failed(desk, again)} == {"failed"}


def test_a_measure_that_is_deleted_takes_its_failing_tests_along(
    project: Path, commit: Callable[..., str], measured: Measured, desk: Database
) -> None:
    sha = commit(project, {"tests/test_prices.py": TEST}, "break")
    measured()
    assert _failed(desk, sha)
    desk.measures.delete(sha)
    assert not _failed(desk, sha)


def _failed(desk: Database, sha: str) -> list[FailedTest]:
    return desk.failed_tests.of_commit(sha)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param(
            "t.py:1: in t\n    f()\nE   KeyError: 1\n\nDuring handling\nt.py:2: in t\n"
            "E   ValueError: no price\nE   second line\n",
            "ValueError: no price",
            id="the last of a chain",
        ),
        pytest.param("E   assert [1] == [2]\nE     At index 0\n", "assert [1] == [2]", id="assert"),
        pytest.param(
            'E     File "t.py", line 1\nE       def f(:\nE             ^\nE   SyntaxError: bad\n',
            "SyntaxError: bad",
            id="syntax",
        ),
        pytest.param(
            "Expected:\n    3\n\nt.py:4: DocTestFailure\n", "t.py:4: DocTestFailure", id="doctest"
        ),
        pytest.param("[XPASS(strict)] fixed", "[XPASS(strict)] fixed", id="strict xpass"),
        pytest.param("E   assert False\nE    +  where \x1b]0;x\x07\n", "assert False", id="where"),
    ],
)
def test_the_last_error_line_says_most(output: str, line: str) -> None:
    assert last_error_line(output) == line


@given(st.text())
def test_whatever_a_test_says_is_one_bounded_line(output: str) -> None:
    line = last_error_line(output)
    assert len(line) <= MAX_ERROR
    assert "\n" not in line
    assert not any(ord(char) < 32 for char in line)
