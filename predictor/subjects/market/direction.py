"""Up or down tomorrow: tried in the open, charged for, and believed only against all trials."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
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
    """What each model said of some days: the chance of a rise; and the returns they brought."""

    days: list[date]
    actual: list[float]
    said: dict[str, list[float]]
    refits: int


def walk(bars: Sequence[Bar]) -> Directions:
    """Forecast every day from the third year on, each by models that knew only earlier days.

    Raises:
        PredictorError: There are too few bars.
    """
    daily, further = returns(bars), more(bars)
    rows = range(YEAR, len(bars) - 1)
    if len(rows) <= FIRST:
        raise PredictorError(
            f"{len(bars)} bars are too few to test directions on, {YEAR + FIRST + 2} are needed"
        )
    times = [bars[i].date for i in rows]
    known = [bars[i + 1].date for i in rows]
    nexts = [daily[i + 1] for i in rows]
    known_inputs = [further[i] for i in rows]
    step = max(1, math.ceil((len(rows) - FIRST) / REFITS))
    names = (ALWAYS_UP, MOMENTUM, AR1, LOGIT, *([RESIDUAL] if available() else []))
    found = Directions([], [], {name: [] for name in names}, REFITS)
    for train, test in walk_forward(times, known, first=FIRST, step=step, gap=GAP):
        ups = [nexts[i] > 0 for i in train]
        share = sum(ups) / len(ups)
        _baselines(found, known_inputs, nexts, train, test, share)
        logit = _logit(known_inputs, ups, train)
        base = [logit.logit(known_inputs[i]) for i in test]
        found.said[LOGIT].extend(map(sigmoid, base))
        if RESIDUAL in found.said:
            trees = Residual.fit(
                MORE,
                [known_inputs[i] for i in train],
                [float(up) for up in ups],
                [logit.logit(known_inputs[i]) for i in train],
                settings=TREES,
            )
            adds = trees.adds([known_inputs[i] for i in test])
            found.said[RESIDUAL].extend(sigmoid(b + a) for b, a in zip(base, adds, strict=True))
        found.days.extend(known[i] for i in test)
        found.actual.extend(nexts[i] for i in test)
    return found


def _baselines(
    found: Directions,
    known: Sequence[dict[str, float | None]],
    nexts: Sequence[float],
    train: range,
    test: range,
    share: float,
) -> None:
    pairs = [(known[i]["return_1"] or 0.0, nexts[i]) for i in train]
    a, b = least_squares([[x] for x, _ in pairs], [y for _, y in pairs])
    spread = math.sqrt(math.fsum((y - a - b * x) ** 2 for x, y in pairs) / len(pairs)) or 1.0
    for i in test:
        found.said[ALWAYS_UP].append(share)
        rising = (known[i]["return_21"] or 0.0) > 0
        found.said[MOMENTUM].append(0.51 if rising else 0.49)
        forecast = a + b * (known[i]["return_1"] or 0.0)
        found.said[AR1].append(NormalDist().cdf(forecast / spread))


def _logit(
    known: Sequence[dict[str, float | None]], ups: Sequence[bool], train: range
) -> prior.Prior:
    table = [[float(known[i][name] or 0.0) for name in LOGIT_INPUTS] for i in train]
    return prior.fit(LOGIT_INPUTS, table, ups, ridge=100.0)


def earned(said: Sequence[float], actual: Sequence[float], cost: float = COST) -> list[float]:
    """Daily returns of holding when a rise is likelier than not, after costs."""
    result, before = [], 0.0
    for chance, move in zip(said, actual, strict=True):
        held = 1.0 if chance > 0.5 else 0.0
        result.append(held * move - cost * abs(held - before))
        before = held
    return result


def figures(found: Directions, trials: Sequence[float]) -> dict[str, dict[str, float]]:
    """Accuracy, Brier score and Sharpe ratios of each model.

    Args:
        found: The forecasts.
        trials: Daily Sharpe ratios of everything tried on this series so far, these included.
    """
    truth = [move > 0 for move in found.actual]
    holding = earned([1.0] * len(truth), found.actual)
    table: dict[str, dict[str, float]] = {}
    for name, said in found.said.items():
        gained = earned(said, found.actual)
        hits = sum((p > 0.5) == up for p, up in zip(said, truth, strict=True))
        table[name] = {
            "accuracy": hits / len(truth),
            "Brier": metrics.brier(truth, said),
            "Sharpe, no cost": annual(sharpe(earned(said, found.actual, 0.0))),
            "Sharpe": annual(sharpe(gained)),
            "deflated": deflated_sharpe(gained, trials),
            "beats holding": probabilistic_sharpe(
                [mine - held for mine, held in zip(gained, holding, strict=True)]
            ),
        }
    return {name: {k: round(v, 4) for k, v in held.items()} for name, held in table.items()}


def verdict(table: dict[str, dict[str, float]], trials: int) -> tuple[bool, str]:
    """Whether an edge may be spoken of, and why.

    The deflated Sharpe ratio asks whether a rule earns anything; on a series that rises, merely
    holding does. So what it earns beyond holding must be as certain, and its probabilities better
    than the share of days that rise.
    """
    rivals = [name for name in (LOGIT, RESIDUAL) if name in table]
    best = max(rivals, key=lambda name: table[name]["deflated"])
    mine, up = table[best], table[ALWAYS_UP]
    said = (
        f"{best}: deflated Sharpe ratio {mine['deflated']:.2f} over {trials} trials"
        f" and {mine['beats holding']:.2f} certain to beat holding ({CERTAIN} asked of both);"
        f" Brier score {mine['Brier']:.4f} against {up['Brier']:.4f} of always up"
    )
    good = (
        mine["deflated"] >= CERTAIN
        and mine["beats holding"] >= CERTAIN
        and mine["Brier"] < up["Brier"]
    )
    return good, f"{'an edge' if good else 'no edge'}: {said}"


def read_trials(path: Path, source: str) -> list[float]:
    """The daily Sharpe ratios of everything tried on a source so far.

    Raises:
        PredictorError: A line is damaged; deleting the log would be cheating, so it says so.
    """
    found: list[float] = []
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
                found.append(float(trial["sharpe"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PredictorError(
                f"{path}, line {number}: no trial ({error!r}); the log counts what was tried, so"
                " mend the line rather than delete the file"
            ) from error
    return found


def log_trials(path: Path, source: str, found: Directions) -> list[float]:
    """Add this run's trials to the log; every trial on the source so far, these included.

    Raises:
        PredictorError: The log cannot be read or written.
    """
    before = read_trials(path, source)
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    fresh: list[dict[str, Any]] = [
        {
            "at": stamp,
            "source": source,
            "model": name,
            "days": len(found.days),
            "sharpe": sharpe(earned(said, found.actual)),
        }
        for name, said in found.said.items()
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(trial) + "\n" for trial in fresh)
    except OSError as error:
        raise PredictorError(f"{path}: cannot be written: {error.strerror}") from error
    return [*before, *(trial["sharpe"] for trial in fresh)]
