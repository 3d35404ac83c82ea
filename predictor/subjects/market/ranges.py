"""Tomorrow's range: HAR, its rivals of one number, and trees on what HAR leaves over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from copydesk.predictor.core import metrics
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.linear import least_squares
from copydesk.predictor.core.model_selection import Verdict, climb
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
"""The share of the rows, the latest, that only the gate sees."""

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

    def all_inputs(self, which: range) -> list[dict[str, float | None]]:
        """Everything that the trees see of some rows."""
        return [{**self.inputs[i], **self.more[i]} for i in which]


def rows_of(bars: Sequence[Bar]) -> Rows:
    """Pair each day with the day after it.

    Raises:
        PredictorError: There are too few bars, or they are not in order of time.
    """
    if len(bars) < MIN_BARS:
        raise PredictorError(
            f"{len(bars)} bars are too few (the last is of {bars[-1].date}), at least {MIN_BARS}"
            " are needed"
            if bars
            else f"there are no bars, at least {MIN_BARS} are needed"
        )
    known, means, further = inputs(bars), smoothed(bars), more(bars)
    days = [(i, row) for i, row in enumerate(known[:-1]) if row is not None]
    rows = Rows(
        times=[bars[i].date for i, _ in days],
        known_at=[bars[i + 1].date for i, _ in days],
        inputs=[row for _, row in days],
        more=[further[i] for i, _ in days],
        smoothed=[means[i] for i, _ in days],
        targets=[log_range(bars[i + 1]) for i, _ in days],
    )
    in_order(rows.times, rows.known_at)
    return rows


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


def har(weights: Sequence[float], known: dict[str, float]) -> float:
    """The model's forecast of tomorrow's log range."""
    pairs = zip(weights[1:], NAMES, strict=True)
    return math.fsum([weights[0], *(w * known[name] for w, name in pairs)])


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
    """What each model said of some days before they came, and what they then were."""

    days: list[date]
    actual: list[float]
    said: dict[str, list[float]]

    def figures(self) -> dict[str, dict[str, float]]:
        """R² and RMSE of each model.

        Raises:
            PredictorError: The ranges do not vary.
        """
        try:
            return {
                name: {
                    "R²": round(metrics.r_squared(self.actual, values), 4),
                    "RMSE": round(metrics.rmse(self.actual, values), 6),
                }
                for name, values in self.said.items()
            }
        except ValueError as error:
            raise PredictorError(f"nothing to compare: {error}") from error


def walk(rows: Rows, *, first: int, last: int, step: int) -> Forecasts:
    """Forecasts of rows first to last, each by models that knew only earlier answers."""
    names = (*BASELINES, HAR, *([RESIDUAL] if available() else []))
    found = Forecasts([], [], {name: [] for name in names})
    said = found.said
    splits = walk_forward(rows.times[:last], rows.known_at[:last], first=first, step=step, gap=GAP)
    for train, test in splits:
        weights = fit(rows, train)
        mean = math.fsum(rows.targets[i] for i in train) / len(train)
        base = [har(weights, rows.inputs[i]) for i in test]
        found.days.extend(rows.known_at[i] for i in test)
        found.actual.extend(rows.targets[i] for i in test)
        said["today"].extend(rows.inputs[i]["day"] for i in test)
        said["smoothed"].extend(rows.smoothed[i] for i in test)
        said["mean"].extend(mean for _ in test)
        said[HAR].extend(base)
        if RESIDUAL in said:
            adds = fit_trees(rows, train, weights).adds(rows.all_inputs(test))
            said[RESIDUAL].extend(b + a for b, a in zip(base, adds, strict=True))
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """Every model on the years before the hold-out and on the hold-out, and the verdict."""

    walked: Forecasts
    held: Forecasts
    figures: dict[str, dict[str, dict[str, float]]]
    verdict: Verdict


def compare(rows: Rows) -> Compared:
    """Walk forward year by year, then over the hold-out, and let the gate decide.

    A model stands only if its error is below that of the simpler one on both parts; the trees
    must also add WORTH to HAR's R² on the hold-out.
    """
    count = len(rows.targets)
    cut = round(count * (1 - HOLD_OUT))
    walked = walk(rows, first=min(YEAR * 2, cut // 2), last=cut, step=YEAR)
    held = walk(rows, first=cut, last=count, step=YEAR)
    figures = {"walk-forward": walked.figures(), "hold-out": held.figures()}
    best = min(BASELINES, key=lambda name: figures["hold-out"][name]["RMSE"])

    def lost(name: str, other: str) -> str:
        for part, found in figures.items():
            mine = found[name]
            for rival in BASELINES if name == HAR else (other,):
                theirs = found[rival]
                if mine["RMSE"] >= theirs["RMSE"]:
                    return f"R² {mine['R²']:.3f} against {theirs['R²']:.3f} of {rival} ({part})"
        gain = figures["hold-out"][name]["R²"] - figures["hold-out"][other]["R²"]
        if name == RESIDUAL and gain < WORTH:
            return f"it adds {gain:+.3f} to R² on the hold-out, {WORTH:+.2f} are asked"
        return ""

    ladder = [best, HAR, *([RESIDUAL] if RESIDUAL in held.said else [])]
    return Compared(walked, held, figures, climb(ladder, lost))


def table(compared: Compared) -> dict[str, dict[str, Any]]:
    """The figures of every model, both parts side by side."""
    return {
        name: {
            f"{figure}, {part}": compared.figures[part][name][figure]
            for part in compared.figures
            for figure in ("R²", "RMSE")
        }
        for name in compared.held.said
    }
