"""The gate: a model is in force only if it beat the simpler one on rows later than its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Verdict(NamedTuple):
    """Which model is in force, and why each of the more complex ones is or is not."""

    in_force: str
    why: tuple[str, ...]


def climb(ladder: Sequence[str], lost: Callable[[str, str], str]) -> Verdict:
    """Go up from the simplest model; stop below the first that does not beat the one before.

    Args:
        ladder: Names of models, the simplest first.
        lost: Given a model and the simpler one, "" when it beat it, else in what it did not.
    """
    in_force, why = ladder[0], list[str]()
    for name in ladder[1:]:
        if reason := lost(name, in_force):
            why.append(f"{name} does not stand: {reason}")
            break
        why.append(f"{name} beat {in_force}")
        in_force = name
    return Verdict(in_force, tuple(why))
