"""Which examples tell a reader most."""

from __future__ import annotations

import pytest

from copydesk.agent.examples.telling import by_arguments, poverty


@pytest.mark.parametrize(
    ("result", "expected"),
    [("()", 2), ("None", 2), ("''", 2), ("False", 1), ("0", 1), ("[0]", 0), ("'a'", 0), ("3", 0)],
)
def test_an_empty_result_tells_least(result: str, expected: int) -> None:
    assert poverty(result) == expected


def test_calls_that_hand_something_over_come_first_the_short_ones_before_others() -> None:
    codes = ["f([], n=0)", "f([1, 2, 3], n=0)", "f([1, 2, 3], n=2)", "f(g([1]), n=2)", "f(x, 10)"]
    assert sorted(codes, key=by_arguments) == [
        *("f(x, 10)", "f(g([1]), n=2)", "f([1, 2, 3], n=2)", "f([1, 2, 3], n=0)", "f([], n=0)"),
    ]
