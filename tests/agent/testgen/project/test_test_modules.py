from __future__ import annotations

import ast

from copydesk.agent.testgen.project import find_tests, keep_tests

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
    found = find_tests(ast.parse(TEXT))
    assert list(found) == ["test_a", "test_b", "TestC::test_c", "TestC::test_d", "Checks::test_e", "test_f"]  # fmt: skip  # noqa: E501


def test_only_the_kept_tests_and_their_imports_stay() -> None:
    assert (
        keep_tests(TEXT, ["test_b", "TestC::test_c"])
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
    assert keep_tests(text, ["test_a"]) == ("from b import c\n\n\ndef test_a():\n    assert c\n")
