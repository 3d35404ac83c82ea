"""Figures that say how good a forecast is. Standard library only.

Definitions follow scikit-learn's where it has the figure; `ties` are always averaged or grouped,
so that a constant score gets the figure of chance.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Sequence

Labels = Sequence[bool]
Scores = Sequence[float]


def r_squared(actual: Sequence[float], forecast: Sequence[float]) -> float:
    """Share of the variance explained: 1 is perfect, 0 is as good as the actual mean.

    Raises:
        ValueError: Fewer than two rows, or all actual values are equal.
    """
    mean = math.fsum(actual) / len(actual) if actual else 0.0
    spread = math.fsum((a - mean) ** 2 for a in actual)
    if not spread:
        raise ValueError("the actual values do not vary")
    return 1 - math.fsum((a - f) ** 2 for a, f in zip(actual, forecast, strict=True)) / spread


def rmse(actual: Sequence[float], forecast: Sequence[float]) -> float:
    """Root mean square error, in the unit of the values."""
    squares = [(a - f) ** 2 for a, f in zip(actual, forecast, strict=True)]
    return math.sqrt(math.fsum(squares) / len(squares))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies, interpolated linearly."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def auc(labels: Labels, scores: Scores) -> float:
    """The chance that a positive row scores above a negative one; ties count half.

    Raises:
        ValueError: The labels are all equal.
    """
    positives = sum(map(bool, labels))
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError("needs rows of both labels")
    order = sorted(zip(scores, labels, strict=True), key=lambda pair: pair[0])
    ranks, at = 0.0, 0
    while at < len(order):
        end = at
        while end < len(order) and order[end][0] == order[at][0]:
            end += 1
        ranks += sum(bool(label) for _, label in order[at:end]) * (at + 1 + end) / 2
        at = end
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(labels: Labels, scores: Scores) -> float:
    """The area under the precision-recall curve, as a step function; the base rate is chance.

    Raises:
        ValueError: There is no positive row.
    """
    positives = sum(map(bool, labels))
    if not positives:
        raise ValueError("needs a positive row")
    order = sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])
    area, hits, at = 0.0, 0, 0
    while at < len(order):
        end, before = at, hits
        while end < len(order) and order[end][0] == order[at][0]:
            hits += bool(order[end][1])
            end += 1
        area += (hits - before) / positives * hits / end
        at = end
    return area


def precision_at(labels: Labels, scores: Scores, share: float = 0.1) -> float:
    """The share of positives among the top scores (at least one row); of ties the earlier rows."""
    count = max(1, int(len(labels) * share))
    order = sorted(range(len(labels)), key=lambda i: -scores[i])
    return sum(bool(labels[i]) for i in order[:count]) / count


def stratified_auc(
    labels: Labels, scores: Scores, sizes: Sequence[float], strata: int = 5
) -> float:
    """The AUC within rows of like size: what a score knows beyond "it is big".

    Args:
        labels: One a row.
        scores: One a row.
        sizes: What to hold equal, such as lines added.
        strata: Quantiles of the size to look within; each weighs by its pairs.

    Raises:
        ValueError: No stratum has rows of both labels, or a row lacks its score or size.
    """
    if not len(labels) == len(scores) == len(sizes):
        raise ValueError("every row needs a score and a size")
    total = weight = 0.0
    for rows in _strata(sizes, strata):
        chosen = [bool(labels[i]) for i in rows]
        pairs = sum(chosen) * (len(chosen) - sum(chosen))
        if pairs:
            total += pairs * auc(chosen, [scores[i] for i in rows])
            weight += pairs
    if not weight:
        raise ValueError("no stratum has rows of both labels")
    return total / weight


def _strata(sizes: Sequence[float], count: int) -> list[list[int]]:
    """The numbers of the rows, grouped by quantiles of their size."""
    edges = [quantile(sizes, k / count) for k in range(1, count)]
    groups: dict[int, list[int]] = {}
    for i, size in enumerate(sizes):
        groups.setdefault(sum(size >= edge for edge in edges), []).append(i)
    return list(groups.values())


def brier(labels: Labels, probabilities: Scores) -> float:
    """The mean squared error of probabilities; smaller is better."""
    squares = [(p - bool(y)) ** 2 for y, p in zip(labels, probabilities, strict=True)]
    return math.fsum(squares) / len(squares)


def log_losses(labels: Labels, probabilities: Scores) -> list[float]:
    """Each row's negative log likelihood; probabilities are kept 1e-12 away from 0 and 1."""
    return [
        -math.log(min(max(p if y else 1 - p, 1e-12), 1.0))
        for y, p in zip(labels, probabilities, strict=True)
    ]


def log_loss(labels: Labels, probabilities: Scores) -> float:
    """The mean of `log_losses`."""
    losses = log_losses(labels, probabilities)
    return math.fsum(losses) / len(losses)


def surely_less(
    losses: Sequence[float],
    rival_losses: Sequence[float],
    groups: Sequence[Hashable],
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> float:
    """In what share of resamples one model lost less than another on the same rows.

    A paired bootstrap over groups: rows of one group (the functions of a commit) stand or fall
    together, and are drawn together, with replacement. A tie counts half.

    Args:
        losses: What the one lost on each row.
        rival_losses: What the other lost on it.
        groups: Of each row.
        repeats: Samples to draw.
        seed: Of the draws.
    """
    gain_by_group: dict[Hashable, float] = {}
    for loss, rival_loss, group in zip(losses, rival_losses, groups, strict=True):
        gain_by_group[group] = gain_by_group.get(group, 0.0) + rival_loss - loss
    gains = list(gain_by_group.values())
    chance = random.Random(seed)
    wins = 0.0
    for _ in range(repeats):
        gain = math.fsum(chance.choices(gains, k=len(gains)))
        wins += 1.0 if gain > 0 else 0.5 if gain == 0 else 0.0
    return wins / repeats


def calibration_error(labels: Labels, probabilities: Scores, bins: int = 10) -> float:
    """The expected calibration error (ECE) over bins of equal width."""
    rows_by_bin: dict[int, list[tuple[float, bool]]] = {}
    for y, p in zip(labels, probabilities, strict=True):
        rows_by_bin.setdefault(min(int(p * bins), bins - 1), []).append((p, bool(y)))
    misses = []
    for rows in rows_by_bin.values():
        expected = math.fsum(p for p, _ in rows)
        positives = sum(y for _, y in rows)
        misses.append(abs(expected - positives))
    return math.fsum(misses) / len(labels)


def apfd(failing_ranks: Sequence[int], tests: int) -> float:
    """The average percentage of faults detected (Rothermel 1999).

    Args:
        failing_ranks: For each fault the rank, from 1, of the first test that shows it.
        tests: How many tests there are.

    Raises:
        ValueError: There is no fault or no test.
    """
    if not failing_ranks or tests < 1:
        raise ValueError("needs a fault and a test")
    return 1 - sum(failing_ranks) / (tests * len(failing_ranks)) + 1 / (2 * tests)


def interval(
    statistic: Callable[[Sequence[int]], float],
    rows: int,
    *,
    repeats: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """A percentile bootstrap interval.

    Args:
        statistic: The figure of some rows, given by number; a ValueError skips that sample.
        rows: How many rows there are.
        repeats: Samples to draw, with replacement.
        level: The share of samples within the interval.
        seed: Of the draws.

    Raises:
        ValueError: The figure could be worked out for no sample.
    """
    chance = random.Random(seed)
    figures = []
    for _ in range(repeats):
        try:
            figures.append(statistic(chance.choices(range(rows), k=rows)))
        except ValueError:
            continue
    if not figures:
        raise ValueError("no sample allows the figure")
    return quantile(figures, (1 - level) / 2), quantile(figures, (1 + level) / 2)
