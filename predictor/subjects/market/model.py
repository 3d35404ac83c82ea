"""The market model: compared, decided on, stored, and asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub
from pathlib import Path
from typing import Any

from copydesk.predictor.core import metrics, model_files
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.lookahead import refuse_lookahead
from copydesk.predictor.core.model_card import markdown
from copydesk.predictor.core.prior import Term
from copydesk.predictor.core.progress import Progress, silent
from copydesk.predictor.core.residual_model import Residual, available
from copydesk.predictor.subjects.market import direction, ranges
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import MORE, NAMES, inputs, more, smoothed
from copydesk.predictor.subjects.market.ranges import HAR, RESIDUAL

SUBJECT = "market"
LOW, HIGH = 0.1, 0.9
"""The quantiles of the hold-out's errors that bound a forecast: 8 days in 10 lie within."""


@dataclass(frozen=True, slots=True)
class Studied:
    """A series, and everything that was found out about it."""

    rows: ranges.Rows
    ranges: ranges.Compared
    direction: direction.Directions | None


def study(bars: Sequence[Bar], *, say: Progress = silent) -> Studied:
    """Compare all models on a series. Writes nothing.

    Raises:
        PredictorError: The bars are too few, out of order or without variation, or an input knows
            the future.
    """
    refuse_lookahead(inputs, bars)
    refuse_lookahead(more, bars)
    rows = ranges.rows_of(bars)
    say("walking forward: ranges")
    compared = ranges.compare(rows)
    say("walking forward: directions")
    directions = None
    try:
        directions = direction.walk(bars)
    except PredictorError as error:
        say(f"directions are not tried: {error}")
    return Studied(rows, compared, directions)


def train(bars: Sequence[Bar], source: str, out: Path, *, say: Progress = silent) -> dict[str, Any]:
    """Compare, decide, fit what is in force on everything, and write the model.

    Args:
        bars: Daily bars in order of time.
        source: Where they are from, for the card and the log of trials.
        out: The folder to write to; made when missing. trials.jsonl there is only added to.
        say: Told what is going on.

    Returns:
        The card.

    Raises:
        PredictorError: The bars cannot be used, or the folder cannot be written.
    """
    try:
        studied = study(bars, say=say)
    except PredictorError as error:
        raise PredictorError(f"{source}: {error}") from error
    market = fitted(studied)
    card = describe(bars, source, studied, _directions(studied, source, out))
    return model_files.save(out, market.prior, market.trees, card, markdown(card))


def fitted(studied: Studied) -> Market:
    """What is in force for a series, fitted on all of it. Its card is left empty."""
    rows, compared = studied.rows, studied.ranges
    in_force = compared.verdict.in_force
    every = range(len(rows.targets))
    weights = ranges.fit(rows, every)
    trees = ranges.fit_trees(rows, every, weights) if in_force == RESIDUAL else None
    low, high = bounds(compared, in_force)
    prior = {
        "in_force": in_force,
        "intercept": weights[0],
        "weights": dict(zip(NAMES, weights[1:], strict=True)),
        "mean": math.fsum(rows.targets) / len(rows.targets),
        "error_low": low,
        "error_high": high,
    }
    return Market(prior, trees, {})


def bounds(compared: ranges.Compared, name: str) -> tuple[float, float]:
    """The errors on the hold-out that 8 in 10 lie between."""
    hold_out = compared.hold_out
    errors = list(map(sub, hold_out.actual, hold_out.by_model[name]))
    return metrics.quantile(errors, LOW), metrics.quantile(errors, HIGH)


def _directions(studied: Studied, source: str, out: Path) -> dict[str, Any]:
    if studied.direction is None:
        return {"edge": False, "why": "no edge: too few bars to test it", "figures": {}}
    trials = direction.log_trials(out / direction.TRIALS, source, studied.direction)
    table = direction.figures(studied.direction, trials)
    edge, why = direction.verdict(table, len(trials))
    return {"edge": edge, "why": why, "figures": table, "trials": len(trials)}


def describe(
    bars: Sequence[Bar], source: str, studied: Studied, tried: dict[str, Any]
) -> dict[str, Any]:
    """The model card of a series.

    Args:
        bars: The series.
        source: What it is called.
        studied: What was found out about it.
        tried: Of directions: `edge`, `why`, `figures`.
    """
    compared = studied.ranges
    why = list(compared.verdict.why)
    if not available():
        why.append("no trees were tried: CatBoost is not installed (copydesk[predictor])")
    why.append(f"direction is not predicted: {tried['why']}" if not tried["edge"] else tried["why"])
    return {
        "subject": SUBJECT,
        "title": "Tomorrow's range",
        "predicts": "How far the next day's high stands above its low; figures are for"
        " ln(ln(high/low)).",
        "about": {
            "source": source,
            "bars": len(bars),
            "from": bars[0].date.isoformat(),
            "to": bars[-1].date.isoformat(),
            "hold-out from": compared.hold_out.days[0].isoformat(),
            "gap in days": ranges.GAP.days,
        },
        "figures": ranges.table(compared),
        "in_force": compared.verdict.in_force,
        "why": why,
        "direction": tried,
        "limits": [
            "The past of one series; a change of regime is not in it.",
            "Adjusted prices hold later knowledge as levels; only ratios are used.",
        ],
        "inputs": [*NAMES, *MORE],
        "last_days": _moves(bars[-KNOWN_DAYS - 1 :]),
    }


KNOWN_DAYS = 60
"""Of how many of its last days a card keeps the move of the price, to know the series again."""

SAME_MOVE = 0.002
"""How far a day's move may differ where prices were adjusted since, as for a dividend."""


def _moves(bars: Sequence[Bar]) -> dict[str, float]:
    """The move of each day's close against the day before, by day; the first day has none."""
    return {
        bar.date.isoformat(): round(bar.close / before.close - 1, 6)
        for before, bar in pairwise(bars)
    }


def refuse_other_series(market: Market, bars: Sequence[Bar], name: str) -> None:
    """Make sure that a model is asked about the series it was trained on, later days or not.

    Raises:
        PredictorError: The series holds none of the last days of the training, or other prices.
    """
    known: dict[str, float] | None = market.card.get("last_days")
    trained_on = market.card.get("about", {}).get("source", "another series")
    if not known:
        raise PredictorError(
            f"the model's card does not say which days it was trained on ({trained_on}); train it"
            " again"
        )
    moves = _moves(bars)
    common = known.keys() & moves.keys()
    same = sum(abs(known[day] - moves[day]) <= SAME_MOVE for day in common)
    if not common or same < 0.8 * len(common):
        days = f"{min(known)} to {max(known)}"
        why = "its prices differ" if common else "it holds none of them"
        raise PredictorError(
            f"{name} is not the series this model was trained on, {trained_on}: of the days {days}"
            f" {why}; train a model on it"
        )


@dataclass(frozen=True, slots=True)
class Market:
    """A trained market model."""

    prior: dict[str, Any]
    trees: Residual | None
    card: dict[str, Any]


def load(folder: Path) -> Market:
    """Read a model and check it against its card.

    Raises:
        PredictorError: A file is missing, damaged, or not the one the card was made for.
    """
    stored = model_files.load(folder, SUBJECT)
    needed = {"in_force", "intercept", "weights", "mean", "error_low", "error_high"}
    if not needed <= stored.prior.keys() or set(stored.prior["weights"]) != set(NAMES):
        raise PredictorError(f"{folder} does not hold a market model; train it again")
    if (stored.prior["in_force"] == RESIDUAL) != (stored.residual is not None):
        raise PredictorError(
            f"{folder}: the model needs the file {model_files.RESIDUAL}, which is gone; train it"
            " again"
        )
    return Market(stored.prior, stored.residual, stored.card)


def forecast(market: Market, bars: Sequence[Bar]) -> dict[str, Any]:
    """Tomorrow's log range after the last bar, what it is made of, and its 80 % interval.

    Raises:
        PredictorError: There are fewer than 22 bars.
    """
    last = inputs(bars)[-1] if bars else None
    if last is None:
        raise PredictorError(f"{len(bars)} bars are too few to predict from, 22 are needed")
    terms = _terms(market, bars, last)
    value = math.fsum(term.contribution for term in terms)
    return {
        "after": bars[-1].date.isoformat(),
        "in_force": str(market.prior["in_force"]),
        "log_range": value,
        "low": value + market.prior["error_low"],
        "high": value + market.prior["error_high"],
        "terms": [term._asdict() for term in terms],
    }


def _terms(market: Market, bars: Sequence[Bar], last: dict[str, float]) -> list[Term]:
    """What a forecast is the sum of, given the HAR inputs of the last bar."""
    prior, in_force = market.prior, str(market.prior["in_force"])
    if in_force not in (HAR, RESIDUAL):
        baselines = {"today": last["day"], "smoothed": smoothed(bars)[-1], "mean": prior["mean"]}
        return [Term(in_force, None, baselines[in_force])]
    weights = prior["weights"]
    terms = [Term("intercept", None, prior["intercept"])]
    terms += [Term(name, last[name], weights[name] * last[name]) for name in NAMES]
    if market.trees is not None:
        terms += market.trees.explain([{**last, **more(bars)[-1]}])[0]
    return terms
