"""Learning which changed functions hold defects, and whether what was learned may be used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
        of_prior = [self.prior.explain(row) for row in rows]
        if self.residual is None:
            return of_prior
        return [a + b for a, b in zip(of_prior, self.residual.explain(rows), strict=True)]

    def logits(self, rows: Sequence[Inputs]) -> list[float]:
        """The log odds of each row."""
        of_prior = [self.prior.logit(row) for row in rows]
        if self.residual is None:
            return of_prior
        return [a + b for a, b in zip(of_prior, self.residual.adds(rows), strict=True)]

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


class _TestPart(NamedTuple):
    """Rows to test on, and what was known before them to learn from."""

    past: list[Row]
    past_labels: list[bool]
    test: list[Row]
    labels: list[bool]

    @property
    def tells_models_apart(self) -> bool:
        """Whether there is enough to learn from, and rows of both labels to test on."""
        positives = sum(self.labels)
        return sum(self.past_labels) >= _FOLD_POSITIVES and 0 < positives < len(self.labels)

    @property
    def can_fit_own_prior(self) -> bool:
        """Whether enough defects were known before for a prior of the project's own."""
        return sum(self.past_labels) >= TRY_OWN


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
    scored = Scored([], [], [], {})
    own_was_fitted = False
    for part in _test_parts(rows, now, gap_days):
        scored.labels.append(part.labels)
        scored.times.append([row.time for row in part.test])
        scored.sizes.append([float(row.inputs[SIZE] or 0) for row in part.test])
        for name, probabilities in _score(part, shipped).items():
            scored.scores.setdefault(name, []).append(probabilities)
        own_was_fitted |= part.can_fit_own_prior
    if not own_was_fitted:
        scored.scores.pop(OWN, None)
    return scored


def _test_parts(rows: Sequence[Row], now: float, gap_days: float) -> Iterator[_TestPart]:
    """The parts of the rows to test models on, in order of time."""
    fixed = [row.fixed_at for row in rows]
    ever_fixed = [at is not None for at in fixed]
    for fold in folds([row.time for row in rows], gap=gap_days * DAY):
        part = _TestPart(
            past=[rows[i] for i in fold.train],
            past_labels=known_labels(ever_fixed, fixed, fold.train, fold.cutoff),
            test=[rows[i] for i in fold.test],
            labels=known_labels(ever_fixed, fixed, fold.test, now),
        )
        if part.tells_models_apart:
            yield part


def _score(part: _TestPart, shipped: Prior) -> dict[str, list[float]]:
    """The probabilities that each model, fitted on what was known before, gives the test rows."""
    inputs = [row.inputs for row in part.test]
    priors = {
        BASELINE: fit_prior(part.past, part.past_labels, (SIZE,)),
        PRIOR: shipped,
        OWN: fit_prior(part.past, part.past_labels) if part.can_fit_own_prior else shipped,
    }
    scores = {name: list(map(model.probability, inputs)) for name, model in priors.items()}
    if available():
        trees = fit_residual(part.past, part.past_labels, shipped)
        scores[RESIDUAL] = Trained(RESIDUAL, shipped, trees, {}).probabilities(inputs)
    return scores


def figures(scored: Scored) -> dict[str, dict[str, float]]:
    """The figures of each model over all rows it was tested on.

    AUC, PR, Brier score, log loss and calibration error are of the pooled rows; the AUC within
    size and the precision in the top tenth are means over the test parts. The baseline ranks by
    the bare number, which no fit can spoil; its probabilities are fitted.
    """
    by_model = {}
    for name, parts in scored.scores.items():
        ranking = scored.sizes if name == BASELINE else parts
        by_model[name] = _figures_of(scored, parts, ranking)
    return by_model


def _figures_of(
    scored: Scored, parts: Sequence[Sequence[float]], ranking: Sequence[Sequence[float]]
) -> dict[str, float]:
    """The figures of one model, given its probabilities and what it ranks by, part by part."""
    labels, probabilities, ranks = _pooled(scored.labels), _pooled(parts), _pooled(ranking)
    within_size = list(map(metrics.stratified_auc, scored.labels, ranking, scored.sizes))
    top_tenth = list(map(metrics.precision_at, scored.labels, ranking))
    values = {
        "AUC": metrics.auc(labels, ranks),
        "AUC within size": sum(within_size) / len(within_size),
        "PR": metrics.average_precision(labels, ranks),
        "top tenth": sum(top_tenth) / len(top_tenth),
        "Brier": metrics.brier(labels, probabilities),
        "log loss": metrics.log_loss(labels, probabilities),
        "ECE": metrics.calibration_error(labels, probabilities),
    }
    return {name: round(value, 4) for name, value in values.items()}


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
    comparison = _Comparison(scored)
    accepted, why = [PRIOR], list[str]()
    for name in (BASELINE, OWN):
        if name in comparison.losses:
            surely, reason = comparison.with_prior(name)
            why.append(reason)
            if surely:
                accepted.append(name)
    in_force = min(accepted, key=comparison.mean.__getitem__)
    if RESIDUAL in comparison.losses and in_force != BASELINE:
        less, reason = comparison.of_trees(in_force)
        why.append(reason)
        if less:
            in_force = RESIDUAL
    return Verdict(in_force, tuple(why))


class _Comparison:
    """The log losses of models on the rows they were all tested on."""

    def __init__(self, scored: Scored) -> None:
        labels = _pooled(scored.labels)
        self._times = _pooled(scored.times)
        self.losses = {n: _losses(labels, _pooled(parts)) for n, parts in scored.scores.items()}
        self.mean = {name: math.fsum(losses) / len(losses) for name, losses in self.losses.items()}

    def with_prior(self, name: str) -> tuple[bool, str]:
        """Whether a model surely loses less than the shipped prior, and why."""
        sure = metrics.surely_less(self.losses[name], self.losses[PRIOR], self._times)
        evidence = f"{self._against(name, PRIOR)}, less in {sure:.1%} of resampled histories"
        if sure >= SURE:
            return True, f"{name} beat {PRIOR}: {evidence}"
        return False, f"{name} was not chosen: {evidence} ({SURE:.0%} needed)"

    def of_trees(self, rival: str) -> tuple[bool, str]:
        """Whether the prior with trees loses less than a model, and why."""
        evidence = self._against(RESIDUAL, rival)
        if self.mean[RESIDUAL] < self.mean[rival]:
            return True, f"{RESIDUAL} beat {rival}: {evidence}"
        return False, f"{RESIDUAL} was not chosen: {evidence}"

    def _against(self, name: str, rival: str) -> str:
        return f"log loss {self.mean[name]:.4f} against {self.mean[rival]:.4f} of {rival}"


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
    labelled = ripe(rows, now, ripe_days)
    labels = [row.fixed_at is not None and row.fixed_at < now for row in labelled]
    scored = Scored([], [], [], {})
    if sum(labels) >= TRY_RESIDUAL:
        scored = compare(labelled, shipped, now)
    verdict = _verdict(scored, sum(labels))
    prior_used, trees = _fit_in_force(verdict.in_force, labelled, labels, shipped)
    card = _card(labelled, labels, verdict, now)
    card["about"] = {"source": source or "the project's own history"} | card["about"]
    card["figures"] = figures(scored) if scored.labels else {}
    card["inputs"] = list(trees.names if trees else prior_used.names)
    return Trained(verdict.in_force, prior_used, trees, card)


def _verdict(scored: Scored, positives: int) -> Verdict:
    """Which model to put in force; the shipped prior where none could be tested."""
    if not scored.labels:
        reason = (
            f"{positives} functions known to have held a defect are too few, or too recent, to test"
            f" models on ({TRY_RESIDUAL} are needed), so the shipped prior is used, which was"
            " fitted on four other projects"
        )
        return Verdict(PRIOR, (reason,))
    verdict = decide(scored)
    if available():
        return verdict
    no_trees = "no trees were tried: CatBoost is not installed (copydesk[predictor])"
    return verdict._replace(why=(*verdict.why, no_trees))


def _fit_in_force(
    in_force: str, rows: Sequence[Row], labels: Sequence[bool], shipped: Prior
) -> tuple[Prior, Residual | None]:
    """The prior and the trees of the model in force, fitted on all rows."""
    if in_force == BASELINE:
        return fit_prior(rows, labels, (SIZE,)), None
    if in_force == OWN:
        return fit_prior(rows, labels), None
    if in_force == RESIDUAL:
        return shipped, fit_residual(rows, labels, shipped)
    return shipped, None


def _card(
    rows: Sequence[Row], labels: Sequence[bool], verdict: Verdict, now: float
) -> dict[str, Any]:
    about: dict[str, Any] = {"changed functions": len(rows)}
    about["known to have held a defect"] = sum(labels)
    if rows:
        about["from"], about["to"] = _day(rows[0].time), _day(rows[-1].time)
    about |= {"labels as known on": _day(now), "gap in days": int(GAP_DAYS)}
    return {
        "subject": "commits",
        "title": "Which changed functions hold a defect",
        "predicts": "The chance that a later commit fixes a defect in a function as a commit"
        " left it.",
        "about": about,
        "figures": {},
        "in_force": verdict.in_force,
        "why": list(verdict.why),
        "limits": list(LIMITS),
        "trained_at": now,
    }


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


LIMITS = (
    "Blame makes bigger changes likelier positives; the AUC within size looks beyond that.",
    "Fixes are told by the words of their messages; a defect nobody fixed counts as none.",
    "It is about functions that a commit changed, and says nothing of code left alone.",
)
