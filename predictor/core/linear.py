"""Small linear systems and least squares with the standard library."""

from __future__ import annotations

import math
from collections.abc import Sequence


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a square system by Gaussian elimination with row pivoting.

    Raises:
        ValueError: The matrix is singular.
    """
    rows = [[*map(float, line), float(value)] for line, value in zip(matrix, right, strict=True)]
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
    answer = [0.0] * size
    for i in reversed(range(size)):
        known = math.fsum(rows[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (rows[i][size] - known) / rows[i][i]
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
    count = len(rows)
    columns = list(zip(*rows, strict=True))
    mean = [math.fsum(column) / count for column in columns]
    target_mean = math.fsum(targets) / count
    centred = [[x - m for x in column] for column, m in zip(columns, mean, strict=True)]
    off = [y - target_mean for y in targets]
    normal = [[math.fsum(map(_times, a, b)) for b in centred] for a in centred]
    right = [math.fsum(map(_times, a, off)) for a in centred]
    weights = solve(normal, right)
    intercept = target_mean - math.fsum(map(_times, weights, mean))
    return [intercept, *weights]


def _times(a: float, b: float) -> float:
    return a * b
