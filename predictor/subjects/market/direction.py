"""Up or down tomorrow: tried in the open, charged for, and believed only against all trials."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import add, sub
from pathlib import Path
from statistics import NormalDist
from typing import Any

from copydesk.predictor.core import metrics, prior
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.linear import least_squares
from copydesk.predictor.core.prior import sigmoid
from copydesk.predictor.core.residual_model import Residual, Settings, available
from copydesk.predictor.core.sharpe_ratio import (
    annual,
    deflated_sharpe,
    probabilistic_sharpe,
    sharpe,
)
from copydesk.predictor.core.time_split import walk_forward
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import MORE, YEAR, more, returns
from copydesk.predictor.subjects.market.ranges import GAP

COST = 0.0005
"""Of the value moved, a trade: 5 basis points."""

CERTAIN = 0.95
"""The deflated Sharpe ratio from which an edge may be spoken of."""

FIRST, REFITS = 2 * YEAR, 15
LOGIT_INPUTS = ("return_1", "return_5", "return_21", "volatility_21")
TREES = Settings(trees=150, depth=3, rate=0.02, ridge=30.0, columns=0.5)
ALWAYS_UP, MOMENTUM, AR1, LOGIT, RESIDUAL = (
    "always up",
    "momentum",
    "AR(1)",
    "logistic",
    "logistic + residual",
)
TRIALS = "trials.jsonl"


@dataclass(frozen=True, slots=True)
class Directions:
    """The chance of a rise that each model gave some days, and the returns they brought."""

    days: list[date]
    actual: list[float]
    by_model: dict[str, list[float]]
    refits: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """What was known each day, and the day after with its return."""

    days: list[date]
    next_days: list[date]
    next_returns: list[float]
    inputs: list[dict[str, float | None]]

    def inputs_of(self, rows: range) -> list[dict[str, float | None]]:
        return [self.inputs[i] for i in rows]


def walk(bars: Sequence[Bar]) -> Directions:
    """Forecast every day from the third year on, each by models that knew only earlier days.

    Raises:
        PredictorError: There are too few bars.
    """
    rows = _rows(bars)
    step = max(1, math.ceil((len(rows.days) - FIRST) / REFITS))
    names = (ALWAYS_UP, MOMENTUM, AR1, LOGIT, *([RESIDUAL] if available() else []))
    directions = Directions([], [], {name: [] for name in names}, REFITS)
    for train, test in walk_forward(rows.days, rows.next_days, first=FIRST, step=step, gap=GAP):
        chances = _baselines(rows, train, test) | _models(rows, train, test)
        for name in names:
            directions.by_model[name].extend(chances[name])
        directions.days.extend(rows.next_days[i] for i in test)
        directions.actual.extend(rows.next_returns[i] for i in test)
    return directions


def _rows(bars: Sequence[Bar]) -> _Rows:
    """The days from the second year on that have a day after them."""
    days = range(YEAR, len(bars) - 1)
    if len(days) <= FIRST:
        raise PredictorError(
            f"{len(bars)} bars are too few to test directions on, {YEAR + FIRST + 2} are needed"
        )
    daily, further = returns(bars), more(bars)
    return _Rows(
        days=[bars[i].date for i in days],
        next_days=[bars[i + 1].date for i in days],
        next_returns=[daily[i + 1] for i in days],
        inputs=[further[i] for i in days],
    )


def _baselines(rows: _Rows, train: range, test: range) -> dict[str, list[float]]:
    """The chances by the share of rises, by the month's direction and by yesterday's return."""
    share = sum(rows.next_returns[i] > 0 for i in train) / len(train)
    chances: dict[str, list[float]] = {ALWAYS_UP: [share] * len(test), MOMENTUM: [], AR1: []}
    pairs = [(rows.inputs[i]["return_1"] or 0.0, rows.next_returns[i]) for i in train]
    a, b = least_squares([[x] for x, _ in pairs], [y for _, y in pairs])
    spread = math.sqrt(math.fsum((y - a - b * x) ** 2 for x, y in pairs) / len(pairs)) or 1.0
    for inputs in rows.inputs_of(test):
        rising = (inputs["return_21"] or 0.0) > 0
        chances[MOMENTUM].append(0.51 if rising else 0.49)
        forecast = a + b * (inputs["return_1"] or 0.0)
        chances[AR1].append(NormalDist().cdf(forecast / spread))
    return chances


def _models(rows: _Rows, train: range, test: range) -> dict[str, list[float]]:
    """The chances by the logistic model, and by it with trees where CatBoost is installed."""
    past, ahead = rows.inputs_of(train), rows.inputs_of(test)
    ups = [rows.next_returns[i] > 0 for i in train]
    logistic = _logistic(past, ups)
    logits = [logistic.logit(inputs) for inputs in ahead]
    chances = {LOGIT: list(map(sigmoid, logits))}
    if available():
        prior_logits = [logistic.logit(inputs) for inputs in past]
        trees = Residual.fit(MORE, past, list(map(float, ups)), prior_logits, settings=TREES)
        chances[RESIDUAL] = list(map(sigmoid, map(add, logits, trees.adds(ahead))))
    return chances


def _logistic(past: Sequence[dict[str, float | None]], ups: Sequence[bool]) -> prior.Prior:
    table = [[float(inputs[name] or 0.0) for name in LOGIT_INPUTS] for inputs in past]
    return prior.fit(LOGIT_INPUTS, table, ups, ridge=100.0)


def earned(chances: Sequence[float], actual: Sequence[float], cost: float = COST) -> list[float]:
    """Daily returns of holding when a rise is likelier than not, after costs.

    Args:
        chances: The chance of a rise, day by day.
        actual: What each day then returned.
        cost: Of a trade, as a share of the value moved.
    """
    gains, before = [], 0.0
    for chance, move in zip(chances, actual, strict=True):
        position = 1.0 if chance > 0.5 else 0.0
        gains.append(position * move - cost * abs(position - before))
        before = position
    return gains


def figures(directions: Directions, trials: Sequence[float]) -> dict[str, dict[str, float]]:
    """Accuracy, Brier score and Sharpe ratios of each model.

    Args:
        directions: The forecasts.
        trials: Daily Sharpe ratios of everything tried on this series so far, these included.
    """
    table = {}
    for name, chances in directions.by_model.items():
        table[name] = _figures_of(chances, directions.actual, trials)
    return table


def _figures_of(
    chances: Sequence[float], actual: Sequence[float], trials: Sequence[float]
) -> dict[str, float]:
    truth = [move > 0 for move in actual]
    gains = earned(chances, actual)
    holding = earned([1.0] * len(truth), actual)
    hits = sum((p > 0.5) == up for p, up in zip(chances, truth, strict=True))
    values = {
        "accuracy": hits / len(truth),
        "Brier": metrics.brier(truth, chances),
        "Sharpe, no cost": annual(sharpe(earned(chances, actual, 0.0))),
        "Sharpe": annual(sharpe(gains)),
        "deflated": deflated_sharpe(gains, trials),
        "beats holding": probabilistic_sharpe(list(map(sub, gains, holding))),
    }
    return {name: round(value, 4) for name, value in values.items()}


def verdict(table: dict[str, dict[str, float]], trials: int) -> tuple[bool, str]:
    """Whether an edge may be spoken of, and why.

    The deflated Sharpe ratio asks whether a rule earns anything; on a series that rises, merely
    holding does. So what it earns beyond holding must be as certain, and its probabilities better
    than the share of days that rise.

    Args:
        table: What `figures` returned.
        trials: How many trials were counted.
    """
    rivals = [name for name in (LOGIT, RESIDUAL) if name in table]
    best = max(rivals, key=lambda name: table[name]["deflated"])
    row, up = table[best], table[ALWAYS_UP]
    certain = min(row["deflated"], row["beats holding"]) >= CERTAIN
    is_edge = certain and row["Brier"] < up["Brier"]
    return is_edge, (
        f"{'an edge' if is_edge else 'no edge'}:"
        f" {best}: deflated Sharpe ratio {row['deflated']:.2f} over {trials} trials"
        f" and {row['beats holding']:.2f} certain to beat holding ({CERTAIN} asked of both);"
        f" Brier score {row['Brier']:.4f} against {up['Brier']:.4f} of always up"
    )


def read_trials(path: Path, source: str) -> list[float]:
    """The daily Sharpe ratios of everything tried on a source so far.

    Raises:
        PredictorError: A line is damaged; deleting the log would be cheating, so it says so.
    """
    ratios: list[float] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise PredictorError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            trial = json.loads(line)
            if trial["source"] == source:
                ratios.append(float(trial["sharpe"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PredictorError(
                f"{path}, line {number}: no trial ({error!r}); the log counts what was tried, so"
                " mend the line rather than delete the file"
            ) from error
    return ratios


def log_trials(path: Path, source: str, directions: Directions) -> list[float]:
    """Add this run's trials to the log.

    Returns:
        The daily Sharpe ratios of every trial on the source so far, these included.

    Raises:
        PredictorError: The log cannot be read or written.
    """
    earlier = read_trials(path, source)
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    trials: list[dict[str, Any]] = [
        {
            "at": stamp,
            "source": source,
            "model": name,
            "days": len(directions.days),
            "sharpe": sharpe(earned(chances, directions.actual)),
        }
        for name, chances in directions.by_model.items()
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(trial) + "\n" for trial in trials)
    except OSError as error:
        raise PredictorError(f"{path}: cannot be written: {error.strerror}") from error
    return [*earlier, *(trial["sharpe"] for trial in trials)]
