from __future__ import annotations

import random

from coverage.parser import PythonParser

from copydesk.agent.coverage.source import statement_starts

SOURCE = '''\
"""A docstring
of two lines."""

import os; X = 1

@deco(
    1,
    # why
)
def f(
    a,
    b=(1,
       2),
):
    "Its own."
    if (a and
            b):
        return [
            1,

            2,
        ]
    else:
        text = """
# no comment
"""
    try:
        return a + \\
            b
    finally:
        pass


class C: "On one line."


match X:
    case [1,
          2]:
        pass
'''


def test_each_line_of_code_leads_to_its_statement() -> None:
    starts = statement_starts(SOURCE)
    assert starts == {
        4: 4, 6: 6, 7: 6, 9: 6, 10: 10, 11: 10, 12: 10, 13: 10, 14: 10, 16: 16, 17: 16,
        18: 18, 19: 18, 21: 18, 22: 18, 24: 24, 25: 24, 26: 24, 27: 27, 28: 28, 29: 28, 31: 31,
        34: 34, 37: 37, 38: 38, 39: 38, 40: 40,
    }  # fmt: skip


def test_coverage_py_counts_nothing_else() -> None:
    parser = PythonParser(text=SOURCE)
    parser.parse_source()
    assert parser.statements <= set(statement_starts(SOURCE).values())


def test_what_python_cannot_read_is_taken_line_by_line() -> None:
    assert statement_starts("def f(:\n\n# why\n    x = (\n") == {1: 1, 4: 4}


def test_no_cut_through_a_source_breaks_it() -> None:
    rng = random.Random(0)
    for _ in range(100):
        text = SOURCE[rng.randrange(len(SOURCE)) :][: rng.randrange(len(SOURCE))]
        starts = statement_starts(text)
        assert all(first <= line <= text.count("\n") + 1 for line, first in starts.items())
