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
        terms = sorted(model.explain(inputs)[1:], key=lambda t: -abs(t.contribution))
        reasons = [
            f"{t.name.replace('_', ' ')}: {t.value:g} ({'+' if t.contribution > 0 else '-'})"
            for t in terms
            if t.value is not None and abs(t.contribution) > 0.05
        ]
        return Chance(model.probability(inputs), "logistic", tuple(reasons[:3]))
    mine = [d.accepted for d in decisions if d.group == group]
    yes = sum(mine)
    said = f"{yes} of {len(mine)} such drafts were accepted" if mine else "none was decided on yet"
    return Chance(_beta(yes, len(mine) - yes), "running rate", (said,))


def _beta(yes: int, no: int) -> float:
    return (START_YES + yes) / (START_YES + START_NO + yes + no)


def _learned(decisions: Sequence[Decision]) -> Prior | None:
    """A logistic model of the drafts, where it beats the running rate on the later decisions."""
    yes = sum(d.accepted for d in decisions)
    if len(decisions) < ENOUGH or min(yes, len(decisions) - yes) < ENOUGH_EACH:
        return None
    first = len(decisions) * 6 // 10
    past, later = decisions[:first], decisions[first:]
    if len({d.accepted for d in past}) < 2:
        return None
    model = _fit(past)
    truth = [d.accepted for d in later]
    rates = [
        _chance(d.group, d.inputs, decisions[: first + i], None).probability
        for i, d in enumerate(later)
    ]
    mine = metrics.brier(truth, [model.probability(d.inputs) for d in later])
    return _fit(decisions) if mine < metrics.brier(truth, rates) - _BETTER else None


def _fit(decisions: Sequence[Decision]) -> Prior:
    rows = [[float(d.inputs.get(name, 0)) for name in INPUTS] for d in decisions]
    return prior.fit(INPUTS, rows, [d.accepted for d in decisions])
