"""Figures, held against their definitions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from copydesk.predictor.core import metrics, sharpe_ratio

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40)


@given(ROWS)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    labels, scores = [y for y, _ in rows], [float(s) for _, s in rows]
    assume(0 < sum(labels) < len(labels))
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for y, a in zip(labels, scores, strict=True) if y
        for n, b in zip(labels, scores, strict=True) if not n
    ]  # fmt: skip
    assert metrics.auc(labels, scores) == pytest.approx(sum(pairs) / len(pairs))
    assert metrics.stratified_auc(labels, scores, [1.0] * len(rows)) == pytest.approx(
        metrics.auc(labels, scores)
    )


@given(ROWS)
def test_a_constant_score_has_the_figures_of_chance(rows: list[tuple[bool, int]]) -> None:
    labels = [y for y, _ in rows]
    assume(0 < sum(labels) < len(labels))
    flat = [0.3] * len(labels)
    base = sum(labels) / len(labels)
    assert metrics.auc(labels, flat) == 0.5
    assert metrics.average_precision(labels, flat) == pytest.approx(base)
    assert metrics.brier(labels, [base] * len(labels)) == pytest.approx(base * (1 - base))
    assert metrics.calibration_error(labels, [base] * len(labels)) == pytest.approx(0, abs=1e-12)


def test_figures_by_hand() -> None:
    labels, scores = [True, False, True, False, False], [0.9, 0.8, 0.7, 0.2, 0.1]
    assert metrics.average_precision(labels, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.precision_at(labels, scores, 0.4) == 0.5
    assert metrics.precision_at(labels, scores) == 1.0
    assert metrics.calibration_error([True, False], [0.95, 0.05]) == pytest.approx(0.05)
    assert metrics.log_loss([True, False], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert metrics.apfd([1], 10) == pytest.approx(0.95)
    assert metrics.apfd([10, 1], 10) == pytest.approx(1 - 11 / 20 + 1 / 20)


def test_losing_less_on_one_commit_is_little_evidence() -> None:
    """Forty rows gain and thirty lose as much: the same rows, as one commit or as forty."""
    losses, others = [0.0] * 40 + [1.0] * 30, [1.0] * 40 + [0.0] * 30
    apart = metrics.surely_less(losses, others, range(70))
    together = metrics.surely_less(losses, others, [0] * 40 + list(range(1, 31)))
    assert apart > 0.8
    assert 0.55 < together < 0.7  # it is drawn at all in 1 - 1/e of the resamples
    assert metrics.surely_less(others, losses, range(70)) == pytest.approx(1 - apart)
    assert metrics.surely_less(losses, [x + 0.1 for x in losses], range(70)) == 1
    assert metrics.surely_less(losses, losses, range(70)) == 0.5


def test_size_alone_knows_nothing_within_a_size() -> None:
    chance = random.Random(1)
    sizes = [float(chance.randrange(1, 100)) for _ in range(2000)]
    labels = [chance.random() < size / 200 for size in sizes]
    assert metrics.auc(labels, sizes) > 0.65
    assert metrics.stratified_auc(labels, sizes, sizes) < metrics.auc(labels, sizes) - 0.08


@pytest.mark.parametrize(
    "refused",
    [
        lambda: metrics.auc([True], [1.0]),
        lambda: metrics.average_precision([False], [1.0]),
        lambda: metrics.stratified_auc([True, True], [1.0, 2.0], [1.0, 1.0]),
        lambda: metrics.apfd([], 3),
        lambda: metrics.interval(lambda _: metrics.auc([True], [1.0]), 3),
    ],
)
def test_a_figure_that_means_nothing_is_refused(refused: object) -> None:
    assert callable(refused)
    with pytest.raises(ValueError):
        refused()


def test_an_interval_holds_the_truth() -> None:
    chance = random.Random(2)
    values = [chance.gauss(1, 1) for _ in range(400)]
    low, high = metrics.interval(lambda rows: sum(values[i] for i in rows) / len(rows), 400)
    assert low < 1 < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.25)
    assert (low, high) == metrics.interval(
        lambda rows: sum(values[i] for i in rows) / len(rows), 400
    )


# returns


def test_sharpe_and_its_certainty() -> None:
    chance = random.Random(3)
    skilled = [chance.gauss(0.001, 0.01) for _ in range(2520)]
    assert sharpe_ratio.annual(sharpe_ratio.sharpe(skilled)) == pytest.approx(1.59, abs=0.4)
    assert sharpe_ratio.probabilistic_sharpe(skilled) > 0.99
    assert sharpe_ratio.probabilistic_sharpe(skilled, 1.0) < 0.01
    assert sharpe_ratio.sharpe([0.0, 0.0]) == 0
    assert sharpe_ratio.probabilistic_sharpe([0.0] * 9) == 0.5
    assert sharpe_ratio.probabilistic_sharpe([0.0] * 9, 0.1) == 0


def test_the_best_of_many_coins_is_not_believed() -> None:
    chance = random.Random(4)
    tried = [[chance.gauss(0, 0.01) for _ in range(1000)] for _ in range(50)]
    ratios = [sharpe_ratio.sharpe(series) for series in tried]
    best = max(tried, key=sharpe_ratio.sharpe)
    assert sharpe_ratio.probabilistic_sharpe(best) > 0.95  # looks like skill on its own
    assert sharpe_ratio.deflated_sharpe(best, ratios) < 0.8  # and is none among fifty
    assert sharpe_ratio.best_by_luck([0.1]) == 0


# These began as drafts of copydesk's own: see docs/explanation/dogfood.md.


@pytest.mark.parametrize("figure", [metrics.auc, metrics.average_precision])
def test_rows_without_their_score_are_refused(
    figure: Callable[[list[bool], list[float]], float],
) -> None:
    with pytest.raises(ValueError, match="zip"):
        figure([True, False], [1.5, 0.0, -2.5])


def test_rows_without_their_size_are_refused() -> None:
    for scores, sizes in (([1.5, 0.0, -2.5], [1.5, 1.5]), ([1.5, 0.0], [1.5])):
        with pytest.raises(ValueError, match="every row needs a score and a size"):
            metrics.stratified_auc([True, False], scores, sizes)


def test_where_every_row_is_positive_the_precision_is_whole() -> None:
    assert metrics.average_precision([True, True], [1.5, 1.5]) == 1.0
