"""Which uncovered function to look at first, and why, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    # a score follows from its features alone, and small functions have the same
    distinct = list(dict.fromkeys(gaps))
    gap_risks = risks([gap._asdict() for gap in distinct], model)
    scores = {gap: _score(gap, risk) for gap, risk in zip(distinct, gap_risks, strict=True)}
    return [scores[gap] for gap in gaps]


def risks(rows: Sequence[Mapping[str, float | None]], model: Trained | None = None) -> list[Risk]:
    """The risk of changed functions.

    Args:
        rows: The inputs of each by name; what is missing counts as not known.
        model: What is in force; the shipped prior when left out.
    """
    return [_risk(terms) for terms in (model or shipped()).explain(rows)]


def _risk(terms: Sequence[Term]) -> Risk:
    """The risk that the terms of a logit make up; the reasons are those that raise it most."""
    weights: dict[str, float] = {}
    values: dict[str, float | None] = {}
    for term in terms:
        if term.name not in (INTERCEPT, OWN):
            weights[term.name] = weights.get(term.name, 0.0) + term.contribution
            values[term.name] = term.value
    raising = [name for name, weight in weights.items() if weight > _WORTH_SAYING]
    raising.sort(key=lambda name: -weights[name])
    reasons = filter(None, (_phrase(name, values[name]) for name in raising))
    return Risk(sigmoid(math.fsum(term.contribution for term in terms)), tuple(reasons))


def _score(gap: GapFeatures, risk: Risk) -> Score:
    uncovered = max(0, gap.lines_uncovered)
    mutants = uncovered if gap.mutation_sites is None else max(0, gap.mutation_sites)
    unseen = uncovered / (uncovered + HALF_WEIGHT)
    faults = (1 + mutants) / (1 + mutants + HALF_WEIGHT)
    reasons = [_uncovered(uncovered, gap)] if uncovered else []
    return Score(risk.probability * unseen * faults, tuple([*reasons, *risk.reasons][:REASONS]))


def _uncovered(lines: int, gap: GapFeatures) -> str:
    is_all = gap.function_lines is not None and lines >= gap.function_lines
    reason = f"no test reaches {'any' if is_all else _count(lines, 'line')} of it"
    if not gap.mutation_sites:
        return reason
    return f"{reason}, nor would notice {_count(gap.mutation_sites, 'small fault')} there"


def _phrase(name: str, value: float | None) -> str:
    """An input that raises the risk, in words; "" when it is not worth a reason."""
    if value is None:
        return ""
    if name in _OF_VALUE:
        return _OF_VALUE[name](value)
    count = round(value)
    if count > 0 and name in _OF_COUNT:
        return _OF_COUNT[name](count)
    return ""


def _count(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _recent_fixes(count: int) -> str:
    return f"{_count(count, 'recent fix', 'recent fixes')} in its file"


def _covered(share: float) -> str:
    amount = f"{share:.0%}" if share < 1 else "all"
    return f"tests reach {amount} of it"


_OF_VALUE: dict[str, Callable[[float], str]] = {
    "lines_added_elsewhere": lambda _: "the commit is mostly about it",
    "days_since_function": lambda days: "its last change is not long ago" if days >= 0 else "",
    "covered_share": _covered,
    "author_recency": lambda commits: (
        "its author committed little here of late" if commits < 1 else "its author is active"
    ),
}
"""Reasons whose inputs are no counts, and are told whatever their value."""

_OF_COUNT: dict[str, Callable[[int], str]] = {
    "lines_added_in_commit": lambda n: f"the commit added or rewrote {_count(n, 'line')} of it",
    "lines_removed": lambda n: f"the commit took away {_count(n, 'line')} of it",
    "branches": lambda n: f"{_count(n, 'branch', 'branches')} in it",
    "arguments": lambda n: _count(n, "argument"),
    "times_changed": lambda n: f"its file changed {_times(n)} in 90 days",
    "churn": lambda n: f"its file is changing: {_count(n, 'line')} of late",
    "recent_fixes": _recent_fixes,
    "fixes": _recent_fixes,
    "function_fixes": lambda n: f"it was fixed {_times(n)} before",
    "callers": lambda n: f"called from {_count(n, 'place')} in its module",
    "file_lines": lambda _: "in a short file",
    "files_changed": lambda n: f"the commit touches only {_count(n, 'file')}",
    "test_lines_added": lambda _: "the commit changes tests too",
    "tests_changed": lambda _: "the commit changes tests too",
    "new_function": lambda _: "it is new",
    "is_fix": lambda _: "the commit mends something",
}
"""Reasons whose inputs are counts, and are told when there is something to count."""
