"""Tests whose outcome changes while all that they depend on stays the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from copydesk.agent.desk.database import Database

TESTS = 10
"""How many are named."""

OUTCOMES = 20
"""How many of a test's last outcomes are told."""


class Unsteady(NamedTuple):
    """A test, how often it was run, and how often its outcome changed for no change at all.

    `outcomes` are those of its last runs, the newest last.
    """

    name: str
    runs: int
    flips: int
    outcomes: tuple[str, ...] = ()


def unsteady(db: Database, names: Collection[str]) -> tuple[Unsteady, ...]:
    """The tests with such changes among these, the least steady first.

    Args:
        db: The desk.
        names: The tests there are.
    """
    rows = db.execute("SELECT name, runs, flips FROM tests_flaky").fetchall()
    found = sorted((r for r in rows if r[0] in names), key=lambda r: (-r[2] / r[1], r[0]))
    return tuple(Unsteady(n, r, f, _outcomes(db, n)) for n, r, f in found[:TESTS])


def _outcomes(db: Database, name: str) -> tuple[str, ...]:
    rows = db.execute(
        "SELECT t.outcome FROM contexts AS c JOIN traces AS t ON t.context_id = c.id"
        " WHERE c.kind = 'test' AND c.name = ? ORDER BY t.id DESC LIMIT ?",
        (name, OUTCOMES),
    )
    return tuple(outcome for (outcome,) in rows)[::-1]
