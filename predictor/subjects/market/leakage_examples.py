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
    found = [forgotten_shift(bars), centred_window(bars), price_level(bars)]
    return [shuffled_folds(bars), *found] if available() else found


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
    known = _inputs(bars, rows)
    truth = [closes[i + AHEAD] > closes[i] for i in rows]
    numbers = list(range(len(truth)))
    random.Random(0).shuffle(numbers)
    parts = [numbers[k::_FOLDS] for k in range(_FOLDS)]
    mixed = [(sorted(set(numbers) - set(part)), sorted(part)) for part in parts]
    quarter = len(truth) // 4
    cuts = [quarter + (len(truth) - quarter) * k // _FOLDS for k in range(_FOLDS + 1)]
    ahead = [(list(range(start - AHEAD)), list(range(start, end))) for start, end in pairwise(cuts)]
    return Exhibit(
        "shuffled folds",
        "days are dealt to folds at random, though five-day returns overlap",
        "accuracy",
        _trees(known, truth, mixed),
        _trees(known, truth, ahead),
    )


def _inputs(bars: Sequence[Bar], rows: range) -> list[dict[str, float | None]]:
    every = more(bars)
    return [every[i] for i in rows]


def _trees(
    known: Sequence[dict[str, float | None]],
    truth: Sequence[bool],
    splits: Sequence[tuple[Sequence[int], Sequence[int]]],
) -> float:
    hits = count = 0
    for train, test in splits:
        answers = [float(truth[i]) for i in train]
        flat = [0.0] * len(train)
        model = Residual.fit(MORE, [known[i] for i in train], answers, flat, settings=_EAGER)
        share = sum(answers) / len(answers)
        level = math.log(share / (1 - share))
        said = model.adds([known[i] for i in test])
        hits += sum((s + level > 0) == truth[i] for s, i in zip(said, test, strict=True))
        count += len(test)
    return hits / count


def _one_input(values: Sequence[float], truth: Sequence[bool]) -> float:
    """Accuracy on the second half of a logistic model of one input, fitted on the first."""
    half = len(truth) // 2
    model = prior.fit(["x"], [[1000 * v] for v in values[:half]], truth[:half], ridge=0.1)
    said = [model.logit({"x": 1000 * v}) > 0 for v in values[half:]]
    return sum(s == t for s, t in zip(said, truth[half:], strict=True)) / len(said)
