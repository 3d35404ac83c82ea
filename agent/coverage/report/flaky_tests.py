"""Tests whose outcome changes while all that they depend on stays the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from copydesk.agent.desk.database import Database

TESTS = 10
"""How many are named."""

OUTCOMES = 20
"""How many of a test's last outcomes are told."""


class FlakyTest(NamedTuple):
    """A test, how often it was run, and how often its outcome changed for no change at all.

    `outcomes` are those of its last runs, the newest last.
    """

    name: str
    runs: int
    flips: int
    outcomes: tuple[str, ...] = ()


def flakiest_tests(db: Database, names: Collection[str]) -> tuple[FlakyTest, ...]:
    """The flaky ones among these tests, those with the most changes a run first.

    Args:
        db: The desk.
        names: The tests there are.
    """
    flaky = [test for test in db.traces.flaky_tests() if test.name in names]
    flaky.sort(key=lambda test: (-test.flips / test.runs, test.name))
    return tuple(
        FlakyTest(*test, tuple(db.traces.last_outcomes(test.name, OUTCOMES)))
        for test in flaky[:TESTS]
    )
