"""Fit the range model, hold it against one-number rivals, and say which is in force."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from copydesk.predictor.core import judge
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.leaks import refuse_lookahead
from copydesk.predictor.core.linear import least_squares
from copydesk.predictor.core.split import in_order, walk_forward
from copydesk.predictor.subjects.market.data import Bar
from copydesk.predictor.subjects.market.features import NAMES, inputs, log_range, smoothed

FORMAT = "copydesk-market-1"
PRIOR, CARD = "prior.json", "card.json"
MIN_BARS = 300
YEAR = 252
GAP = timedelta(days=1)
HOLD_OUT = 0.2
"""The share of the rows, the latest, that only the gate sees."""

BASELINES = ("today", "smoothed", "mean")


@dataclass(frozen=True, slots=True)
class Rows:
    """What was known each day, and what the next day's log range then was."""

    times: list[date]
    known_at: list[date]
    inputs: list[dict[str, float]]
    smoothed: list[float]
    targets: list[float]


def rows_of(bars: Sequence[Bar]) -> Rows:
    """Pair each day with the day after it.

    Raises:
        PredictorError: There are too few bars, or they are not in order of time.
    """
    if len(bars) < MIN_BARS:
        raise PredictorError(f"{len(bars)} bars are too few, at least {MIN_BARS} are needed")
    known, means = inputs(bars), smoothed(bars)
    days = [(i, row) for i, row in enumerate(known[:-1]) if row is not None]
    rows = Rows(
        times=[bars[i].date for i, _ in days],
        known_at=[bars[i + 1].date for i, _ in days],
        inputs=[row for _, row in days],
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


def train(bars: Sequence[Bar], source: str, out: Path) -> dict[str, Any]:
    """Fit, compare, decide, and write prior.json and card.json.

    The gate: the model is in force only if its squared error is below that of every one-number
    baseline, on the walk-forward part and on the hold-out alike. Otherwise the best baseline of
    the hold-out is in force.

    Args:
        bars: Daily bars in order of time.
        source: Where they are from, for the card.
        out: The folder to write to; made when missing.

    Returns:
        The card.

    Raises:
        PredictorError: The bars are too few, out of order or without variation.
    """
    refuse_lookahead(inputs, bars)
    rows = rows_of(bars)
    count = len(rows.targets)
    cut = round(count * (1 - HOLD_OUT))
    walked = _forecasts(rows, first=min(YEAR, cut // 2), last=cut, step=YEAR)
    held = _forecasts(rows, first=cut, last=count, step=count - cut)
    figures = {"walk_forward": _figures(walked), "hold_out": _figures(held)}
    beaten = {
        part: figures[part]["har"]["rmse"] < min(figures[part][b]["rmse"] for b in BASELINES)
        for part in figures
    }
    best = min(BASELINES, key=lambda name: figures["hold_out"][name]["rmse"])
    in_force = "har" if all(beaten.values()) else best
    weights = fit(rows, range(count))
    errors = [a - f for a, f in zip(held["actual"], held[in_force], strict=True)]
    model = {
        "format": FORMAT,
        "in_force": in_force,
        "intercept": weights[0],
        "weights": dict(zip(NAMES, weights[1:], strict=True)),
        "mean": math.fsum(rows.targets) / count,
        "error_low": judge.quantile(errors, 0.1),
        "error_high": judge.quantile(errors, 0.9),
    }
    card = {
        "subject": "market",
        "predicts": "tomorrow's range: how far the high stands above the low",
        "scale": "figures are for ln(ln(high/low))",
        "source": source,
        "bars": len(bars),
        "from": bars[0].date.isoformat(),
        "to": bars[-1].date.isoformat(),
        "rows": count,
        "hold_out_from": rows.times[cut].isoformat(),
        "gap_days": GAP.days,
        "figures": figures,
        "in_force": in_force,
        "why": _why(in_force, beaten, figures),
        "not_predicted": "direction: no edge was shown for it, so nothing is said of it",
        "inputs": list(NAMES),
    }
    return _save(model, card, out)


_Forecasts = dict[str, list[float]]


def _forecasts(rows: Rows, *, first: int, last: int, step: int) -> _Forecasts:
    """Forecasts of rows first to last, each by models that knew only earlier answers."""
    said: _Forecasts = {name: [] for name in ("actual", "har", *BASELINES)}
    splits = walk_forward(rows.times[:last], rows.known_at[:last], first=first, step=step, gap=GAP)
    for train_rows, test in splits:
        weights = fit(rows, train_rows)
        mean = math.fsum(rows.targets[i] for i in train_rows) / len(train_rows)
        for i in test:
            said["actual"].append(rows.targets[i])
            said["har"].append(har(weights, rows.inputs[i]))
            said["today"].append(rows.inputs[i]["day"])
            said["smoothed"].append(rows.smoothed[i])
            said["mean"].append(mean)
    return said


def _figures(said: _Forecasts) -> dict[str, Any]:
    actual = said["actual"]
    figures: dict[str, Any] = {"rows": len(actual)}
    for name in ("har", *BASELINES):
        try:
            share = round(judge.r_squared(actual, said[name]), 4)
        except ValueError as error:
            raise PredictorError(f"nothing to compare: {error}") from error
        figures[name] = {"r2": share, "rmse": round(judge.rmse(actual, said[name]), 6)}
    return figures


def _why(in_force: str, beaten: dict[str, bool], figures: dict[str, Any]) -> str:
    held = figures["hold_out"]
    rivals = ", ".join(f"{name} {held[name]['r2']}" for name in BASELINES)
    said = f"R² on the hold-out: har {held['har']['r2']}, {rivals}."
    if in_force == "har":
        return f"{said} The model beat every one-number baseline there and before it."
    lost = " and ".join(part.replace("_", " ") for part, won in beaten.items() if not won)
    return f"{said} The model did not beat every one-number baseline ({lost}); {in_force} stands."


def _save(model: dict[str, Any], card: dict[str, Any], out: Path) -> dict[str, Any]:
    text = json.dumps(model, indent=2) + "\n"
    card["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / PRIOR, text)
        _write(out / CARD, json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise PredictorError(f"{out}: cannot be written: {error.strerror}") from error
    return card


def _write(path: Path, text: str) -> None:
    """Write under a temporary name first, so that a reader never sees half a file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a model and its card, and hold the one against the other.

    Raises:
        PredictorError: A file is missing, is not ours, or is not the one the card was made for.
    """
    try:
        text = (folder / PRIOR).read_bytes()
        card: dict[str, Any] = json.loads((folder / CARD).read_bytes())
        model: dict[str, Any] = json.loads(text)
        known, form = card["sha256"], model["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PredictorError(
            f"{folder}: no market model ({error}); make one with copydesk.predictor.train"
        ) from error
    if hashlib.sha256(text).hexdigest() != known or form != FORMAT:
        raise PredictorError(f"{folder / PRIOR} is not the file its card was made for; train again")
    return model, card


def forecast(model: dict[str, Any], bars: Sequence[Bar]) -> dict[str, Any]:
    """Tomorrow's log range after the last bar, what it is made of, and its 80 % interval.

    Raises:
        PredictorError: There are fewer than 22 bars.
    """
    known = inputs(bars)[-1] if bars else None
    if known is None:
        raise PredictorError(f"{len(bars)} bars are too few to predict from, 22 are needed")
    rivals = {"today": known["day"], "smoothed": smoothed(bars)[-1], "mean": model["mean"]}
    if model["in_force"] == "har":
        weights = model["weights"]
        terms = {"intercept": model["intercept"]}
        terms |= {name: weights[name] * known[name] for name in NAMES}
    else:
        terms = {model["in_force"]: rivals[model["in_force"]]}
    value = math.fsum(terms.values())
    return {
        "after": bars[-1].date.isoformat(),
        "in_force": model["in_force"],
        "log_range": value,
        "low": value + model["error_low"],
        "high": value + model["error_high"],
        "terms": terms,
    }
