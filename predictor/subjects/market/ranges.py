"""Tomorrow's range: HAR, its rivals of one number, and trees on what HAR leaves over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add
from typing import Any

from copydesk.predictor.core import metrics
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.linear import least_squares
from copydesk.predictor.core.model_selection import Verdict, select_model
from copydesk.predictor.core.residual_model import Residual, Settings, available
from copydesk.predictor.core.time_split import in_order, walk_forward
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import (
    MORE,
    NAMES,
    YEAR,
    inputs,
    log_range,
    more,
    smoothed,
)

MIN_BARS = 300
GAP = timedelta(days=1)
HOLD_OUT = 0.2
"""The share of the rows, the latest, that only choosing the model in force looks at."""

BASELINES = ("today", "smoothed", "mean")
HAR, RESIDUAL = "har", "har + residual"
WORTH = 0.03
"""What the trees must add to HAR's R² on the hold-out to be worth their keep."""

TREES = Settings(trees=100, depth=4, rate=0.05, ridge=10.0, columns=1.0)


@dataclass(frozen=True, slots=True)
class Rows:
    """What was known each day, and what the next day's log range then was."""

    times: list[date]
    known_at: list[date]
    inputs: list[dict[str, float]]
    more: list[dict[str, float | None]]
    smoothed: list[float]
    targets: list[float]

    def all_inputs(self, rows: range) -> list[dict[str, float | None]]:
        """Everything that the trees see of some rows."""
        return [{**self.inputs[i], **self.more[i]} for i in rows]


def rows_of(bars: Sequence[Bar]) -> Rows:
    """Pair each day with the day after it.

    Raises:
        PredictorError: There are too few bars, or they are not in order of time.
    """
    _refuse_few(bars)
    har_inputs, means, further = inputs(bars), smoothed(bars), more(bars)
    rows = Rows([], [], [], [], [], [])
    for i, row in enumerate(har_inputs[:-1]):
        if row is not None:
            rows.times.append(bars[i].date)
            rows.known_at.append(bars[i + 1].date)
            rows.inputs.append(row)
            rows.more.append(further[i])
            rows.smoothed.append(means[i])
            rows.targets.append(log_range(bars[i + 1]))
    in_order(rows.times, rows.known_at)
    return rows


def _refuse_few(bars: Sequence[Bar]) -> None:
    if not bars:
        raise PredictorError(f"there are no bars, at least {MIN_BARS} are needed")
    if len(bars) < MIN_BARS:
        raise PredictorError(
            f"{len(bars)} bars are too few (the last is of {bars[-1].date}), at least {MIN_BARS}"
            " are needed"
        )


def fit(rows: Rows, train: range) -> list[float]:
    """The intercept and the weights of day, week and month.

    Raises:
        PredictorError: The ranges do not vary enough to fit anything.
    """
    try:
        return least_squares(
            [[rows.inputs[i][name] for name in NAMES] for i in train],
            [rows.targets[i] for i in train],
        )
    except ValueError as error:
        raise PredictorError(f"the range model cannot be fitted: {error}") from error


def har(weights: Sequence[float], inputs: dict[str, float]) -> float:
    """The model's forecast of tomorrow's log range."""
    pairs = zip(weights[1:], NAMES, strict=True)
    return math.fsum([weights[0], *(weight * inputs[name] for weight, name in pairs)])


def fit_trees(rows: Rows, train: range, weights: Sequence[float]) -> Residual:
    """Trees on what HAR leaves over."""
    return Residual.fit(
        (*NAMES, *MORE),
        rows.all_inputs(train),
        [rows.targets[i] for i in train],
        [har(weights, rows.inputs[i]) for i in train],
        loss="RMSE",
        settings=TREES,
    )


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What each model forecast of some days before they came, and what they then were."""

    days: list[date]
    actual: list[float]
    by_model: dict[str, list[float]]

    def figures(self) -> dict[str, dict[str, float]]:
        """R² and RMSE of each model.

        Raises:
            PredictorError: The ranges do not vary.
        """
        try:
            return {name: self._figures_of(values) for name, values in self.by_model.items()}
        except ValueError as error:
            raise PredictorError(f"nothing to compare: {error}") from error

    def _figures_of(self, forecasts: Sequence[float]) -> dict[str, float]:
        return {
            "R²": round(metrics.r_squared(self.actual, forecasts), 4),
            "RMSE": round(metrics.rmse(self.actual, forecasts), 6),
        }


def walk(rows: Rows, *, first: int, last: int, step: int) -> Forecasts:
    """Forecasts of rows first to last, each by models that knew only earlier answers.

    Args:
        rows: All rows, in order of time.
        first: The first row to forecast.
        last: The row to stop before.
        step: How many rows are forecast before the models are fitted anew.
    """
    forecasts = Forecasts([], [], {})
    splits = walk_forward(rows.times[:last], rows.known_at[:last], first=first, step=step, gap=GAP)
    for train, test in splits:
        for name, values in _forecast(rows, train, test).items():
            forecasts.by_model.setdefault(name, []).extend(values)
        forecasts.days.extend(rows.known_at[i] for i in test)
        forecasts.actual.extend(rows.targets[i] for i in test)
    return forecasts


def _forecast(rows: Rows, train: range, test: range) -> dict[str, list[float]]:
    """What each model, fitted on some rows, forecasts of others."""
    weights = fit(rows, train)
    mean = math.fsum(rows.targets[i] for i in train) / len(train)
    by_har = [har(weights, rows.inputs[i]) for i in test]
    forecasts = {
        "today": [rows.inputs[i]["day"] for i in test],
        "smoothed": [rows.smoothed[i] for i in test],
        "mean": [mean] * len(test),
        HAR: by_har,
    }
    if available():
        adds = fit_trees(rows, train, weights).adds(rows.all_inputs(test))
        forecasts[RESIDUAL] = list(map(add, by_har, adds))
    return forecasts


@dataclass(frozen=True, slots=True)
class Compared:
    """Every model on the years before the hold-out and on the hold-out, and the verdict."""

    walked: Forecasts
    hold_out: Forecasts
    figures: dict[str, dict[str, dict[str, float]]]
    verdict: Verdict


def compare(rows: Rows) -> Compared:
    """Walk forward year by year, then over the hold-out, and choose the model to put in force.

    A model is chosen only if its error is below that of the simpler one on both parts; the trees
    must also add WORTH to HAR's R² on the hold-out.
    """
    count = len(rows.targets)
    cut = round(count * (1 - HOLD_OUT))
    walked = walk(rows, first=min(YEAR * 2, cut // 2), last=cut, step=YEAR)
    hold_out = walk(rows, first=cut, last=count, step=YEAR)
    figures = {"walk-forward": walked.figures(), "hold-out": hold_out.figures()}
    best = min(BASELINES, key=lambda name: figures["hold-out"][name]["RMSE"])
    candidates = [best, HAR, *([RESIDUAL] if RESIDUAL in hold_out.by_model else [])]
    verdict = select_model(candidates, lambda name, simpler: _defeat(figures, name, simpler))
    return Compared(walked, hold_out, figures, verdict)


def _defeat(figures: dict[str, dict[str, dict[str, float]]], name: str, simpler: str) -> str:
    """In what a model did not beat the simpler one (HAR: every baseline); "" when it did."""
    for part, by_model in figures.items():
        row = by_model[name]
        for rival in BASELINES if name == HAR else (simpler,):
            if row["RMSE"] >= by_model[rival]["RMSE"]:
                return f"R² {row['R²']:.3f} against {by_model[rival]['R²']:.3f} of {rival} ({part})"
    hold_out = figures["hold-out"]
    gain = hold_out[name]["R²"] - hold_out[simpler]["R²"]
    if name == RESIDUAL and gain < WORTH:
        return f"it adds {gain:+.3f} to R² on the hold-out, {WORTH:+.2f} are asked"
    return ""


def table(compared: Compared) -> dict[str, dict[str, Any]]:
    """The figures of every model, both parts side by side."""
    rows: dict[str, dict[str, Any]] = {}
    for name in compared.hold_out.by_model:
        rows[name] = {}
        for part, by_model in compared.figures.items():
            for figure in ("R²", "RMSE"):
                rows[name][f"{figure}, {part}"] = by_model[name][figure]
    return rows
