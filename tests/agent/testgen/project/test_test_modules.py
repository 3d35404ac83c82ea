from __future__ import annotations

import ast

import pytest

from copydesk.agent.testgen.project import test_modules as module

TEXT = '''"""Drafted."""
from __future__ import annotations

import json, os.path
import re  # noqa: F401
from shop import prices as p, rates
from star import *
import math; LIMIT = 1


def check(value):
    assert value


# about a
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


class Plain:
    def test_not(self): ...


async def test_f():
    assert await p()
'''


def test_tests_are_found_as_pytest_does() -> None:
    found = module.tests(ast.parse(TEXT))
    assert list(found) == ["test_a", "test_b", "TestC::test_c", "TestC::test_d", "Checks::test_e", "test_f"]  # fmt: skip  # noqa: E501
    tree = ast.parse(TEXT)
    asserting = [name for name, node in module.tests(tree).items() if module.asserts(node, tree)]
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
    assert module.asserts(module.tests(tree)["test_x"], tree) is expected


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
    assert module.mentions(ast.parse(text), "grade", "school.grades") is expected
    assert module.mentions(ast.parse("C().m()"), "C.m", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import gc, json", ["imports gc"]),
        ("import _pytest.runner", ["imports _pytest.runner"]),
        ("from ctypes import util", ["imports ctypes"]),
        ("from os import _exit, path", ["touches _exit"]),
        ("from sys import modules", ["touches modules"]),
        ("import sys\nsys.modules.clear()", ["touches sys.modules"]),
        ("f.__code__", ["touches __code__"]),
        ("__import__('gc')", ["touches __import__"]),
        ("getattr(os, '_exit')", ["names _exit"]),
        ("os.environ['COPYDESK_REPORT_FD']", ["names a variable of copydesk's own"]),
        ("import json\nimport os\nassert os.path.join('a', modules)", []),
        ("from . import near", []),
    ],
)
def test_what_needs_a_yes(text: str, says: list[str]) -> None:
    assert module.reaches_in(ast.parse(text)) == says


def test_only_the_kept_tests_and_their_imports_stay() -> None:
    assert (
        module.keep(TEXT, ["test_b", "TestC::test_c"])
        == '''"""Drafted."""
from __future__ import annotations

import re  # noqa: F401
from shop import prices as p
from star import *
import math; LIMIT = 1


def check(value):
    assert value


@mark
def test_b():
    check(p.total([]))


class TestC:
    def helper(self):
        return 1

    def test_c(self):
        self.assertEqual(self.helper(), 1)

class Plain:
    def test_not(self): ...
'''
    )


def test_a_module_without_its_last_line_end_is_cut_too() -> None:
    text = "import a\nfrom b import (\n    c,\n    d,\n)\n\n\ndef test_a():\n    assert c"
    assert module.keep(text, ["test_a"]) == ("from b import c\n\n\ndef test_a():\n    assert c\n")
