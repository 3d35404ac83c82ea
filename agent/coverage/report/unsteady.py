"""Tests that pass and fail while the code they run stays the same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from itertools import groupby, pairwise
from typing import NamedTuple

from copydesk.agent.coverage.map import unpack

TESTS = 10
"""How many are named."""


class Unsteady(NamedTuple):
    """A test, how often it was run, and how often its outcome changed for no change of code."""

    name: str
    runs: int
    flips: int


class _Run(NamedTuple):
    """One recorded run: the environment, whether it passed, the file versions it executed."""

    environment: str
    passed: bool
    versions: dict[str, str]


def unsteady(db: sqlite3.Connection, names: Collection[str]) -> tuple[Unsteady, ...]:
    """The tests with such changes among these, the least steady first.

    Two runs that follow each other are compared: the outcome differs, the environment is the
    same, and each file that both executed is the same version.

    Args:
        db: The desk.
        names: The tests there are.
    """
    rows = db.execute(
        "SELECT c.name, t.environment, t.outcome, t.hits FROM traces AS t"
        " JOIN contexts AS c ON c.id = t.context_id WHERE c.kind = 'test' AND c.id IN"
        " (SELECT context_id FROM traces WHERE outcome IN ('passed', 'failed', 'error')"
        "  GROUP BY context_id HAVING count(DISTINCT outcome = 'passed') > 1)"
        " AND t.outcome IN ('passed', 'failed', 'error') ORDER BY c.name, t.id"
    )
    found = []
    for name, runs in groupby(rows, key=lambda row: row[0]):
        if name not in names:
            continue
        told = [_Run(env, out == "passed", _versions(db, hits)) for _, env, out, hits in runs]
        flips = sum(_flipped(a, b) for a, b in pairwise(told))
        if flips:
            found.append(Unsteady(name, len(told), flips))
    return tuple(sorted(found, key=lambda t: (-t.flips / t.runs, t.name))[:TESTS])


def _flipped(former: _Run, now: _Run) -> bool:
    both = former.versions.keys() & now.versions.keys()
    return (
        former.passed != now.passed
        and former.environment == now.environment
        and all(former.versions[path] == now.versions[path] for path in both)
    )


def _versions(db: sqlite3.Connection, hits: bytes) -> dict[str, str]:
    return dict(
        db.execute(
            "SELECT f.path, f.blob FROM json_each(?) AS wanted"
            " JOIN hits AS h ON h.id = wanted.value JOIN files AS f ON f.id = h.file_id",
            (json.dumps(unpack(hits)),),
        ).fetchall()
    )
