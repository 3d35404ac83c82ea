"""Learning which changed functions hold defects, and whether what was learned may be used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from copydesk.predictor.core import metrics, prior
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.model_selection import Verdict
from copydesk.predictor.core.prior import Prior, Term, logit, sigmoid
from copydesk.predictor.core.residual_model import Residual, available
from copydesk.predictor.core.time_split import folds, known_labels

DAY = 86_400.0
SIZE = "lines_added_in_commit"
"""The one number that every model has to beat."""

INPUTS = (
    *(SIZE, "lines_removed", "function_lines", "branches", "arguments", "share_changed"),
    *("new_function", "function_fixes", "days_since_function", "file_lines", "fixes", "churn"),
    *("files_changed", "tests_changed", "test_lines_added", "is_fix", "lines_added_in_all"),
    *("author_recency", "private"),
)

TREE_INPUTS = (*INPUTS, "covered_share")
"""What the trees see too is known of measured commits only; where none was, it is left out."""

BASELINE, PRIOR, OWN, RESIDUAL = "lines added", "prior", "own prior", "prior + residual"
RIPE_DAYS = 365.0
"""Younger rows are left out: their defects may not have been found yet."""

GAP_DAYS = 180.0
TRY_RESIDUAL, TRY_OWN = 20, 200
"""Positives known before a residual, or a prior of the project's own, is worth trying."""

_FOLD_POSITIVES = 10
"""Positives known before a test part, without which it is left out."""

SURE = 0.99
"""In what share of resamples a model must lose less than the shipped prior to take its place."""

T = TypeVar("T")
Inputs = Mapping[str, float | None]


class Row(NamedTuple):
    """A changed function: when, what was known of it, and when it proved to be defective."""

    time: float
    inputs: Inputs
    fixed_at: float | None


class Scored(NamedTuple):
    """Labels and scores of the rows that models were tested on, fold by fold.

    The time of a row is that of its commit.
    """

    labels: list[list[bool]]
    times: list[list[float]]
    sizes: list[list[float]]
    scores: dict[str, list[list[float]]]


@dataclass(frozen=True, slots=True)
class Trained:
    """What scores a changed function now: one of four models, and the card that says why."""

    in_force: str
    prior: Prior
    residual: Residual | None
    card: dict[str, Any]

    def explain(self, rows: Sequence[Inputs]) -> list[tuple[Term, ...]]:
        """The terms of each row's logit: of the prior, then of the trees."""
        known = [self.prior.explain(row) for row in rows]
        if self.residual is None:
            return known
        return [a + b for a, b in zip(known, self.residual.explain(rows), strict=True)]

    def logits(self, rows: Sequence[Inputs]) -> list[float]:
        """The log odds of each row."""
        known = [self.prior.logit(row) for row in rows]
        if self.residual is None:
            return known
        return [a + b for a, b in zip(known, self.residual.adds(rows), strict=True)]

    def probabilities(self, rows: Sequence[Inputs]) -> list[float]:
        """The chance of each row that a later commit fixes a defect in it."""
        return [sigmoid(value) for value in self.logits(rows)]


def ripe(rows: Sequence[Row], now: float, days: float = RIPE_DAYS) -> list[Row]:
    """The rows whose label is known as well as it will be, in order of time."""
    return sorted((r for r in rows if r.time < now - days * DAY), key=lambda r: r.time)


def fit_prior(rows: Sequence[Row], labels: Sequence[bool], names: Sequence[str] = INPUTS) -> Prior:
    """A logistic prior from rows whose inputs are all known.

    Raises:
        PredictorError: The labels are all equal.
    """
    try:
        table = [[float(row.inputs.get(name) or 0) for name in names] for row in rows]
        return prior.fit(names, table, labels)
    except ValueError as error:
        raise PredictorError(f"a prior cannot be fitted: {error}") from error


def compare(
    rows: Sequence[Row], shipped: Prior, now: float, *, gap_days: float = GAP_DAYS
) -> Scored:
    """Test each model on later rows by what was known before them.

    The project's own prior stands in for the shipped one in the test parts before which enough
    defects were known; it is left out where there is none of these.

    Args:
        rows: Ripe rows in order of time.
        shipped: The prior, which knows nothing of these rows.
        now: Up to when labels are known.
        gap_days: Rows this close before a test part are not trained on.
    """
    times, fixed = [row.time for row in rows], [row.fixed_at for row in rows]
    every = [at is not None for at in fixed]
    labels: list[list[bool]] = []
    dates: list[list[float]] = []
    sizes: list[list[float]] = []
    scores: dict[str, list[list[float]]] = {BASELINE: [], PRIOR: [], OWN: [], RESIDUAL: []}
    ever_grown = False
    for fold in folds(times, gap=gap_days * DAY):
        test = [rows[i] for i in fold.test]
        truth = known_labels(every, fixed, fold.test, now)
        past = [rows[i] for i in fold.train]
        seen = known_labels(every, fixed, fold.train, fold.cutoff)
        if sum(seen) < _FOLD_POSITIVES or not 0 < sum(truth) < len(truth):
            continue
        labels.append(truth)
        dates.append([row.time for row in test])
        sizes.append([float(row.inputs[SIZE] or 0) for row in test])
        simple = fit_prior(past, seen, (SIZE,))
        scores[BASELINE].append([simple.probability(row.inputs) for row in test])
        scores[PRIOR].append([shipped.probability(row.inputs) for row in test])
        grown = sum(seen) >= TRY_OWN
        ever_grown |= grown
        own = fit_prior(past, seen) if grown else shipped
        scores[OWN].append([own.probability(row.inputs) for row in test])
        if available():
            model = Trained(RESIDUAL, shipped, fit_residual(past, seen, shipped), {})
            scores[RESIDUAL].append(model.probabilities([row.inputs for row in test]))
    if not ever_grown:
        del scores[OWN]
    whole = {name: parts for name, parts in scores.items() if labels and len(parts) == len(labels)}
    return Scored(labels, dates, sizes, whole)


def figures(scored: Scored) -> dict[str, dict[str, float]]:
    """The figures of each model over all rows it was tested on.

    AUC, PR, Brier score, log loss and calibration error are of the pooled rows; the AUC within
    size and the precision in the top tenth are means over the test parts. The baseline ranks by
    the bare number, which no fit can spoil; its probabilities are fitted.
    """
    labels = _pooled(scored.labels)
    found = {}
    for name, parts in scored.scores.items():
        pooled = _pooled(parts)
        ranking = scored.sizes if name == BASELINE else parts
        ranks = _pooled(ranking)
        within = [
            metrics.stratified_auc(y, p, size)
            for y, p, size in zip(scored.labels, ranking, scored.sizes, strict=True)
        ]
        top = [metrics.precision_at(y, p) for y, p in zip(scored.labels, ranking, strict=True)]
        found[name] = {
            "AUC": metrics.auc(labels, ranks),
            "AUC within size": sum(within) / len(within),
            "PR": metrics.average_precision(labels, ranks),
            "top tenth": sum(top) / len(top),
            "Brier": metrics.brier(labels, pooled),
            "log loss": metrics.log_loss(labels, pooled),
            "ECE": metrics.calibration_error(labels, pooled),
        }
    return {name: {k: round(v, 4) for k, v in held.items()} for name, held in found.items()}


def fit_residual(rows: Sequence[Row], labels: Sequence[bool], base: Prior) -> Residual:
    """Trees on what the prior leaves over."""
    inputs = [row.inputs for row in rows]
    answers = [float(label) for label in labels]
    return Residual.fit(TREE_INPUTS, inputs, answers, [base.logit(row) for row in inputs])


def decide(scored: Scored) -> Verdict:
    """Which of the models may be used, by their log loss on the rows they were tested on.

    Each model's level is set right first, so that what it tells apart is compared and not how
    many defects it expects. The shipped prior was tested on other histories, against which the
    little that one project says weighs lightly: what takes its place must lose less in nearly all
    resamples of the project's commits. The trees only add to a prior, and little: they must lose
    less. A prior of the project's own is, where it is in force, what they have to beat.
    """
    labels = _pooled(scored.labels)
    losses = {name: _losses(labels, _pooled(parts)) for name, parts in scored.scores.items()}
    mean = {name: math.fsum(lost) / len(lost) for name, lost in losses.items()}

    def against(name: str, other: str) -> str:
        return f"log loss {mean[name]:.4f} against {mean[other]:.4f} of {other}"

    standing, why = [PRIOR], list[str]()
    for name in (BASELINE, OWN):
        if name not in losses:
            continue
        sure = metrics.surely_less(losses[name], losses[PRIOR], _pooled(scored.times))
        evidence = f"{against(name, PRIOR)}, less in {sure:.1%} of resampled histories"
        if sure >= SURE:
            standing.append(name)
            why.append(f"{name} beat {PRIOR}: {evidence}")
        else:
            why.append(f"{name} does not stand: {evidence} ({SURE:.0%} needed)")
    in_force = min(standing, key=mean.__getitem__)
    if RESIDUAL in losses and in_force != BASELINE:
        evidence = against(RESIDUAL, in_force)
        if mean[RESIDUAL] < mean[in_force]:
            why.append(f"{RESIDUAL} beat {in_force}: {evidence}")
            in_force = RESIDUAL
        else:
            why.append(f"{RESIDUAL} does not stand: {evidence}")
    return Verdict(in_force, tuple(why))


def _losses(labels: Sequence[bool], probabilities: Sequence[float]) -> list[float]:
    """Each row's log loss, once the mean probability is the share of positive labels."""
    logits = [logit(p) for p in probabilities]
    level = prior.offset(logits, labels)
    return metrics.log_losses(labels, [sigmoid(z + level) for z in logits])


def _pooled(parts: Sequence[Sequence[T]]) -> list[T]:
    return [value for part in parts for value in part]


def train(
    rows: Sequence[Row],
    shipped: Prior,
    now: float,
    *,
    ripe_days: float = RIPE_DAYS,
    source: str = "",
) -> Trained:
    """Compare, decide, and fit what is in force on all that is known.

    Args:
        rows: Changed functions of the project.
        shipped: A prior that knows nothing of them.
        now: Unix seconds; labels are those known then.
        ripe_days: Rows younger than that are left out.
        source: Where the rows are from, for the card.

    Raises:
        PredictorError: A row is malformed.
    """
    known = ripe(rows, now, ripe_days)
    labels = [row.fixed_at is not None and row.fixed_at < now for row in known]
    scored = compare(known, shipped, now) if sum(labels) >= TRY_RESIDUAL else Scored([], [], [], {})
    found = figures(scored) if scored.labels else {}
    if found:
        verdict = decide(scored)
    else:
        few = f"{sum(labels)} functions known to have held a defect"
        verdict = Verdict(
            PRIOR,
            (
                f"the shipped prior stands by the four histories it comes from: {few} are too few"
                f" to test it here (needed are {TRY_RESIDUAL})",
            ),
        )
    prior_used, trees = shipped, None
    if verdict.in_force == BASELINE:
        prior_used = fit_prior(known, labels, (SIZE,))
    if verdict.in_force == OWN:
        prior_used = fit_prior(known, labels)
    if verdict.in_force == RESIDUAL:
        trees = fit_residual(known, labels, shipped)
    why = list(verdict.why)
    if found and not available():
        why.append("no trees were tried: CatBoost is not installed (copydesk[predictor])")
    seen = trees.names if trees else prior_used.names
    card = _card(known, labels, found, verdict._replace(why=tuple(why)), source, now)
    card["inputs"] = list(seen)
    return Trained(verdict.in_force, prior_used, trees, card)


def _card(
    rows: Sequence[Row],
    labels: Sequence[bool],
    found: Mapping[str, Mapping[str, float]],
    verdict: Verdict,
    source: str,
    now: float,
) -> dict[str, Any]:
    def day(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()

    about: dict[str, Any] = {"source": source or "the project's own history"}
    about |= {"changed functions": len(rows), "known to have held a defect": sum(labels)}
    if rows:
        about["from"], about["to"] = day(rows[0].time), day(rows[-1].time)
    about |= {"labels as known on": day(now), "gap in days": int(GAP_DAYS)}
    return {
        "subject": "commits",
        "title": "Which changed functions hold a defect",
        "predicts": "The chance that a later commit fixes a defect in a function as a commit"
        " left it.",
        "about": about,
        "figures": {name: dict(held) for name, held in found.items()},
        "in_force": verdict.in_force,
        "why": list(verdict.why),
        "limits": list(LIMITS),
        "trained_at": now,
    }


LIMITS = (
    "Blame makes bigger changes likelier positives; the AUC within size looks beyond that.",
    "Fixes are told by the words of their messages; a defect nobody fixed counts as none.",
    "It is about functions that a commit changed, and says nothing of code left alone.",
)
