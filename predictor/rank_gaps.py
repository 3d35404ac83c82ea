"""Which uncovered function to look at first, and why, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from copydesk.predictor.core.prior import INTERCEPT, Term, sigmoid
from copydesk.predictor.core.residual_model import OWN
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.model import shipped
from copydesk.predictor.subjects.commits.train import Trained

HALF_WEIGHT = 10
"""Uncovered lines, and mutants on them, at which a gap counts half; set by hand."""

REASONS = 3
_WORTH_SAYING = 0.05


class Score(NamedTuple):
    """A gap's place in the queue: value from 0 to 1, and up to three reasons, weightiest first."""

    value: float
    reasons: tuple[str, ...]


class Risk(NamedTuple):
    """The chance that a changed function holds a defect, and what raises it, in words."""

    probability: float
    reasons: tuple[str, ...]


def score(gaps: Sequence[GapFeatures], model: Trained | None = None) -> list[Score]:
    """Score gaps, each by itself and in the given order.

    The value is the probability that the function holds a defect, times
    uncovered / (uncovered + 10), times (1 + mutants) / (11 + mutants): it rises with the risk,
    with the lines that no test sees, and with the faults that could be put there unseen. Where
    the mutants are not known, one a line is assumed. It ranks; it is no probability.

    Args:
        gaps: What is known of each gap; see GapFeatures.
        model: What is in force; the shipped prior when left out.
    """
    found = risks([gap._asdict() for gap in gaps], model)
    return [_score(gap, risk) for gap, risk in zip(gaps, found, strict=True)]


def risks(rows: Sequence[Mapping[str, float | None]], model: Trained | None = None) -> list[Risk]:
    """The risk of changed functions.

    Args:
        rows: The inputs of each by name; what is missing counts as not known.
        model: What is in force; the shipped prior when left out.
    """
    used = model or shipped()
    return [_risk(terms) for terms in used.explain(rows)]


def _risk(terms: Iterable[Term]) -> Risk:
    listed = list(terms)
    weights: dict[str, float] = {}
    values: dict[str, float | None] = {}
    for term in listed:
        if term.name not in (INTERCEPT, OWN):
            weights[term.name] = weights.get(term.name, 0.0) + term.contribution
            values[term.name] = term.value
    raising = sorted((name for name in weights), key=lambda name: -weights[name])
    reasons = [
        phrase
        for name in raising
        if weights[name] > _WORTH_SAYING and (phrase := _phrase(name, values[name]))
    ]
    return Risk(sigmoid(math.fsum(term.contribution for term in listed)), tuple(reasons))


def _score(gap: GapFeatures, risk: Risk) -> Score:
    uncovered = max(0, gap.lines_uncovered)
    mutants = uncovered if gap.surviving_mutants is None else max(0, gap.surviving_mutants)
    unseen = uncovered / (uncovered + HALF_WEIGHT)
    faults = (1 + mutants) / (1 + mutants + HALF_WEIGHT)
    reasons = [_uncovered(uncovered, gap)] if uncovered else []
    return Score(risk.probability * unseen * faults, tuple([*reasons, *risk.reasons][:REASONS]))


def _uncovered(lines: int, gap: GapFeatures) -> str:
    whole = gap.function_lines is not None and lines >= gap.function_lines
    said = f"no test reaches {'any' if whole else _count(lines, 'line')} of it"
    if not gap.surviving_mutants:
        return said
    return f"{said}, nor would notice {_count(gap.surviving_mutants, 'small fault')} there"


def _phrase(name: str, value: float | None) -> str:
    """An input that raises the risk, in words; "" when it is not worth a reason."""
    if value is None:
        return ""
    count = round(value)
    if name == "lines_added_elsewhere":
        return "the commit is mostly about it"
    if name == "days_since_function":
        return "its last change is not long ago" if value >= 0 else ""
    if name == "covered_share":
        return f"tests reach {value:.0%} of it" if value < 1 else "tests reach all of it"
    if name == "author_recency":
        return "its author committed little here of late" if value < 1 else "its author is active"
    if count <= 0:
        return ""
    return {
        "lines_added_in_commit": f"the commit added or rewrote {_count(count, 'line')} of it",
        "lines_removed": f"the commit took away {_count(count, 'line')} of it",
        "branches": f"{_count(count, 'branch', 'branches')} in it",
        "arguments": _count(count, "argument"),
        "times_changed": f"its file changed {_times(count)} in 90 days",
        "churn": f"its file is changing: {_count(count, 'line')} of late",
        "recent_fixes": f"{_count(count, 'recent fix', 'recent fixes')} in its file",
        "fixes": f"{_count(count, 'recent fix', 'recent fixes')} in its file",
        "function_fixes": f"it was fixed {_times(count)} before",
        "callers": f"called from {_count(count, 'place')} in its module",
        "file_lines": "in a short file",
        "files_changed": f"the commit touches only {_count(count, 'file')}",
        "test_lines_added": "the commit changes tests too",
        "tests_changed": "the commit changes tests too",
        "new_function": "it is new",
        "is_fix": "the commit mends something",
    }.get(name, "")


def _count(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
