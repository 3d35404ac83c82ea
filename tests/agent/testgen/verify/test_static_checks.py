from __future__ import annotations

import ast

import pytest

from copydesk.agent.testgen.project import find_tests
from copydesk.agent.testgen.verify.static_checks import (
    checks_something,
    names_target,
)

TEXT = """
def check(value):
    assert value


def test_a():
    assert os.path.join("a") == "a"


@mark
def test_b():
    check(p.total([]))


class TestC:
    def helper(self):
        return 1

    def test_c(self):
        self.assertEqual(self.helper(), 1)

    def test_d(self):
        rates()


class Checks(unittest.TestCase):
    def test_e(self):
        pass


async def test_f():
    assert await p()
"""


def test_an_assertion_counts_in_a_helper_too() -> None:
    tree = ast.parse(TEXT)
    asserting = [name for name, node in find_tests(tree).items() if checks_something(node, tree)]
    assert asserting == ["test_a", "test_b", "TestC::test_c", "test_f"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("assert True", False),
        ("assert 1 == 1", False),
        ("assert 'text'", False),
        ("assert x", True),
        ("assert f()", True),
        ("self.assertTrue(True)", False),
        ("self.assertTrue(x)", True),
        ("with pytest.raises(E): f()", True),
        ("with warns(E): f()", True),
        ("numpy.testing.assert_allclose(x, 1)", True),
        ("mock.assert_called_once()", True),
        ("print(x)", False),
    ],
)
def test_what_counts_as_an_assertion(line: str, expected: bool) -> None:
    tree = ast.parse(f"def test_x():\n    {line}\n")
    assert checks_something(find_tests(tree)["test_x"], tree) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grade(1)", True),
        ("x.grade", True),
        ("import school.grades", True),
        ("from school.grades import best", True),
        ("from school import grades", True),
        ("from school import best", True),
        ("runpy.run_module('school.grades')", True),
        ("import school.marks", False),
        ("from other import best", False),
        ("'school'", False),
    ],
)
def test_what_has_to_do_with_the_target(text: str, expected: bool) -> None:
    assert names_target(ast.parse(text), "grade", "school.grades") is expected
    assert names_target(ast.parse("C().m()"), "C.m", "")
