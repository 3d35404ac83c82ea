"""How likely the editor is to accept a draft, from the decisions so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copydesk.predictor.core import metrics, prior
from copydesk.predictor.core.prior import Prior

START_YES, START_NO = 7.3, 2.7
"""The first guess, worth ten decisions: 73 % of machine-written tests that passed their checks
were accepted at Meta (Alshahwan et al., FSE 2024)."""

ENOUGH, ENOUGH_EACH = 50, 10
"""Decisions, and of either kind, before a model of the drafts themselves is tried."""

_BETTER = 0.01
"""How much lower the Brier score of that model must be than that of the running rate."""

INPUTS = ("tests", "lines_gained", "mutants_killed", "mutants_survived", "recorded", "lines")


class Decision(NamedTuple):
    """A draft that was decided on: its group (kind, writer, prompt), inputs, and whether kept."""

    group: str
    inputs: Mapping[str, float]
    accepted: bool


class Chance(NamedTuple):
    """The chance of acceptance, by which model, and why in words."""

    probability: float
    in_force: str
    reasons: tuple[str, ...]


def chances(
    drafts: Sequence[tuple[str, Mapping[str, float]]], decisions: Sequence[Decision]
) -> list[Chance]:
    """The chance of each draft.

    Args:
        drafts: Group and inputs of each.
        decisions: What was decided, in order of time.
    """
    model = _learned(decisions)
    return [_chance(group, inputs, decisions, model) for group, inputs in drafts]


def _chance(
    group: str, inputs: Mapping[str, float], decisions: Sequence[Decision], model: Prior | None
) -> Chance:
    if model is not None:
        return Chance(model.probability(inputs), "logistic", _reasons(model, inputs))
    accepted = [d.accepted for d in decisions if d.group == group]
    yes = sum(accepted)
    reason = "none was decided on yet"
    if accepted:
        reason = f"{yes} of {len(accepted)} such drafts were accepted"
    return Chance(_beta(yes, len(accepted) - yes), "running rate", (reason,))


def _reasons(model: Prior, inputs: Mapping[str, float]) -> tuple[str, ...]:
    """The three inputs that weigh most, with the sign of what they add."""
    reasons = []
    for term in sorted(model.explain(inputs)[1:], key=lambda term: -abs(term.contribution)):
        if term.value is not None and abs(term.contribution) > 0.05:
            sign = "+" if term.contribution > 0 else "-"
            reasons.append(f"{term.name.replace('_', ' ')}: {term.value:g} ({sign})")
    return tuple(reasons[:3])


def _beta(yes: int, no: int) -> float:
    return (START_YES + yes) / (START_YES + START_NO + yes + no)


def _learned(decisions: Sequence[Decision]) -> Prior | None:
    """A logistic model of the drafts, where it beats the running rate on the later decisions."""
    yes = sum(d.accepted for d in decisions)
    if len(decisions) < ENOUGH or min(yes, len(decisions) - yes) < ENOUGH_EACH:
        return None
    first = len(decisions) * 6 // 10
    past = decisions[:first]
    if len({d.accepted for d in past}) < 2:
        return None
    model_error, rate_error = _brier_scores(_fit(past), decisions, first)
    return _fit(decisions) if model_error < rate_error - _BETTER else None


def _brier_scores(model: Prior, decisions: Sequence[Decision], first: int) -> tuple[float, float]:
    """The Brier scores of a model and of the running rate on the decisions from `first` on."""
    truth = [d.accepted for d in decisions[first:]]
    by_model, by_rate = [], []
    for i, decision in enumerate(decisions[first:], first):
        by_model.append(model.probability(decision.inputs))
        chance = _chance(decision.group, decision.inputs, decisions[:i], None)
        by_rate.append(chance.probability)
    return metrics.brier(truth, by_model), metrics.brier(truth, by_rate)


def _fit(decisions: Sequence[Decision]) -> Prior:
    rows = [[float(d.inputs.get(name, 0)) for name in INPUTS] for d in decisions]
    return prior.fit(INPUTS, rows, [d.accepted for d in decisions])
