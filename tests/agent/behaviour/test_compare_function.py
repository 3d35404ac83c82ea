"""Two versions of a function do the same, or a call shows that they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PRICE = """
def price(n: int) -> int:
    if n > 10:
        return n * 2 - 1
    return n * 2
"""


def test_a_shifted_boundary_is_shown_by_the_boundary(compare: Any) -> None:
    (comparison,) = compare(PRICE, PRICE.replace("> 10", ">= 10"))
    assert comparison.verdict == "differs"
    (difference,) = comparison.differences
    assert (difference.call, difference.before, difference.after) == ("price(10)", "20", "19")
    assert difference.kind == "value"


@pytest.mark.slow
def test_twice_the_same_answer(compare: Any) -> None:
    after = PRICE.replace("- 1", "- 2")
    assert compare(PRICE, after) == compare(PRICE, after)


@pytest.mark.slow
def test_a_loop_that_became_a_comprehension_is_the_same(compare: Any) -> None:
    before = """
    def words(text: str) -> list:
        found = []
        for word in text.split():
            found.append(word.lower())
        return found
    """
    after = """
    def words(text: str) -> list:
        return [word.lower() for word in text.split()]
    """
    (comparison,) = compare(before, after)
    assert (comparison.verdict, comparison.reason) == ("same", "")
    assert comparison.inputs > 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param(
            "def f(x: int):\n    if x < 0:\n        raise ValueError('low')\n    return x\n",
            "def f(x: int):\n    if x <= 0:\n        raise ValueError('low')\n    return x\n",
            "raises now", id="raises",
        ),
        pytest.param("def f(items: list):\n    items.append(1)\n",
                     "def f(items: list):\n    items.append(2)\n", "argument", id="argument"),
        pytest.param("def f(x: int):\n    print(x)\n", "def f(x: int):\n    print(x + 1)\n",
                     "output", id="output"),
        pytest.param("async def f(x: int):\n    return x\n",
                     "async def f(x: int):\n    return -x\n", "value", id="awaited"),
        pytest.param("def f(n: int):\n    yield from range(n)\n",
                     "def f(n: int):\n    yield from range(n + 1)\n", "value", id="yielded"),
        pytest.param("SEEN = []\ndef f(x: int):\n    SEEN.append(x)\n",
                     "SEEN = []\ndef f(x: int):\n    SEEN.append(x + 1)\n", "global", id="global"),
        pytest.param(
            "from pathlib import Path\ndef f(path: Path):\n    path.write_text('a')\n",
            "from pathlib import Path\ndef f(path: Path):\n    path.write_text('b')\n",
            "files", id="files",
        ),
        pytest.param(
            "class Box:\n    def __init__(self):\n        self.n = 0\n"
            "    def add(self, x: int):\n        self.n += x\n",
            "class Box:\n    def __init__(self):\n        self.n = 0\n"
            "    def add(self, x: int):\n        self.n -= x\n",
            "object", id="receiver",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_told_by_its_kind(compare: Any, before: str, after: str, kind: str) -> None:
    (comparison,) = compare(before, after)
    assert comparison.verdict == "differs", comparison
    assert comparison.differences[0].kind == kind


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("return time.time() + x", "it depends on the time", id="time"),
        pytest.param("return random.random() + x", "it reaches for random", id="random"),
        pytest.param("return os.environ.get('HOME', '') + str(x)", "environment", id="env"),
        pytest.param("return open('/etc/passwd').read() + str(x)", "reaches for open", id="file"),
        pytest.param("return os.system('true') + x", "it reaches for", id="program"),
    ],
)  # fmt: skip
def test_what_hangs_on_more_than_the_code_is_no_difference(
    compare: Any, body: str, reason: str
) -> None:
    before = f"import os, random, time\ndef f(x: int):\n    {body}\n"
    (comparison,) = compare(before, before.replace("x\n", "x + 0\n").replace("(x)", "(x + 0)"))
    assert comparison.verdict == "not compared"
    assert reason in comparison.reason


@pytest.mark.slow
def test_a_line_that_no_input_reaches_is_named(compare: Any) -> None:
    before = """
    def f(x: int) -> int:
        if x * x == 1234567 * 1234567 + 4:
            return 1
        return x
    """
    (comparison,) = compare(before, before.replace("return 1\n", "return 2\n"))
    assert (comparison.verdict, comparison.reason) == ("not compared", "line 4 never reached")


@pytest.mark.slow
def test_a_module_that_cannot_be_imported_is_not_compared(compare: Any) -> None:
    before = "import nothing_of_that_name\n" + PRICE.lstrip()
    (comparison,) = compare(before, before.replace("> 10", ">= 10"))
    assert comparison.verdict == "not compared"
    assert "nothing_of_that_name" in comparison.reason


def test_what_is_new_has_nothing_to_be_compared_with(compare: Any, tmp_path: Path) -> None:
    (comparison,) = compare("", PRICE)
    assert comparison.verdict == "added"


SHELL = """
def join(args, sep=' '):
    words = []
    for arg in args:
        quoted = False
        if ' ' in arg or '\\t' in arg:
            quoted = True
        words.append(f'"{arg}"' if quoted else arg)
    return ' '.join(words)
"""


@pytest.mark.slow
def test_an_option_that_the_change_reads_is_given_other_values(compare: Any) -> None:
    (comparison,) = compare(SHELL, SHELL.replace("return ' '", "return sep"))
    assert comparison.verdict == "differs", comparison.reason
    assert "sep=" in comparison.differences[0].call


@pytest.mark.slow
def test_what_a_parameter_never_shows_is_not_called_the_same(compare: Any) -> None:
    before = """
    class Key:
        pass

    def tell(key: Key) -> str:
        if type(key) is not Key:
            raise TypeError("a key")
        return str(len(str(type(key))))
    """
    after = before.replace("str(len(str(type(key))))", "f'{len(str(type(key)))}'")
    (comparison,) = compare(before, after)
    assert comparison.verdict == "not compared"
    assert comparison.reason == "`key` was never given another value"
