"""A logistic model small enough to read: a handful of weights in a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import add, mul, sub
from typing import Any, NamedTuple

from copydesk.predictor.core.linear import solve

FORMAT = "copydesk-prior-1"
INTERCEPT = "(base rate)"


class Term(NamedTuple):
    """What one input adds to the logit."""

    name: str
    value: float | None
    contribution: float


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights for inputs that are sign-log scaled and standardised.

    An input x enters as (sign(x)·ln(1+|x|) − mean) / scale; None (not known) contributes 0.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        columns = (self.mean, self.scale, self.weights)
        if any(len(column) != len(self.names) for column in columns):
            raise ValueError("names, mean, scale and weights must be equally long")
        if not all(map(math.isfinite, (*self.mean, *self.scale, *self.weights, self.intercept))):
            raise ValueError("a prior holds finite numbers only")
        if any(scale <= 0 for scale in self.scale):
            raise ValueError("a scale must be above 0")

    def explain(self, values: Mapping[str, float | None]) -> tuple[Term, ...]:
        """The terms of the logit, the intercept first.

        Args:
            values: The inputs by name; a missing one counts as not known.

        Returns:
            Terms whose contributions, added with math.fsum, are the logit exactly.
        """
        terms = [Term(INTERCEPT, None, self.intercept)]
        for name, mean, scale, weight in zip(
            self.names, self.mean, self.scale, self.weights, strict=True
        ):
            value = values.get(name)
            contribution = 0.0 if value is None else weight * (sign_log(value) - mean) / scale
            terms.append(Term(name, value, contribution))
        return tuple(terms)

    def logit(self, values: Mapping[str, float | None]) -> float:
        """The log odds of the inputs."""
        return math.fsum(term.contribution for term in self.explain(values))

    def probability(self, values: Mapping[str, float | None]) -> float:
        """The probability of the inputs, between 0 and 1."""
        return sigmoid(self.logit(values))

    def to_json(self) -> dict[str, Any]:
        """The weights as a JSON object."""
        return {
            "format": FORMAT,
            "intercept": self.intercept,
            "terms": [
                {"name": n, "mean": m, "scale": s, "weight": w}
                for n, m, s, w in zip(self.names, self.mean, self.scale, self.weights, strict=True)
            ],
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> Prior:
        """Read what to_json wrote.

        Raises:
            ValueError: The text is not such a prior.
        """
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']!r} is not {FORMAT!r}")
            terms = data["terms"]
            return cls(
                names=tuple(str(t["name"]) for t in terms),
                mean=tuple(float(t["mean"]) for t in terms),
                scale=tuple(float(t["scale"]) for t in terms),
                weights=tuple(float(t["weight"]) for t in terms),
                intercept=float(data["intercept"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a prior: {error!r}") from error


def sign_log(value: float) -> float:
    """sign(x)·ln(1+|x|): tames counts that span three orders of magnitude."""
    return math.copysign(math.log1p(abs(value)), value)


def sigmoid(logit: float) -> float:
    """The logistic function, without overflow at either end."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1.0 + grown)


def logit(probability: float) -> float:
    """The log odds; probabilities are kept 1e-12 away from 0 and 1."""
    bounded = min(max(probability, 1e-12), 1 - 1e-12)
    return math.log(bounded / (1 - bounded))


def offset(logits: Sequence[float], labels: Sequence[float]) -> float:
    """What to add to logits so that their mean probability is the share of positive labels.

    Raises:
        ValueError: The labels are all equal.
    """
    share = math.fsum(labels) / len(labels) if labels else 0.0
    if not 0 < share < 1:
        raise ValueError("needs rows of both labels")
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if math.fsum(sigmoid(z + middle) for z in logits) / len(logits) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def fit(
    names: Sequence[str],
    rows: Sequence[Sequence[float]],
    labels: Sequence[bool],
    *,
    ridge: float = 10.0,
    rounds: int = 25,
) -> Prior:
    """Fit a prior by Newton's method on the penalised log likelihood.

    Args:
        names: The inputs, in the order of a row.
        rows: Known numbers only.
        labels: One a row.
        ridge: Half the weight of the sum of squared weights (the intercept is free); 10 is
            C=0.1 of scikit-learn.
        rounds: At most so many Newton steps.

    Raises:
        ValueError: There are no rows, or all labels are equal.
    """
    if not rows or len(set(map(bool, labels))) < 2:
        raise ValueError("a prior needs rows of both labels")
    columns = [list(map(sign_log, column)) for column in zip(*rows, strict=True)]
    means = [math.fsum(column) / len(rows) for column in columns]
    scales = [_deviation(column, mean) or 1.0 for column, mean in zip(columns, means, strict=True)]
    standardised = [[1.0] * len(rows)]
    for column, mean, scale in zip(columns, means, scales, strict=True):
        standardised.append([(x - mean) / scale for x in column])
    weights = _newton(standardised, labels, ridge, rounds)
    return Prior(tuple(names), tuple(means), tuple(scales), tuple(weights[1:]), weights[0])


def _deviation(values: Sequence[float], mean: float) -> float:
    return math.sqrt(math.fsum((x - mean) ** 2 for x in values) / len(values))


def _newton(
    columns: Sequence[Sequence[float]], labels: Sequence[bool], ridge: float, rounds: int
) -> list[float]:
    """The weights of standardised columns, the first of which is the intercept's."""
    answers = [float(bool(label)) for label in labels]
    share = sum(map(bool, labels)) / len(labels)
    weights = [math.log(share / (1 - share))] + [0.0] * (len(columns) - 1)
    for _ in range(rounds):
        step = _newton_step(columns, answers, weights, ridge)
        weights = list(map(add, weights, step))
        if max(map(abs, step)) < 1e-9:
            break
    return weights


def _newton_step(
    columns: Sequence[Sequence[float]], labels: Sequence[float], weights: list[float], ridge: float
) -> list[float]:
    """One step, column by column: loops that run in C, for tens of thousands of rows."""
    logits = [0.0] * len(labels)
    for weight, column in zip(weights, columns, strict=True):
        logits = list(map(add, logits, map(mul, repeat(weight), column)))
    shares = list(map(sigmoid, logits))
    misses = list(map(sub, labels, shares))
    spreads = [p * (1 - p) for p in shares]
    penalties = [0.0] + [ridge] * (len(weights) - 1)  # the intercept is free
    gradient = []
    for weight, column, penalty in zip(weights, columns, penalties, strict=True):
        gradient.append(sum(map(mul, misses, column)) - penalty * weight)
    curvature = [[0.0] * len(weights) for _ in weights]
    for i, column in enumerate(columns):
        spread = list(map(mul, spreads, column))
        for j in range(i + 1):
            curvature[i][j] = curvature[j][i] = sum(map(mul, spread, columns[j]))
        curvature[i][i] += penalties[i]
    return solve(curvature, gradient)
