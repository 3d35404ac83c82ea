"""Which model is in force: one only if it beat the simpler one on rows later than its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Verdict(NamedTuple):
    """Which model is in force, and why each of the more complex ones is or is not."""

    in_force: str
    why: tuple[str, ...]


def select_model(candidates: Sequence[str], defeat: Callable[[str, str], str]) -> Verdict:
    """Take the most complex model that beats the simpler one, step by step.

    Args:
        candidates: Names of models, the simplest first.
        defeat: Given a model and the simpler one, in what it did not beat it; "" when it did.

    Returns:
        The last model before the first defeat, and a reason for each model that was compared.
    """
    in_force = candidates[0]
    why = []
    for name in candidates[1:]:
        if reason := defeat(name, in_force):
            why.append(f"{name} was not chosen: {reason}")
            break
        why.append(f"{name} beat {in_force}")
        in_force = name
    return Verdict(in_force, tuple(why))
