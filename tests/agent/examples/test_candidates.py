"""Which calls of docstrings and tests may be examples."""

from __future__ import annotations

import ast

import pytest

from copydesk.agent.examples.candidates import (
    Call,
    calls_in_docstring,
    calls_in_tests,
    definition_of,
)


def test_a_docstring_gives_its_calls_with_what_they_need() -> None:
    doc = """Count.

    >>> rows = [1, 2]
    >>> count(rows)
    2
    >>> count(None)
    Traceback (most recent call last):
    TypeError: no
    >>> len(rows)
    2
    """
    imported = "from pkg.rows import count\nrows = [1, 2]\n"
    assert calls_in_docstring("pkg.rows", "count", doc) == [
        Call(f"{imported}count(rows)"),
        Call(f"{imported}count(None)", raises=True),
    ]


@pytest.mark.parametrize(
    "line", ["from pkg.rows import count", "from pkg.rows import *", "import pkg.rows as pkg"]
)
def test_an_import_of_the_docstrings_own_is_enough(line: str) -> None:
    doc = f">>> {line}\n>>> count([1])\n1\n"
    assert calls_in_docstring("pkg.rows", "count", doc) == [Call(f"{line}\ncount([1])")]


@pytest.mark.parametrize(
    "doc",
    [
        "Nothing is shown.",
        ">>>count(1)\n2\n",  # doctest refuses it
        ">>> count(1)\n",  # gives nothing
        f">>> count('{'x' * 90}')\n90\n",  # too wide
        ">>> a = 1\n>>> b = 2\n>>> c = 3\n>>> d = 4\n>>> count(a, b, c, d)\n4\n",  # too long
        ">>> count(]\n1\n",
    ],
)
def test_what_is_not_readable_is_left_out(doc: str) -> None:
    assert calls_in_docstring("pkg.rows", "count", doc) == []


def test_what_is_meant_for_doctest_alone_is_not_shown() -> None:
    doc = ">>> count([2])  # doctest: +SKIP\n2\n>>> count([1])  # doctest: +ELLIPSIS\n1\n"
    imported = "from pkg.rows import count\n"
    assert calls_in_docstring("pkg.rows", "count", doc) == [Call(f"{imported}count([1])")]


def test_tests_give_calls_with_values_the_shortest_first() -> None:
    content = (
        "import pkg.rows\nfrom pkg.rows import count\n\n\n"
        "def test_count(rows):\n"
        "    assert count([1, 2], by=3) == 6\n"
        "    assert pkg.rows.count([1]) == 1\n"
        "    assert count(rows) == 1\n"
        "    assert count() == 0\n"
        "    assert count(**{'by': 2}) == 0\n"
        "    assert other([3]) == 1\n"
    )
    start = "from pkg.rows import count\n"
    assert calls_in_tests("pkg.rows", "count", content) == [
        Call(f"{start}count([1])"),
        Call(f"{start}count([1, 2], by=3)"),
    ]
    assert calls_in_tests("pkg.rows", "count", "no python at all") == []


def test_a_definition_is_found_by_its_qualified_name() -> None:
    tree = ast.parse("class A:\n    def b(self): ...\n\n\ndef c(): ...\n\n\ndef c(x): ...\n")
    method, last = definition_of(tree, "A.b"), definition_of(tree, "c")
    assert method is not None
    assert last is not None
    assert (method.lineno, last.lineno) == (2, 8)
    assert definition_of(tree, "A.c") is None
