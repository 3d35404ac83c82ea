"""The leak museum: mistakes that show skill where there is none, each beside the honest figure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from copydesk.predictor.core import metrics, prior
from copydesk.predictor.core.residual_model import Residual, Settings, available
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import MORE, YEAR, more, returns

AHEAD = 5
_FOLDS = 3
_Split = tuple[Sequence[int], Sequence[int]]
"""Rows to train on, and rows to test on."""
_EAGER = Settings(trees=120, depth=6, rate=0.1, ridge=3.0, columns=1.0)


class Exhibit(NamedTuple):
    """A leak: what was done wrong, the figure it shows, and the one without it."""

    name: str
    mistake: str
    figure: str
    shown: float
    honest: float


def exhibits(bars: Sequence[Bar]) -> list[Exhibit]:
    """Every leak, measured on a series. The first needs CatBoost and is left out without it."""
    leaks = [forgotten_shift, centred_window, price_level]
    if available():
        leaks.insert(0, shuffled_folds)
    return [leak(bars) for leak in leaks]


def forgotten_shift(bars: Sequence[Bar]) -> Exhibit:
    """The return to be predicted stands among the inputs."""
    daily = returns(bars)
    truth = [move > 0 for move in daily[1:]]
    leaked = _one_input(daily[1:], truth)
    honest = _one_input(daily[:-1], truth)
    return Exhibit(
        "forgotten shift",
        "the day's own return is an input for the day's direction",
        "accuracy",
        leaked,
        honest,
    )


def centred_window(bars: Sequence[Bar]) -> Exhibit:
    """A mean that looks five days ahead."""
    closes = [bar.close for bar in bars]
    daily = returns(bars)
    rows = range(10, len(bars) - 6)
    truth = [daily[i + 1] > 0 for i in rows]
    centred = [closes[i] / (math.fsum(closes[i - 5 : i + 6]) / 11) - 1 for i in rows]
    trailing = [closes[i] / (math.fsum(closes[i - 10 : i + 1]) / 11) - 1 for i in rows]
    return Exhibit(
        "centred window",
        "an 11-day mean is taken around the day instead of before it",
        "accuracy",
        _one_input(centred, truth),
        _one_input(trailing, truth),
    )


def price_level(bars: Sequence[Bar]) -> Exhibit:
    """Tomorrow's price is today's: a perfect R² that knows nothing."""
    closes, daily = [bar.close for bar in bars], returns(bars)
    half = len(bars) // 2
    return Exhibit(
        "price level",
        "R² is taken of prices, where saying today's price is enough",
        "R²",
        metrics.r_squared(closes[half + 1 :], closes[half:-1]),
        metrics.r_squared(daily[half + 1 :], daily[half:-1]),
    )


def shuffled_folds(bars: Sequence[Bar]) -> Exhibit:
    """Days drawn at random for training stand beside days to be tested that overlap them."""
    closes = [math.log(bar.close) for bar in bars]
    rows = range(YEAR, len(bars) - AHEAD)
    inputs = more(bars)[rows.start : rows.stop]
    truth = [closes[i + AHEAD] > closes[i] for i in rows]
    return Exhibit(
        "shuffled folds",
        "days are dealt to folds at random, though five-day returns overlap",
        "accuracy",
        _accuracy_of_trees(inputs, truth, _shuffled_splits(len(truth))),
        _accuracy_of_trees(inputs, truth, _splits_in_time(len(truth))),
    )


def _shuffled_splits(count: int) -> list[_Split]:
    numbers = list(range(count))
    random.Random(0).shuffle(numbers)
    folds = [numbers[k::_FOLDS] for k in range(_FOLDS)]
    return [(sorted(set(numbers) - set(fold)), sorted(fold)) for fold in folds]


def _splits_in_time(count: int) -> list[_Split]:
    quarter = count // 4
    cuts = [quarter + (count - quarter) * k // _FOLDS for k in range(_FOLDS + 1)]
    return [(range(start - AHEAD), range(start, end)) for start, end in pairwise(cuts)]


def _accuracy_of_trees(
    inputs: Sequence[dict[str, float | None]], truth: Sequence[bool], splits: Sequence[_Split]
) -> float:
    hits = count = 0
    for train, test in splits:
        answers = [float(truth[i]) for i in train]
        no_prior = [0.0] * len(train)
        model = Residual.fit(MORE, [inputs[i] for i in train], answers, no_prior, settings=_EAGER)
        share = sum(answers) / len(answers)
        level = math.log(share / (1 - share))
        logits = model.adds([inputs[i] for i in test])
        hits += sum((z + level > 0) == truth[i] for z, i in zip(logits, test, strict=True))
        count += len(test)
    return hits / count


def _one_input(values: Sequence[float], truth: Sequence[bool]) -> float:
    """Accuracy on the second half of a logistic model of one input, fitted on the first."""
    half = len(truth) // 2
    model = prior.fit(["x"], [[1000 * v] for v in values[:half]], truth[:half], ridge=0.1)
    rises = [model.logit({"x": 1000 * v}) > 0 for v in values[half:]]
    hits = sum(rise == up for rise, up in zip(rises, truth[half:], strict=True))
    return hits / len(rises)
