"""In which order to run tests that a change affects: those likeliest to fail first.

Among tests that cover the changed lines, history and names help a little and trained models did
not beat that (measured on click with 67 mutants), so this is a formula, not a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class AffectedTest(NamedTuple):
    """What is known of a test before it runs.

    covers: the changed blocks or lines it executed last time; None when not known.
    runs, failures: how often it ran and failed before.
    days_since_failure: None when it never failed.
    similarity: words its name shares with the changed files' names, 0 to 1.
    breadth: files it executes lines of.
    """

    covers: int | None = None
    runs: int = 0
    failures: int = 0
    days_since_failure: float | None = None
    similarity: float = 0.0
    breadth: int = 0


class Rating(NamedTuple):
    """How early a test should run: a value from 0 to 1, the highest first, and why."""

    value: float
    reasons: tuple[str, ...]


def rate(test: AffectedTest) -> Rating:
    """Rate one test.

    The value is a mean of: failures per run, halved for every 14 days since the last (weight 6);
    similarity of names (2); changed lines covered, c/(c+5) (2); and few files executed,
    1/(1+ln(1+breadth)) (1).
    """
    covers = test.covers or 0
    parts = (
        (6, _recent_failures(test), f"failed {test.failures} of {test.runs} times"),
        (2, test.similarity, "its name is like the change's"),
        (2, covers / (covers + 5), f"covers {covers} of the changed lines"),
        (1, 1 / (1 + math.log1p(test.breadth)), f"executes only {test.breadth} files"),
    )
    value = sum(weight * part for weight, part, _ in parts) / sum(weight for weight, *_ in parts)
    weighted = sorted(((weight * part, text) for weight, part, text in parts), reverse=True)
    reasons = [text for weight, text in weighted if weight > 0.2]
    return Rating(value, tuple(reasons[:3]))


def _recent_failures(test: AffectedTest) -> float:
    """Failures per run, halved for every 14 days since the last."""
    if test.days_since_failure is None:
        return 0.0
    share = (test.failures + 0.1) / (test.runs + 1)
    return share * math.pow(0.5, max(0.0, test.days_since_failure) / 14)


def riskiest_first(tests: Sequence[AffectedTest]) -> list[int]:
    """The numbers of the tests in the order they should run; ties stay as they were."""
    values = [rate(test).value for test in tests]
    return sorted(range(len(tests)), key=lambda i: -values[i])


def similarity(test: str, paths: Sequence[str]) -> float:
    """The share of a changed file's words that a test's id has, of the file that fits best."""
    words = _words(test)
    best = 0.0
    for path in paths:
        path_words = _words(path.rpartition("/")[2].removesuffix(".py"))
        if path_words:
            best = max(best, len(path_words & words) / len(path_words))
    return best


def _words(text: str) -> set[str]:
    plain = "".join(c if c.isalnum() else " " for c in text.lower())
    return {word for word in plain.split() if word not in ("test", "tests", "py")}
