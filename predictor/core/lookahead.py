"""Catch inputs that know the future."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from copydesk.predictor.core.errors import PredictorError

Item = TypeVar("Item")
Inputs = Mapping[str, float | None]
CHECKS = 8


def refuse_lookahead(
    inputs: Callable[[Sequence[Item]], Sequence[Inputs | None]], history: Sequence[Item]
) -> None:
    """Compute the inputs of a row again with everything after it cut away; nothing may change.

    Finds a forgotten shift, a centred window, and scaling over the whole series alike.

    Args:
        inputs: The inputs of every row of a history; None where there is too little past.
        history: Everything, in order of time.

    Raises:
        PredictorError: With the name of the input and the row (from 0) it looks ahead of.
    """
    rows = inputs(history)
    usable = [i for i, row in enumerate(rows[:-1]) if row is not None]
    for i in usable[:: max(1, len(usable) // CHECKS)]:
        without_future = inputs(history[: i + 1])[i]
        for name, value in (rows[i] or {}).items():
            if without_future is None or not _same(without_future.get(name), value):
                raise PredictorError(
                    f"input {name!r} of row {i} changes when later rows are cut away: it knows "
                    "the future"
                )


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
