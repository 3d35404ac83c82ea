"""Small linear systems and least squares with the standard library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a square system by Gaussian elimination with row pivoting.

    Args:
        matrix: The coefficients, row by row.
        right: The right-hand side.

    Returns:
        The unknowns, in the order of the columns.

    Raises:
        ValueError: The matrix is singular.
    """
    rows = [[*map(float, line), float(value)] for line, value in zip(matrix, right, strict=True)]
    _eliminate(rows)
    return _substitute_back(rows)


def _eliminate(rows: list[list[float]]) -> None:
    """Bring rows of coefficients and right-hand side into upper triangular form, in place."""
    size = len(rows)
    largest = max((abs(x) for line in rows for x in line[:-1]), default=0.0)
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(rows[i][k]))
        if abs(rows[pivot][k]) <= 1e-12 * largest:
            raise ValueError("the system has no single solution")
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(k + 1, size):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, size + 1):
                rows[i][j] -= factor * rows[k][j]


def _substitute_back(rows: list[list[float]]) -> list[float]:
    size = len(rows)
    answer = [0.0] * size
    for i in reversed(range(size)):
        solved = math.fsum(rows[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (rows[i][size] - solved) / rows[i][i]
    return answer


def least_squares(rows: Sequence[Sequence[float]], targets: Sequence[float]) -> list[float]:
    """Ordinary least squares with an intercept.

    The inputs are centred first, which keeps the normal equations well conditioned for the few
    inputs of a readable prior.

    Returns:
        The intercept, then one weight an input.

    Raises:
        ValueError: There are no rows, or the inputs are linearly dependent.
    """
    if not rows:
        raise ValueError("least squares needs rows")
    columns = list(zip(*rows, strict=True))
    means = [math.fsum(column) / len(rows) for column in columns]
    target_mean = math.fsum(targets) / len(rows)
    centred = [_minus(column, mean) for column, mean in zip(columns, means, strict=True)]
    centred_targets = _minus(targets, target_mean)
    normal = [[_dot(a, b) for b in centred] for a in centred]
    weights = solve(normal, [_dot(column, centred_targets) for column in centred])
    return [target_mean - _dot(weights, means), *weights]


def _minus(values: Sequence[float], mean: float) -> list[float]:
    return [value - mean for value in values]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(map(mul, a, b))
