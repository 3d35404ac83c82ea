"""Drafts in the style of the module that they are put into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.agent.testgen.accept.match_style import match_style

FUNCTIONS = "from shop import price\n\n\ndef test_price():\n    assert price(1) == 1\n"
CLASSES = """from shop import price


class TestPrice:
    def test_one(self):
        assert price(1) == 1
"""
CASES = """import unittest

from shop import price


class PriceTests(unittest.TestCase):
    def test_one(self):
        self.assertEqual(price(1), 1)
"""
DRAFT = """import contextlib

import pytest

from shop import cart, price


def helper(value):
    return value


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2, 2),
        (3, [3]),
    ],
)
def test_price(number, expected):
    assert price(helper(number)) == expected


def test_price_rejects_abc():
    with pytest.raises(ValueError, match="no number"):
        price("abc")


def test_price_rejects_none():
    with pytest.raises(TypeError), contextlib.nullcontext():
        price(None)


def test_cart_of_items():
    made = cart(
        "apple",
        2,
    )
    assert made == {
        "name": "apple",
        "count": 2,
    }
    assert made.get("price") is None
    assert bool(made) is True
    assert isinstance(made, dict)
    with contextlib.nullcontext(made) as entered:
        assert "name" in entered
        assert entered != {}
"""
SHOP = """def price(number):
    if number == "abc":
        raise ValueError("no number")
    if number is None:
        raise TypeError("none")
    return [3] if number == 3 else number


def cart(name, count):
    return {"name": name, "count": count}
"""


def passes(tmp_path: Path, text: str, tests: int) -> bool:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    return done.returncode == 0 and f"{tests} passed" in done.stdout


def test_functions_stay_functions() -> None:
    assert match_style(FUNCTIONS, DRAFT, "price") == DRAFT
    assert match_style("", DRAFT, "price") == DRAFT
    assert match_style("def broken(:", DRAFT, "price") == DRAFT


def test_among_classes_they_become_methods(tmp_path: Path) -> None:
    made = match_style(CLASSES, DRAFT, "price")
    assert "\n\nclass TestPrice2:\n    @pytest.mark.parametrize(\n" in made
    assert "    def test_price(self, number, expected):\n" in made
    assert "    def test_price_rejects_abc(self):\n        with pytest.raises" in made
    assert passes(tmp_path, made, 5)


def test_among_test_cases_they_speak_unittest(tmp_path: Path) -> None:
    made = match_style(CASES, DRAFT, "Shop.price_of")
    assert "pytest" not in made
    assert "class ShopPriceOfTests(unittest.TestCase):\n    def test_price(self):\n" in made
    assert (
        "        for number, expected in [\n            (2, 2),\n"
        "            (3, [3]),\n        ]:\n"
        "            with self.subTest(number=number):\n"
        "                self.assertEqual(price(helper(number)), expected)\n"
    ) in made
    assert '        with self.assertRaisesRegex(ValueError, "no number"):\n' in made
    assert "        with self.assertRaises(TypeError), contextlib.nullcontext():\n" in made
    assert '        self.assertEqual(made, {\n            "name": "apple",\n' in made
    assert '        self.assertIsNone(made.get("price"))\n' in made
    assert "        self.assertIs(bool(made), True)\n" in made
    assert '            self.assertIn("name", entered)\n' in made
    assert passes(tmp_path, "import unittest\n" + made, 4)


@pytest.mark.parametrize(
    "test",
    [
        "def test_f(tmp_path):\n    assert price(tmp_path) == 1\n",
        "def test_f():\n    assert price(1) == pytest.approx(1.5)\n",
        "async def test_f():\n    assert price(1) == 1\n",
        "def test_f():\n    for n in (1, 2):\n        assert price(n) == n\n",
        "def test_f():\n    assert price(1) > 0\n",
        "def test_f():\n    x = pytest.approx(1)\n",
        "def test_f():\n    with pytest.deprecated_call():\n        price(1)\n",
        "@pytest.mark.slow\ndef test_f():\n    assert price(1) == 1\n",
        "@pytest.mark.slow(1, 2)\ndef test_f():\n    assert price(1) == 1\n",
        "@pytest.mark.parametrize('n', [1])\ndef test_f(n):\n    assert price(n) == n\n",
        'def test_f():\n    assert price("""a\nb""") == 1\n',
        "class TestF:\n    def test_f(self):\n        assert price(1) == 1\n",
        "def test_f():\n    assert price(1) == helper(1)\n\n\ndef helper(n):\n    return n\n",
    ],
)
def test_what_a_test_case_has_no_words_for_stays_a_function(test: str) -> None:
    draft = f"import pytest\n\nfrom shop import price\n\n\n{test}"
    assert match_style(CASES, draft, "price") == draft


def test_a_base_of_the_projects_own_is_not_guessed() -> None:
    old = CASES.replace("unittest.TestCase", "shop.SlowTestCase")
    assert match_style(old, DRAFT, "price") == DRAFT
