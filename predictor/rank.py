"""Which uncovered function to look at first, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from copydesk.predictor.core.prior import INTERCEPT, Prior, Term
from copydesk.predictor.subjects.commits.features import GapFeatures

HALF_WEIGHT = 10
"""Uncovered lines at which a gap counts half of its probability; set by hand."""

REASONS = 3


class Score(NamedTuple):
    """A gap's place in the queue: value from 0 to 1, and up to three reasons, weightiest first."""

    value: float
    reasons: tuple[str, ...]


def score(gaps: Sequence[GapFeatures]) -> list[Score]:
    """Score gaps, each by itself and in the given order.

    The value is the prior's probability that the function holds a defect, times
    uncovered / (uncovered + 10): it rises with the risk and with what no test sees. It ranks; it
    is no probability.

    Args:
        gaps: What is known of each gap; see GapFeatures.
    """
    prior = shipped_prior()
    return [_score(gap, prior) for gap in gaps]


@cache
def shipped_prior() -> Prior:
    """The prior that comes with copydesk; prior.card.json beside it says where it is from."""
    path = resources.files("copydesk.predictor").joinpath("subjects", "commits", "prior.json")
    return Prior.from_json(path.read_text("utf-8"))


def _score(gap: GapFeatures, prior: Prior) -> Score:
    uncovered = max(0, gap.lines_uncovered)
    values = gap._asdict()
    seen = uncovered / (uncovered + HALF_WEIGHT)
    terms = sorted(prior.explain(values), key=lambda term: -term.contribution)
    raising = [t for t in terms if t.name != INTERCEPT and t.contribution > 0.05]
    reasons = [_uncovered(uncovered, gap.function_lines)] if uncovered else []
    reasons += [phrase for term in raising if (phrase := _phrase(term))]
    return Score(prior.probability(values) * seen, tuple(reasons[:REASONS]))


def _uncovered(lines: int, of: int | None) -> str:
    if of is not None and lines >= of:
        return "no test reaches any of it"
    return f"no test reaches {_count(lines, 'line')} of it"


def _phrase(term: Term) -> str:
    """A term that raises the risk, in words; "" when its input is not worth a reason."""
    count = int(term.value or 0)
    match term.name:
        case "lines_added_in_commit" if count:
            return f"the commit added or rewrote {_count(count, 'line')} of it"
        case "branches" if count:
            return f"{_count(count, 'branch', 'branches')} in it"
        case "times_changed" if count:
            return f"its file changed {_times(count)} in 90 days"
        case "recent_fixes" if count:
            return f"{_count(count, 'recent fix', 'recent fixes')} in its file"
        case "callers" if count:
            return f"called from {_count(count, 'place')} in its module"
        case "lines_added_elsewhere":
            return "the commit is mostly about it"
        case "file_lines" if count:
            return "in a short file"
        case "files_changed" if count:
            return f"the commit touches only {_count(count, 'file')}"
        case "test_lines_added" if count:
            return "the commit changes tests too"
    return ""


def _count(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
